"""Module-level declarations to symbols: constants, module data, enums, functions, and instances of generic ones."""

from __future__ import annotations

import ast
import functools
import operator

import compiler.annotations as type_annotations
import compiler.constant as constant
import compiler.protocols as protocols
import compiler.struct_layout as struct_layout
from compiler.decorators import function_decorators
from compiler.environment import Environment
from compiler.errors import CompileError
from compiler.modules import PROGRAM_MAIN, Module
from compiler.symbols import (
    Binding,
    ConstSymbol,
    EnumSymbol,
    ExceptionSymbol,
    Function,
    FunctionNode,
    GenericFunction,
    GenericStruct,
    GlobalVar,
    Param,
    ProtocolSymbol,
    Symbol,
    TypeSymbol,
    TypeVarSymbol,
)
from compiler.type_model import (
    NEVER,
    NONE,
    U8,
    U16,
    U32,
    U64,
    EnumType,
    PtrType,
    SpanType,
    StructType,
    Type,
    TypeVariable,
)


def declare(module: Module, name: str, node: ast.stmt) -> Symbol:
    env = Environment(module)
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return declare_function(module, node, None, {})
        case ast.ClassDef():
            return _declare_class(module, node)
        case ast.Assign(value=value):
            return _declare_assigned(module, name, node, value, env)
        case ast.AnnAssign():
            return _declare_data(module, name, node, env)
    raise module.error("unsupported", "this cannot be declared", node)


def _declare_assigned(module: Module, name: str, node: ast.Assign, value: ast.expr, env: Environment) -> Symbol:
    function = env.builtin_of(value.func) if isinstance(value, ast.Call) else ""
    if isinstance(value, ast.Call) and function == "const":
        if len(value.args) != 1:
            raise module.error("constant", "const takes one expression", value)
        return ConstSymbol(name, constant.evaluate(value.args[0], env), module.span(node))
    if isinstance(value, ast.Call) and function == "TypeVar":
        bound = next((keyword.value for keyword in value.keywords if keyword.arg == "bound"), None)
        return TypeVarSymbol(name, module, bound, tuple(value.args[1:]))
    if isinstance(value, ast.Subscript | ast.Name | ast.Attribute):
        try:
            return TypeSymbol(type_annotations.resolve_type(value, env))
        except CompileError:
            pass
    raise module.error(
        "constant",
        f"{name} is neither a constant nor typed data",
        node,
        hint=f"{name} = const({ast.unparse(value)}), or {name}: {_guess(value)} for data",
    )


def _guess(value: ast.expr) -> str:
    """A declaration's type and value, as a hint shows them."""
    text = ast.unparse(value)
    match value:
        case ast.List(elts=elts) | ast.Tuple(elts=elts):
            return f"array[u64, {len(elts)}] = array({', '.join(map(ast.unparse, elts))})"
        case ast.Constant(value=str()):
            return f"str = {text}"
        case ast.Constant(value=bytes()):
            return f"span[u8] = {text}"
        case ast.Constant(value=bool()):
            return f"bool = {text}"
        case ast.Constant(value=None):
            return "ptr[T] | None = None"
        case ast.Call(func=ast.Name(id=name)):
            return f"{name} = {text}"
    return f"u64 = {text}"


PLACEMENT = ("align", "section", "keep")


def _declare_data(module: Module, name: str, node: ast.AnnAssign, env: Environment) -> GlobalVar | ConstSymbol:
    annotation = node.annotation
    per_cpu = isinstance(annotation, ast.Subscript) and env.builtin_of(annotation.value) == "percpu"
    if isinstance(annotation, ast.Name) and env.builtin_of(annotation) == "Final" and node.value is not None:
        return ConstSymbol(name, constant.evaluate(node.value, env), module.span(node))
    data = GlobalVar(
        module, name, type_annotations.resolve_type(annotation, env), node.value, module.span(node), per_cpu=per_cpu
    )
    if data.type in (NONE, NEVER):
        raise module.error("data", f"data cannot be {data.type}", annotation)
    if node.value is None:
        raise module.error("data", f"{name} has no value", node, hint=f"{name}: {ast.unparse(annotation)} = zeroed()")
    if isinstance(node.value, ast.Call) and env.builtin_of(node.value.func) in ("zeroed", "placed"):
        for keyword in node.value.keywords:
            if keyword.arg not in PLACEMENT:
                raise module.error("data", f"data can be placed by {', '.join(PLACEMENT)}, not {keyword.arg}", keyword)
            setattr(data, keyword.arg, constant.evaluate(keyword.value, env))
        if data.align & (data.align - 1):
            raise module.error("data", f"an alignment is a power of two, not {data.align}", node)
    return data


