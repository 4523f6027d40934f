"""Type rules of calls: functions, methods, and what else is written like a call."""

from __future__ import annotations

import ast

import compiler.check_async as asynchronous
import compiler.check_atomics as atomics
import compiler.check_builtins as builtins
import compiler.check_construction as construction
import compiler.check_elements as elements
import compiler.check_expressions as expressions
import compiler.check_format as format_text
import compiler.check_generics as generics
import compiler.check_lists as lists
import compiler.check_outcomes as outcomes
import compiler.check_slices as slices
import compiler.struct_formats as struct_formats
from compiler.annotations import resolve_type
from compiler.check_bounds import check_bounds
from compiler.context import Context
from compiler.environment import Environment
from compiler.errors import CompileError, Label
from compiler.symbols import (
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
    Call,
    Deref,
    Expr,
    IndirectCall,
    Place,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    INTEGERS,
    ArrayType,
    AtomicType,
    AwaitableType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
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
    if isinstance(function, ast.Name) and function.id == "isinstance":
        return outcomes.check_isinstance(ctx, node)[0]
    symbol = ctx.env.symbol_of(function)
    match symbol:
        case Builtin(name=name) if name in CONVERSIONS:
            return construction.check_conversion(ctx, node, CONVERSIONS[name])
        case Builtin(name=name):
            return builtins.check_builtin(ctx, node, name, want)
        case Function() if "by_format" in symbol.decorators:
            return struct_formats.check_by_format(ctx, node, symbol)
        case Function():
            return call_function(ctx, node, symbol, [])
        case GenericFunction():
            return generics.call_generic(ctx, *generics.form_of(node, symbol), [])
        case TypeSymbol(type=StructType() as struct):
            return construction.make_struct(ctx, node, struct)
        case TypeSymbol(type=kind):
            return construction.check_conversion(ctx, node, kind)
        case EnumSymbol(type=kind):
            return construction.check_conversion(ctx, node, kind)
        case GenericStruct():
            if isinstance(want, StructType):
                return construction.make_struct(ctx, node, want)
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
    if isinstance(function.value, ast.Name | ast.Attribute) and not expressions.is_local(ctx, function.value):
        symbol = ctx.env.symbol_of(function.value)
    if name or isinstance(symbol, GenericStruct):
        kind = resolve_type(function, ctx.env)
        if isinstance(kind, StructType):
            if kind.generic is not None:
                parameters = zip(kind.generic.parameters, kind.arguments, strict=True)
                check_bounds(ctx, function, kind.generic.module, dict(parameters))
            return construction.make_struct(ctx, node, kind)
        return construction.check_conversion(ctx, node, kind)
    return _check_indirect(ctx, node, expressions.check_value(ctx, function))


def _check_indirect(ctx: Context, node: ast.Call, target: Expr) -> Expr:
    if not isinstance(target.type, FuncType):
        if target.type == ERROR:
            return target
        raise ctx.error("type", f"{target.type} cannot be called", node.func, here=str(target.type))
    if node.keywords or len(node.args) != len(target.type.params):
        raise ctx.error("arguments", f"{target.type} takes {len(target.type.params)} arguments by position", node)
    arguments = [expressions.check_value(ctx, a, p) for a, p in zip(node.args, target.type.params, strict=True)]
    return IndirectCall(target.type.result, ctx.span(node), target, arguments)


def _check_method(ctx: Context, node: ast.Call, function: ast.Attribute) -> Expr:
    of_slice = slices.check_slice_method(ctx, node, function)
    if of_slice is not None:
        return of_slice
    base = expressions.check_struct_place(ctx, function.value)
    if base.type == ERROR:
        return base
    if isinstance(base.type, AtomicType):
        return atomics.check_atomic(ctx, node, function, base, base.type.of)
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
        return generics.call_generic(ctx, node, method, [receiver])
    return call_function(ctx, node, method, [receiver])


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
            hint="a struct that is looped over has next()"
            if name == "next"
            else "a struct used by with has __enter__ and __exit__",
        )
    return Call(method.call_result, ctx.span(node), method, [address_of(place)])


