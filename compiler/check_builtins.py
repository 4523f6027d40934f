"""Type rules of the built-in functions, one small function each, found by name in `TABLE`."""

from __future__ import annotations

import ast
from collections.abc import Callable

import compiler.check_atomics as atomics
import compiler.check_calls as calls
import compiler.check_construction as construction
import compiler.check_elements as elements
import compiler.check_expressions as expressions
import compiler.check_operators as operators
from compiler.annotations import resolve_type
from compiler.check_coroutines import check_primitive
from compiler.check_format import check_print
from compiler.constant import comprehend, evaluate
from compiler.context import Context
from compiler.tree import (
    ArrayMake,
    Binary,
    Compare,
    Const,
    Convert,
    Copy,
    ElementPlace,
    Expr,
    FunctionRef,
    GlobalPlace,
    Intrinsic,
    Keep,
    Literal,
    Load,
    LocalPlace,
    Place,
    Select,
    SpanMake,
    Unary,
    Zero,
)
from compiler.type_model import (
    BOOL,
    F64,
    LITERAL,
    NEVER,
    NONE,
    STR,
    U8,
    U64,
    ArrayType,
    AtomicType,
    BitsType,
    FloatType,
    IntType,
    PtrType,
    SpanType,
    TupleType,
    Type,
    VolatileType,
)

Rule = Callable[[Context, ast.Call, str, Type | None], Expr]