def _declare_class(module: Module, node: ast.ClassDef) -> Symbol:
    env = Environment(module)
    bases = [env.builtin_of(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
    if "IntEnum" in bases or "IntFlag" in bases:
        return _declare_enum(module, node, env, is_flag="IntFlag" in bases)
    if "Protocol" in bases:
        return ProtocolSymbol(node.name, node, module)
    if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name | ast.Attribute):
        parent = env.symbol_of(node.bases[0])
        if isinstance(parent, ExceptionSymbol):
            return module.project.new_exception(f"{module.name}.{node.name}", parent)
    parameters = _generic_parameters(module, node, env)
    if parameters:
        return GenericStruct(module, node, parameters)
    if node.bases:
        raise module.error(
            "unsupported",
            "inheritance is not part of the language",
            node.bases[0],
            hint="hold the other struct in a field",
        )
    return TypeSymbol(struct_layout.declare_struct(module, node, {}))


def _generic_parameters(module: Module, node: ast.ClassDef, env: Environment) -> tuple[str, ...]:
    for base in node.bases:
        if isinstance(base, ast.Subscript) and env.builtin_of(base.value) == "Generic":
            items = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
            return tuple(item.id for item in items if isinstance(item, ast.Name))
    return ()


def _declare_enum(module: Module, node: ast.ClassDef, env: Environment, *, is_flag: bool) -> EnumSymbol:
    members: dict[str, int] = {}
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                scope = env.with_constants(dict(members))
                members[name] = constant.evaluate_int(value, scope, "an enum's member")
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                raise module.error("enum", "an enum holds NAME = value lines only", statement)
    for member, number in members.items():
        if not U64.holds(number):
            raise module.error("enum", f"{member} is {number}: members are from 0 to {U64.maximum}", node)
    name = f"{module.name}.{node.name}"
    largest = functools.reduce(operator.or_, members.values(), 0) if is_flag else max([0, *members.values()])
    storage = next((t for t in (U8, U16, U32, U64) if t.holds(largest)), U64)
    return EnumSymbol(name, EnumType(storage, name, is_flag, tuple(members.values())), members)


def declare_function(
    module: Module, node: FunctionNode, owner: StructType | None, bindings: dict[str, Binding]
) -> Function | GenericFunction:
    env = Environment(module, bindings)
    protocols.fill_server(module, node, env)
    parameters = _type_parameters(node, env)
    if parameters:
        return GenericFunction(module, node, parameters, owner, bindings)
    return make_function(module, node, owner, bindings)


def _type_parameters(node: FunctionNode, env: Environment) -> tuple[str, ...]:
    """TypeVars named by the parameters, and `const[int]` parameters, in order of appearance."""
    found: list[str] = []
    starred = [node.args.vararg] if node.args.vararg is not None else []
    for argument in [*node.args.args, *starred]:
        annotation = argument.annotation
        if annotation is None:
            continue
        if isinstance(annotation, ast.Subscript) and env.builtin_of(annotation.value) == "const":
            found.append(argument.arg)
            continue
        for name in (n for n in ast.walk(annotation) if isinstance(n, ast.Name)):
            if name.id not in found and name.id not in env.bindings and _is_type_variable(name, env):
                found.append(name.id)
    if starred and node.returns is not None:
        for name in (n for n in ast.walk(node.returns) if isinstance(n, ast.Name)):
            if name.id not in found and name.id not in env.bindings and _is_type_variable(name, env):
                found.append(name.id)
    return tuple(found)


def _is_type_variable(name: ast.Name, env: Environment) -> bool:
    try:
        return isinstance(env.lookup(name.id, name), TypeVarSymbol)
    except CompileError:
        return False


def make_function(
    module: Module, node: FunctionNode, owner: StructType | None, bindings: dict[str, Binding], suffix: str = ""
) -> Function:
    env = Environment(module, bindings)
    defaults = [None] * (len(node.args.args) - len(node.args.defaults)) + list(node.args.defaults)
    params = [
        _parameter(module, node, argument, default, index == 0 and owner is not None, owner, env)
        for index, (argument, default) in enumerate(zip(node.args.args, defaults, strict=True))
        if not _is_const_parameter(argument, env)
    ]
    if node.args.vararg is not None:
        params.append(_starred_parameter(module, node, node.args.vararg, env))
    if owner is not None and (not node.args.args or node.args.args[0].arg != "self"):
        raise module.error("method", f"the first parameter of a method is self: def {node.name}(self, ...)", node)
    if node.returns is None:
        raise module.error(
            "annotation",
            f"{node.name} needs a result type",
            node,
            hint="write -> None or the result type before the colon",
        )
    result = type_annotations.resolve_type(node.returns, env)
    if isinstance(result, TypeVariable):
        raise module.error("generic", f"no parameter of {node.name} tells what {result} is", node.returns)
    span = module.span(node)
    function = Function(module, node.name, node, params, result, span, owner, bindings, suffix=suffix)
    function.decorators = function_decorators(module, node, env)
    if node.name == PROGRAM_MAIN:
        function.decorators["export"] = PROGRAM_MAIN
    if result.is_aggregate and isinstance(result, StructType) is False and not hasattr(result, "count"):
        raise module.error("type", f"a function cannot return {result}", node.returns)
    return function


def _is_const_parameter(argument: ast.arg, env: Environment) -> bool:
    annotation = argument.annotation
    return isinstance(annotation, ast.Subscript) and env.builtin_of(annotation.value) == "const"


def _parameter(
    module: Module,
    node: FunctionNode,
    argument: ast.arg,
    default: ast.expr | None,
    is_self: bool,
    owner: StructType | None,
    env: Environment,
) -> Param:
    span = module.span(argument)
    if is_self and owner is not None:
        return Param(argument.arg, PtrType(owner), None, span)
    if argument.annotation is None:
        raise module.error(
            "annotation", f"parameter {argument.arg} of {node.name} needs a type", argument, hint=f"{argument.arg}: u64"
        )
    kind: Type = type_annotations.resolve_type(argument.annotation, env)
    formatted = (
        isinstance(argument.annotation, ast.Subscript) and env.builtin_of(argument.annotation.value) == "fstring"
    )
    if isinstance(kind, StructType):
        return Param(argument.arg, PtrType(kind), default, span, by_reference=True)
    if kind.is_aggregate:
        raise module.error(
            "type", f"{kind} is passed by address", argument, hint=f"{argument.arg}: ptr[{kind}], called with addr(...)"
        )
    if kind == NONE:
        raise module.error("type", "a parameter cannot be None", argument)
    return Param(argument.arg, kind, default, span, formatted=formatted)


def _starred_parameter(module: Module, node: FunctionNode, argument: ast.arg, env: Environment) -> Param:
    """`*items: T` is a span of whatever the caller gives."""
    if argument.annotation is None:
        message = f"parameter *{argument.arg} of {node.name} needs a type"
        raise module.error("annotation", message, argument, hint=f"*{argument.arg}: u64")
    kind = type_annotations.resolve_type(argument.annotation, env)
    if kind == NONE:
        raise module.error("type", "a parameter cannot be None", argument)
    return Param(argument.arg, SpanType(kind), None, module.span(argument), starred=True)


def instantiate_struct(generic: GenericStruct, arguments: tuple[Binding, ...]) -> StructType:
    if arguments not in generic.instances:
        bindings = dict(zip(generic.parameters, arguments, strict=True))
        made = struct_layout.declare_struct(generic.module, generic.node, bindings)
        made.generic, made.arguments = generic, arguments
        generic.instances[arguments] = made
    return generic.instances[arguments]


def instantiate_function(generic: GenericFunction, bindings: dict[str, Binding]) -> Function:
    key = tuple(bindings[name] for name in generic.parameters)
    if key not in generic.instances:
        suffix = "[" + ",".join(map(str, key)) + "]"
        generic.instances[key] = make_function(
            generic.module, generic.node, generic.owner, {**generic.outer, **bindings}, suffix
        )
    return generic.instances[key]