def call_function(ctx: Context, node: ast.Call, function: Function, receiver: list[Expr]) -> Expr:
    params = function.params[len(receiver) :]
    if params and params[-1].starred:
        node = lists.pack_starred(ctx, node, function.node, len(receiver))
    nodes = match_arguments(ctx, node, params, function)
    arguments = list(receiver)
    for param, argument in zip(params, nodes, strict=True):
        arguments.append(_argument(ctx, argument, param, function))
    if "raises" in function.decorators:
        _refuse_outside_async(ctx, node, function)
    order = _order(node, params, len(receiver)) if len(node.keywords) > 1 else ()
    return Call(function.call_result, ctx.span(node), function, arguments, order)


def _refuse_outside_async(ctx: Context, node: ast.Call, function: Function) -> None:
    """What is marked @raises leaves an exception behind, and async functions look for one."""
    if ctx.function is None or not ctx.function.is_async:
        raise ctx.error(
            "exception",
            f"{function.name} raises, and only async functions can handle that",
            node,
            labels=(Label(function.span, "declared here"),) if function.span.line else (),
            hint="call it in an async def",
        )


def _order(node: ast.Call, params: list[Param], receivers: int) -> tuple[int, ...]:
    """Positions of the arguments in the order of the source; defaults come last."""
    names = [param.name for param in params]
    written = [*names[: len(node.args)], *(keyword.arg for keyword in node.keywords if keyword.arg)]
    rest = [name for name in names if name not in written]
    return (*range(receivers), *(receivers + names.index(name) for name in [*written, *rest]))


def _argument(ctx: Context, node: ast.expr, param: Param, function: Function) -> Expr:
    if node is param.default:  # evaluated where the function is declared
        home = Context(Environment(function.module, function.bindings), ctx.diagnostics)
        return expressions.check_value(home, node, param.type)
    if param.formatted and format_text.is_text(node):
        assert isinstance(param.type, PtrType) and isinstance(param.type.to, StructType)
        return format_text.check_format(ctx, param.type.to, [node], node)
    if param.by_reference:
        return _reference(ctx, node, param, function)
    if param.starred:
        given = expressions.check(ctx, node, param.type)
        return elements.as_span(ctx, given, node)
    guide = param.type if _wants_guide(param.type) else None
    value = expressions.load(ctx, expressions.check(ctx, node, guide), node, param.type)
    if isinstance(param.type, AwaitableType):
        value = asynchronous.as_awaitable(ctx, value, node)
    if isinstance(param.type, SpanType) and value.type == ERROR:
        return value
    if isinstance(param.type, SpanType) and isinstance(node, lists.Display):
        value = elements.as_span(ctx, value, node)
    if isinstance(param.type, SpanType) and value.type == PtrType(param.type.of):
        raise ctx.error("type-mismatch", "a raw pointer has no length", node, hint=f"span({ast.unparse(node)}, n)")
    return ctx.coerce(value, param.type, node, why=f"for {param.name} of {function.name}")


def _reference(ctx: Context, node: ast.expr, param: Param, function: Function) -> Expr:
    """The address of the struct that the caller names, as Python passes objects."""
    place = expressions.check_struct_place(ctx, node)
    return ctx.coerce(address_of(place), param.type, node, why=f"for {param.name} of {function.name}")


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
            names = ", ".join(p.name for p in params)
            raise ctx.error(
                "arguments",
                f"{function.name} has no parameter {keyword.arg}",
                keyword,
                hint=f"its parameters: {names}" if names else "",
            )
        if keyword.arg in given:
            raise ctx.error("arguments", f"{keyword.arg} is given twice", keyword)
        given[keyword.arg] = keyword.value
    result = []
    for param in params:
        expr = given.get(param.name, param.default)
        if expr is None:
            raise _wrong_count(ctx, node, params, function)
        result.append(expr)
    return result


def _wrong_count(ctx: Context, node: ast.Call, params: list[Param], function: Function) -> CompileError:
    wanted = f"({', '.join(f'{p.name}: {p.type}' for p in params)})" if params else "no arguments"
    given = len(node.args) + len(node.keywords)
    return ctx.error(
        "arguments",
        f"{function.name} takes {wanted}, {given} given",
        node,
        labels=(Label(function.span, "declared here"),) if function.span.line else (),
    )
