"""Type rules of calls: functions, methods, struct construction, conversions, atomics; built-in functions are in
check_builtins.
"""

from __future__ import annotations

import ast

import compiler.check_builtins as builtins
import compiler.check_expressions as expressions
from compiler.annotations import resolve_type
from compiler.constant import evaluate, evaluate_int
from compiler.context import Context
from compiler.declare import instantiate_function
from compiler.environment import Environment
from compiler.errors import CompileError, Label
from compiler.symbols import (
    Binding,
    Builtin,
    EnumSymbol,
    Function,
    GenericFunction,
    GenericStruct,
    ModuleSymbol,
    Param,
    TypeSymbol,
)
from compiler.tree import (
    AddressOf,
    AtomicOperation,
    Call,
    Const,
    Convert,
    Deref,
    Expr,
    FloatConst,
    IndirectCall,
    Literal,
    Place,
    StructMake,
)
from compiler.type_model import (
    BOOL,
    BYTES,
    ERROR,
    INTEGERS,
    NONE,
    STR,
    U64,
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    EnumType,
    Field,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    TypeVariable,
    VolatileType,
)

CONVERSIONS: dict[str, Type] = {**INTEGERS, "bool": BOOL, "f32": FloatType(32), "f64": FloatType(64)}


def check_call(ctx: Context, node: ast.Call, want: Type | None) -> Expr:
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ctx.error("unsupported", "** in a call is not part of the language", node)
    function = node.func
    if isinstance(function, ast.Subscript):
        return _check_subscripted(ctx, node, function)
    if isinstance(function, ast.Name) and function.id in ctx.names:
        return _check_indirect(ctx, node, expressions.check_value(ctx, function))
    if isinstance(function, ast.Attribute) and not _names_symbol(ctx, function):
        return _check_method(ctx, node, function)
    symbol = ctx.env.symbol_of(function)
    match symbol:
        case Builtin(name=name) if name in CONVERSIONS:
            return check_conversion(ctx, node, CONVERSIONS[name])
        case Builtin(name=name):
            return builtins.check_builtin(ctx, node, name, want)
        case Function():
            return _call_function(ctx, node, symbol, [])
        case GenericFunction():
            return _call_generic(ctx, node, symbol, [])
        case TypeSymbol(type=StructType() as struct):
            return make_struct(ctx, node, struct)
        case TypeSymbol(type=kind):
            return check_conversion(ctx, node, kind)
        case EnumSymbol(type=kind):
            return check_conversion(ctx, node, kind)
        case GenericStruct():
            if isinstance(want, StructType):
                return make_struct(ctx, node, want)
            raise ctx.error(
                "type", f"{symbol.node.name} needs its parameters here", node, hint=f"{symbol.node.name}[u64](...)"
            )
    return _check_indirect(ctx, node, expressions.check_value(ctx, function))


def _names_symbol(ctx: Context, node: ast.Attribute) -> bool:
    """Whether `a.b` is a name in an imported module, rather than a method of a value."""
    base = node.value
    if not isinstance(base, ast.Name | ast.Attribute):
        return False
    root: ast.expr = base
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name) or root.id in ctx.names:
        return False
    return isinstance(ctx.env.symbol_of(base), ModuleSymbol)


def _check_subscripted(ctx: Context, node: ast.Call, function: ast.Subscript) -> Expr:
    """`ptr[T](x)`, `Struct[T](...)`, or a call through an element of a table."""
    name = ctx.env.builtin_of(function.value)
    symbol = None
    if isinstance(function.value, ast.Name | ast.Attribute) and not _is_local_root(ctx, function.value):
        symbol = ctx.env.symbol_of(function.value)
    if name or isinstance(symbol, GenericStruct):
        kind = resolve_type(function, ctx.env)
        if isinstance(kind, StructType):
            return make_struct(ctx, node, kind)
        return check_conversion(ctx, node, kind)
    return _check_indirect(ctx, node, expressions.check_value(ctx, function))