def check_builtin(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    if name == "print":
        return check_print(ctx, node)
    rule = TABLE.get(name)
    if rule is None:
        hint = {
            "sum": "add in a loop; const(sum(...)) works at compile time",
            "sorted": "sort an array in place with a function of your own",
        }.get(name, "")
        raise ctx.error("unsupported", f"{name}() is not a function of the language here", node, hint=hint)
    counts = COUNTS.get(name)
    if counts is not None and (len(node.args) not in counts or (node.keywords and name not in KEYWORDS)):
        takes = " or ".join(map(str, counts))
        raise ctx.error("arguments", f"{name} takes {takes} argument{'s' if takes != '1' else ''}", node)
    return rule(ctx, node, name, want)


def _len(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    return elements.length(ctx, expressions.check(ctx, node.args[0], None), node.args[0])


def _constant(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    value = evaluate(node, ctx.env)
    return (
        Const(BOOL, ctx.span(node), int(value))
        if isinstance(value, bool)
        else Literal(LITERAL, ctx.span(node), int(value))
    )


def _min_max(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    """Of two or more numbers, taken in pairs from the left."""
    result, first = expressions.check_value(ctx, node.args[0]), node.args[0]
    for argument in node.args[1:]:
        other = expressions.check_value(ctx, argument)
        if isinstance(result, Literal) and isinstance(other, Literal):
            chosen = (min if name == "min" else max)(result.value, other.value)
            result = Literal(LITERAL, ctx.span(node), chosen)
            continue
        result, other = operators.unify(ctx, result, other, node, (first, argument), name)
        if not isinstance(result.type, IntType | FloatType):
            raise ctx.error("type", f"{name} compares numbers, not {result.type}", node)
        result = Intrinsic(result.type, ctx.span(node), name, [result, other])
    return result


def _abs(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    value = expressions.check_settled(ctx, node.args[0])
    if isinstance(value.type, FloatType):
        return Intrinsic(value.type, ctx.span(node), "float_abs", [value])
    if not isinstance(value.type, IntType) or not value.type.signed:
        raise ctx.error("type", f"abs needs a signed integer, not {value.type}", node)
    kind, span = value.type, ctx.span(node)
    local = ctx.temporary(kind, span)
    again = Load(kind, span, LocalPlace(kind, span, local))
    negative = Compare(BOOL, span, "<", Keep(kind, span, local, value), Const(kind, span, 0))
    return Select(kind, span, negative, Unary(kind, span, "-", again), again)


def _addr(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    place = expressions.check_place(ctx, node.args[0])
    if isinstance(place.type, BitsType):
        raise ctx.error("address", "a bit-field has no address", node)
    return calls.address_of(place)


def _address(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    """The address of data or of a function as a u64, usable in initialisers."""
    found = expressions.check(ctx, node.args[0], None)
    if isinstance(found, FunctionRef):
        return Convert(U64, ctx.span(node), found)
    if not isinstance(found, Place):
        raise ctx.error("address", "only data and functions have an address", node)
    return Convert(U64, ctx.span(node), calls.address_of(found))


def _copy(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    place = expressions.check_place(ctx, node.args[0])
    if not place.type.is_aggregate or isinstance(place.type, AtomicType):
        raise ctx.error("type", f"copy is for structs and arrays; a {place.type} is copied by assignment", node)
    return Copy(place.type, ctx.span(node), place)


def _zeroed(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    if want is None:
        raise ctx.error(
            "type", "zeroed() needs to know the type", node, hint="annotate the variable: x: array[u8, 64] = zeroed()"
        )
    if isinstance(want, PtrType) and not want.optional:
        raise ctx.error("null", f"{want} is never null", node, hint=f"use {want} | None")
    return Zero(want, ctx.span(node))


def _placed(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    if want is None:
        raise ctx.error("type", "placed() is for module data", node)
    return construction.check_initializer(ctx, want, node.args[0])


def _array(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    if not isinstance(want, ArrayType):
        raise ctx.error(
            "type",
            "array(...) needs to know its type",
            node,
            hint="annotate the variable: a: array[u64, 3] = array(1, 2, 3)",
        )
    if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp):
        source = node.args[0]
        items = []
        for scope in comprehend(source.generators, ctx.env):
            inner = Context(scope, ctx.diagnostics, ctx.function, ctx.body, ctx.names, ctx.globals, ctx.flow)
            items.append(construction.check_initializer(inner, want.of, source.elt))
    else:
        listed = isinstance(node.args[0], ast.Tuple | ast.List) if len(node.args) == 1 else False
        given = node.args[0].elts if listed else node.args  # type: ignore[attr-defined]
        items = [construction.check_initializer(ctx, want.of, a) for a in given]
    if len(items) != want.count:
        raise ctx.error("arguments", f"{want} has {want.count} elements, {len(items)} given", node)
    return ArrayMake(want, ctx.span(node), items)


def _span(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    pointer = expressions.check_value(ctx, node.args[0])
    if not isinstance(pointer.type, PtrType) or pointer.type.optional:
        raise ctx.error("type", f"span(p, n) needs a ptr[T], not {pointer.type}", node.args[0])
    return SpanMake(SpanType(pointer.type.to), ctx.span(node), pointer, expressions.check_value(ctx, node.args[1], U64))


def _two_integers(ctx: Context, node: ast.Call, name: str) -> tuple[Expr, Expr]:
    left, right = (expressions.check_value(ctx, a) for a in node.args)
    if isinstance(left, Literal) and isinstance(right, Literal):
        left = ctx.settle(left, node.args[0])
    left, right = operators.unify(ctx, left, right, node, (node.args[0], node.args[1]), name)
    if not isinstance(left.type, IntType):
        raise ctx.error("type", f"{name} needs integers, not {left.type}", node)
    return left, right


def _wrap(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    left, right = _two_integers(ctx, node, name)
    operator = {"wrap_add": "wrap+", "wrap_sub": "wrap-", "wrap_mul": "wrap*"}[name]
    return Binary(left.type, ctx.span(node), operator, left, right)


def _wrap_neg(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    value = _integer(ctx, node, name)
    return Unary(value.type, ctx.span(node), "wrap-", value)


def _overflow(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    left, right = _two_integers(ctx, node, name)
    return Intrinsic(TupleType((left.type, BOOL)), ctx.span(node), name, [left, right])


def _integer(ctx: Context, node: ast.Call, name: str) -> Expr:
    value = expressions.check_settled(ctx, node.args[0])
    if not isinstance(value.type, IntType):
        raise ctx.error("type", f"{name} needs an integer, not {value.type}", node)
    return value


def _bit_operation(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    value = _integer(ctx, node, name)
    if name == "byte_swap" and isinstance(value.type, IntType) and value.type.bits == 8:
        raise ctx.error("type", "a single byte cannot be swapped", node)
    return Intrinsic(value.type, ctx.span(node), name, [value])


def _float_bits(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    """The representation of an f64 (IEEE 754)."""
    return Intrinsic(U64, ctx.span(node), name, [expressions.check_value(ctx, node.args[0], F64)])


def _rotate(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    value = _integer(ctx, node, name)
    return Intrinsic(value.type, ctx.span(node), name, [value, expressions.check_value(ctx, node.args[1], value.type)])


def _fence(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    order = evaluate(node.args[0], ctx.env) if node.args else "seq_cst"
    if order not in atomics.ORDERS or order == "relaxed":
        raise ctx.error(
            "atomic", f"a fence has no order {order!r}", node, hint="one of acquire, release, acq_rel, seq_cst"
        )
    return Intrinsic(NONE, ctx.span(node), "fence", [], atomics.ORDERS[order])


def _panic(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    arguments = [expressions.check_value(ctx, node.args[0], STR)] if name == "panic" else []
    return Intrinsic(NEVER, ctx.span(node), name, arguments)


def _plain(result: Type) -> Rule:
    def rule(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
        return Intrinsic(result, ctx.span(node), name, [])

    return rule


def _memory(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    """memory_copy(dst, src, bytes), memory_fill(dst, byte, bytes): pointers to anything."""
    first = _any_pointer(ctx, node.args[0])
    second = (
        _any_pointer(ctx, node.args[1]) if name != "memory_fill" else expressions.check_value(ctx, node.args[1], U8)
    )
    count = expressions.check_value(ctx, node.args[2], U64)
    return Intrinsic(NONE, ctx.span(node), name, [first, second, count])


def _any_pointer(ctx: Context, node: ast.expr) -> Expr:
    value = expressions.check_value(ctx, node)
    if not isinstance(value.type, PtrType) or value.type.optional:
        raise ctx.error("type", f"this needs a pointer, not {value.type}", node)
    return value


def _unchecked(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    subscript = ast.copy_location(ast.Subscript(value=node.args[0], slice=node.args[1], ctx=ast.Load()), node)
    found = expressions.check(ctx, subscript, None)
    if not isinstance(found, ElementPlace):
        raise ctx.error("type", "unchecked(a, i) is for elements of arrays and spans", node)
    found.checked = False
    return found


def _percpu_address(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    """Where a per-CPU variable lies from the start of the CPU's block, in bytes."""
    place = expressions.check_place(ctx, node.args[0])
    if not isinstance(place, GlobalPlace) or not place.data.per_cpu:
        raise ctx.error("type", "percpu_address is for percpu data", node)
    return Intrinsic(U64, ctx.span(node), name, [place])


def _not_here(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    places = {
        "range": "for i in range(...)",
        "const": "NAME = const(...) at module level",
        "volatile": "a field's type",
    }
    raise ctx.error("unsupported", f"{name} stands only in {places.get(name, 'declarations')}", node)


def _sizeof(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    kind = resolve_type(node.args[0], ctx.env)
    return Literal(LITERAL, ctx.span(node), kind.of.size if isinstance(kind, VolatileType) else kind.size)


TABLE: dict[str, Rule] = {
    "len": _len, "sizeof": _sizeof, "offsetof": _constant, "option": _constant, "ord": _constant,
    "min": _min_max, "max": _min_max, "abs": _abs, "addr": _addr, "address": _address, "copy": _copy,
    "zeroed": _zeroed, "placed": _placed, "array": _array, "span": _span,
    "wrap_add": _wrap, "wrap_sub": _wrap, "wrap_mul": _wrap, "wrap_neg": _wrap_neg,
    "overflow_add": _overflow, "overflow_sub": _overflow, "overflow_mul": _overflow,
    "count_zeros_left": _bit_operation, "count_zeros_right": _bit_operation, "count_ones": _bit_operation,
    "float_bits": _float_bits,
    "byte_swap": _bit_operation, "rotate_left": _rotate, "rotate_right": _rotate,
    "fence": _fence, "panic": _panic, "unreachable": _panic, "spin_hint": _plain(NONE),
    "memory_copy": _memory, "memory_fill": _memory, "unchecked": _unchecked,
    "frame_address": _plain(U64), "return_address": _plain(U64), "percpu_address": _percpu_address,
    "range": _not_here, "const": _not_here,
    "suspend": check_primitive, "coroutine_start": check_primitive, "coroutine_resume": check_primitive,
    "coroutine_is_done": check_primitive, "coroutine_take": check_primitive, "coroutine_destroy": check_primitive,
    "coroutine_result": check_primitive, "coroutine_take_all": check_primitive,
    "coroutine_state": check_primitive, "exception_name": check_primitive,
    "exception_number": check_primitive, "raise_exception": check_primitive,
}  # fmt: skip
COUNTS: dict[str, tuple[int, ...]] = {
    "len": (1,), "sizeof": (1,), "offsetof": (2,), "option": (2,), "ord": (1,), "min": (2, 3, 4), "max": (2, 3, 4),
    "abs": (1,),
    "addr": (1,), "address": (1,), "copy": (1,), "zeroed": (0,), "placed": (1,), "span": (2,),
    "wrap_add": (2,), "wrap_sub": (2,), "wrap_mul": (2,), "wrap_neg": (1,),
    "overflow_add": (2,), "overflow_sub": (2,), "overflow_mul": (2,),
    "count_zeros_left": (1,), "count_zeros_right": (1,), "count_ones": (1,), "byte_swap": (1,), "float_bits": (1,),
    "rotate_left": (2,), "rotate_right": (2,), "fence": (0, 1), "panic": (1,), "unreachable": (0,), "spin_hint": (0,),
    "memory_copy": (3,), "memory_fill": (3,), "unchecked": (2,), "frame_address": (0,), "return_address": (0,),
    "percpu_address": (1,), "coroutine_start": (2,), "coroutine_resume": (1,), "coroutine_is_done": (1,),
    "coroutine_take": (1,), "coroutine_destroy": (1,), "coroutine_state": (0,), "exception_name": (1,),
    "coroutine_result": (1,), "coroutine_take_all": (1,),
    "exception_number": (1,),
    "raise_exception": (2,),
}  # fmt: skip
KEYWORDS = ("zeroed", "placed")