def _is_local_root(ctx: Context, node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ctx.names


def _check_indirect(ctx: Context, node: ast.Call, target: Expr) -> Expr:
    if not isinstance(target.type, FuncType):
        if target.type == ERROR:
            return target
        raise ctx.error("type", f"{target.type} cannot be called", node.func, here=str(target.type))
    if node.keywords or len(node.args) != len(target.type.params):
        raise ctx.error("arguments", f"{target.type} takes {len(target.type.params)} arguments by position", node)
    arguments = [expressions.check_value(ctx, a, p) for a, p in zip(node.args, target.type.params, strict=True)]
    return IndirectCall(target.type.result, ctx.span(node), target, arguments)


# Functions and methods


def _check_method(ctx: Context, node: ast.Call, function: ast.Attribute) -> Expr:
    if function.attr == "encode" and not node.args:
        text = expressions.check_value(ctx, function.value)
        if text.type == STR:
            return Convert(BYTES, ctx.span(node), text)
    base = expressions.check_struct_place(ctx, function.value)
    if base.type == ERROR:
        return base
    if isinstance(base.type, AtomicType):
        return _check_atomic(ctx, node, function, base, base.type.of)
    if not isinstance(base.type, StructType):
        raise ctx.error(
            "method",
            f"{base.type} has no method {function.attr}",
            function,
            here=str(base.type),
            hint=_method_hint(base.type),
        )
    method = base.type.methods.get(function.attr)
    if method is None:
        if function.attr in base.type.fields:
            return _check_indirect(ctx, node, expressions.check_value(ctx, function))
        known = ", ".join(base.type.methods)
        raise ctx.error(
            "method",
            f"{base.type} has no method {function.attr}",
            function,
            hint=f"its methods: {known}" if known else "",
        )
    receiver = address_of(base)
    if isinstance(method, GenericFunction):
        return _call_generic(ctx, node, method, [receiver])
    return _call_function(ctx, node, method, [receiver])


def _method_hint(kind: Type) -> str:
    if isinstance(kind, SpanType | ArrayType):
        return "arrays and spans have a fixed length: assign by index"
    return ""


def address_of(place: Place) -> Expr:
    """The pointer to a place; the pointer itself where the place is a dereference."""
    if isinstance(place, Deref):
        return place.pointer
    return AddressOf(PtrType(place.type), place.span, place)


def call_method(ctx: Context, node: ast.expr, place: Place, name: str) -> Expr:
    """A call without arguments that the language itself makes (`__enter__`, `__exit__`)."""
    assert isinstance(place.type, StructType)
    method = place.type.methods.get(name)
    if not isinstance(method, Function):
        raise ctx.error(
            "method",
            f"{place.type} has no method {name}",
            node,
            hint="a struct used by with has __enter__ and __exit__",
        )
    return Call(method.result, ctx.span(node), method, [address_of(place)])


def _call_function(ctx: Context, node: ast.Call, function: Function, receiver: list[Expr]) -> Expr:
    params = function.params[len(receiver) :]
    nodes = match_arguments(ctx, node, params, function)
    arguments = list(receiver)
    for param, argument in zip(params, nodes, strict=True):
        arguments.append(_argument(ctx, argument, param, function))
    return Call(function.result, ctx.span(node), function, arguments)


def _argument(ctx: Context, node: ast.expr, param: Param, function: Function) -> Expr:
    if node is param.default:  # evaluated where the function is declared
        home = Context(Environment(function.module, function.bindings), ctx.diagnostics)
        return expressions.check_value(home, node, param.type)
    value = (
        expressions.check_value(ctx, node)
        if not _wants_guide(param.type)
        else expressions.load(ctx, expressions.check(ctx, node, param.type), node)
    )
    if isinstance(param.type, SpanType) and value.type == PtrType(param.type.of):
        raise ctx.error("type-mismatch", "a raw pointer has no length", node, hint=f"span({ast.unparse(node)}, n)")
    return ctx.coerce(value, param.type, node, why=f"for {param.name} of {function.name}")


def _wants_guide(kind: Type) -> bool:
    return isinstance(kind, IntType | FloatType | TupleType)


def match_arguments(ctx: Context, node: ast.Call, params: list[Param], function: Function) -> list[ast.expr]:
    """The expression for each parameter, from positions, keywords and defaults."""
    if len(node.args) > len(params):
        raise _wrong_count(ctx, node, params, function)
    given: dict[str, ast.expr] = {p.name: a for p, a in zip(params, node.args, strict=False)}
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg not in {p.name for p in params}:
            raise ctx.error("arguments", f"{function.name} has no parameter {keyword.arg}", keyword.value)
        if keyword.arg in given:
            raise ctx.error("arguments", f"{keyword.arg} is given twice", keyword.value)
        given[keyword.arg] = keyword.value
    result = []
    for param in params:
        expr = given.get(param.name, param.default)
        if expr is None:
            raise _wrong_count(ctx, node, params, function)
        result.append(expr)
    return result


def _wrong_count(ctx: Context, node: ast.Call, params: list[Param], function: Function) -> CompileError:
    wanted = ", ".join(f"{p.name}: {p.type}" for p in params)
    given = len(node.args) + len(node.keywords)
    return ctx.error(
        "arguments",
        f"{function.name} takes ({wanted}), {given} given",
        node,
        labels=(Label(function.span, "declared here"),) if function.span.line else (),
    )


def _call_generic(ctx: Context, node: ast.Call, generic: GenericFunction, receiver: list[Expr]) -> Expr:
    bindings: dict[str, Binding] = {}
    skip = len(receiver)
    arguments = generic.node.args.args[skip:]
    env = Environment(generic.module, generic.outer)
    given = dict(zip((a.arg for a in arguments), node.args, strict=False)) | {
        k.arg: k.value for k in node.keywords if k.arg
    }
    typed: list[tuple[Type, Expr, ast.expr]] = []
    for argument in arguments:
        value = given.get(argument.arg)
        if value is None or argument.annotation is None:
            continue
        annotation = argument.annotation
        if isinstance(annotation, ast.Subscript) and env.builtin_of(annotation.value) == "const":
            bindings[argument.arg] = evaluate_int(value, ctx.env, f"{argument.arg}, a const parameter,")
            continue
        typed.append((resolve_type(annotation, env), expressions.check_value(ctx, value), value))
    for literals in (False, True):
        for pattern, found, value in typed:
            if isinstance(found, Literal) == literals:
                _infer(pattern, ctx.settle(found, value).type if literals else found.type, bindings)
    missing = [name for name in generic.parameters if name not in bindings]
    if missing:
        raise ctx.error("generic", f"{generic.node.name}: cannot tell {', '.join(missing)} from these arguments", node)
    function = instantiate_function(generic, bindings)
    call = ast.Call(
        func=node.func,
        args=[a for a, p in zip(node.args, arguments, strict=False) if p.arg not in generic.parameters],
        keywords=[k for k in node.keywords if k.arg not in generic.parameters],
    )
    return _call_function(ctx, ast.copy_location(call, node), function, receiver)


def _infer(pattern: Type, found: Type, bindings: dict[str, Binding]) -> None:
    match pattern, found:
        case TypeVariable(name=name), _:
            bindings.setdefault(name, found)
        case PtrType(to=a), PtrType(to=b):
            _infer(a, b, bindings)
        case (SpanType(of=a), SpanType(of=b)) | (AtomicType(of=a), AtomicType(of=b)):
            _infer(a, b, bindings)
        case ArrayType(of=a), ArrayType(of=b):
            _infer(a, b, bindings)
        case FuncType(params=p, result=r), FuncType(params=q, result=s) if len(p) == len(q):
            for a, b in zip((*p, r), (*q, s), strict=True):
                _infer(a, b, bindings)


# Struct construction and conversions


def make_struct(ctx: Context, node: ast.Call, struct: StructType) -> Expr:
    fields = list(struct.fields.values())
    if len(node.args) > len(fields):
        raise ctx.error("arguments", f"{struct} has {len(fields)} fields, {len(node.args)} values given", node)
    given: dict[str, ast.expr] = {f.name: a for f, a in zip(fields, node.args, strict=False)}
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg not in struct.fields:
            raise ctx.error(
                "unknown-field",
                f"{struct} has no field {keyword.arg}",
                keyword.value,
                hint=f"its fields: {', '.join(struct.fields)}",
            )
        if keyword.arg in given:
            raise ctx.error("arguments", f"{keyword.arg} is given twice", keyword.value)
        given[keyword.arg] = keyword.value
    values = [(field, check_field_value(ctx, field, given[field.name])) for field in fields if field.name in given]
    for field in fields:
        if field.name not in given and isinstance(field.default, ast.expr):
            assert isinstance(field.home, Environment)
            values.append((field, check_field_value(Context(field.home, ctx.diagnostics), field, field.default)))
    return StructMake(struct, ctx.span(node), values)


def check_field_value(ctx: Context, field: Field, node: ast.expr) -> Expr:
    return check_initializer(ctx, field.type, node)


def check_initializer(ctx: Context, kind: Type, node: ast.expr) -> Expr:
    """A value to be stored where a `kind` lives: aggregates are made in place."""
    if isinstance(kind, AtomicType | VolatileType):
        kind = kind.of
    if isinstance(kind, BitsType):
        return expressions.check_value(ctx, node, kind.value_type)
    if kind.is_aggregate:
        value = expressions.check(ctx, node, kind)
        if isinstance(value, Place):
            value = expressions.load(ctx, value, node)  # refuses with the hint to copy
        if value.type not in (kind, ERROR):
            raise ctx.error("type-mismatch", f"this is {value.type}, but {kind} is needed", node, here=str(value.type))
        return value
    return expressions.check_value(ctx, node, kind)


def check_conversion(ctx: Context, node: ast.Call, kind: Type) -> Expr:
    if len(node.args) != 1 or node.keywords:
        raise ctx.error("arguments", f"{kind}(x) converts one value", node)
    if isinstance(kind, ArrayType | SpanType | TupleType | AtomicType) or kind == STR:
        raise ctx.error(
            "conversion",
            f"nothing converts to {kind}",
            node,
            hint="span(p, n) makes a span" if isinstance(kind, SpanType) else "",
        )
    value = expressions.check_value(ctx, node.args[0])
    span = ctx.span(node)
    if value.type == ERROR:
        return value
    if isinstance(value, Literal):
        if isinstance(kind, PtrType):
            if value.value == 0:
                raise ctx.error("null", "a pointer is never 0", node, hint="use ptr[T] | None, and None")
            return Convert(kind, span, Const(U64, span, value.value))
        return ctx.coerce(value, kind, node.args[0])
    if isinstance(value, FloatConst) and isinstance(kind, FloatType):
        return FloatConst(kind, span, value.value)
    if not _converts(value.type, kind):
        hint = f"write {ast.unparse(node.args[0])} != 0" if kind == BOOL else ""
        raise ctx.error("conversion", f"{value.type} does not convert to {kind}", node, hint=hint)
    return Convert(kind, span, value)


def _converts(source: Type, target: Type) -> bool:
    numbers = IntType | FloatType | BoolType | EnumType
    if isinstance(source, numbers) and isinstance(target, IntType | FloatType):
        return True
    if isinstance(source, IntType) and isinstance(target, EnumType):
        return True
    if isinstance(source, PtrType | FuncType) and target == U64:
        return True
    if isinstance(target, PtrType):
        return isinstance(source, PtrType | FuncType) or source == U64
    if isinstance(target, FuncType):
        return source == U64 or isinstance(source, PtrType)
    return source == target


# Atomics

ORDERS = {
    "relaxed": "monotonic",
    "acquire": "acquire",
    "release": "release",
    "acq_rel": "acq_rel",
    "seq_cst": "seq_cst",
}
ATOMIC_ARGUMENTS = {
    "load": 0, "store": 1, "exchange": 1, "cas": 2, "compare_exchange": 2,
    "fetch_add": 1, "fetch_sub": 1, "fetch_and": 1, "fetch_or": 1, "fetch_xor": 1,
}  # fmt: skip
REFUSED_ORDERS = {"load": ("release", "acq_rel"), "store": ("acquire", "acq_rel")}


def _check_atomic(ctx: Context, node: ast.Call, function: ast.Attribute, place: Place, kind: Type) -> Expr:
    name = function.attr
    if name not in ATOMIC_ARGUMENTS:
        raise ctx.error("atomic", f"an atomic has no {name}", function, hint=f"it has {', '.join(ATOMIC_ARGUMENTS)}")
    count = ATOMIC_ARGUMENTS[name]
    if not count <= len(node.args) <= count + 1 or node.keywords:
        raise ctx.error("arguments", f"{name} takes {count} values and an order", node)
    if name.startswith("fetch") and not isinstance(kind, IntType):
        raise ctx.error("atomic", f"{name} needs an integer, not {kind}", node)
    order = evaluate(node.args[count], ctx.env) if len(node.args) > count else "seq_cst"
    if order not in ORDERS or order in REFUSED_ORDERS.get(name, ()):
        fine = [o for o in ORDERS if o not in REFUSED_ORDERS.get(name, ())]
        raise ctx.error("atomic", f"{name} has no order {order!r}", node, hint=f"one of {', '.join(fine)}")
    arguments = [expressions.check_value(ctx, a, kind) for a in node.args[:count]]
    result = {"store": NONE, "cas": BOOL, "compare_exchange": TupleType((kind, BOOL))}.get(name, kind)
    return AtomicOperation(result, ctx.span(node), name, place, arguments, ORDERS[order])
