"""Type rules of elements: indexing, slices, memory by address, lengths, and arrays seen as spans."""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.constant import evaluate
from compiler.context import Context
from compiler.symbols import (
    ConstSymbol,
)
from compiler.tree import (
    AddressOf,
    Bytes,
    Const,
    Convert,
    Deref,
    ElementPlace,
    Expr,
    Literal,
    Materialized,
    MemoryPlace,
    Place,
    SpanLength,
    SpanMake,
    SubSpan,
    TupleItem,
)
from compiler.type_model import (
    ERROR,
    LITERAL,
    U64,
    ArrayType,
    EnumType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    TupleType,
    VolatileType,
)

MEMORY = {"mem8": 8, "mem16": 16, "mem32": 32, "mem64": 64}


def check_subscript(ctx: Context, node: ast.Subscript) -> Expr:
    name = (
        ctx.env.builtin_of(node.value)
        if isinstance(node.value, ast.Name) and not expressions.is_local(ctx, node.value)
        else ""
    )
    if name in MEMORY:
        address = expressions.check_value(ctx, node.slice, U64)
        return MemoryPlace(VolatileType(IntType(MEMORY[name], False)), ctx.span(node), address)
    if isinstance(node.slice, ast.Slice):
        return _check_slice(ctx, node, node.slice)
    if isinstance(node.value, ast.Name | ast.Attribute) and not expressions.is_local(ctx, node.value):
        symbol = ctx.env.symbol_of(node.value)
        if isinstance(symbol, ConstSymbol):
            return expressions.check_constant(ctx, node, evaluate(node, ctx.env))
    base = expressions.check(ctx, node.value, None)
    if base.type == ERROR:
        return base
    return check_element(ctx, node, base)


def check_element(ctx: Context, node: ast.Subscript, base: Expr) -> Expr:
    span = ctx.span(node)
    if isinstance(base.type, ArrayType):
        place = base if isinstance(base, Place) else Materialized(base.type, base.span, base)
        index = _check_index(ctx, node.slice)
        if isinstance(index, Const) and not 0 <= index.value < base.type.count:
            raise ctx.error(
                "bounds",
                f"index {index.value} is outside {base.type}",
                node.slice,
                hint=f"the last index is {base.type.count - 1}",
            )
        return ElementPlace(base.type.of, span, place, index, True)
    value = expressions.load(ctx, base, node.value)
    match value.type:
        case SpanType(of=of):
            return ElementPlace(of, span, value, _check_index(ctx, node.slice), True)
        case PtrType(optional=True):
            raise ctx.error(
                "optional", f"{ast.unparse(node.value)} may be None here", node, hint="test it with `is not None` first"
            )
        case PtrType(to=ArrayType(of=of) as array):
            return ElementPlace(of, span, Deref(array, span, value), _check_index(ctx, node.slice), True)
        case PtrType(to=to):
            return ElementPlace(to, span, value, _check_index(ctx, node.slice), False)
        case TupleType(items=items):
            index = expressions.check_value(ctx, node.slice)
            if not isinstance(index, Literal) or not 0 <= index.value < len(items):
                raise ctx.error(
                    "bounds", f"a tuple of {len(items)} is indexed by a constant below {len(items)}", node.slice
                )
            return TupleItem(items[index.value], span, value, index.value)
        case StrType():
            raise ctx.error("type", "a str has no elements here", node, hint="use .encode() to get its bytes")
    raise ctx.error("type", f"{value.type} cannot be indexed", node, here=str(value.type))


def _check_index(ctx: Context, node: ast.expr) -> Expr:
    """An index of any integer width, widened to 64 bits; a negative one becomes huge, and the bounds check sees it."""
    index = expressions.check_value(ctx, node)
    if isinstance(index, Literal) and index.value < 0:
        raise ctx.error("bounds", "an index counts from the start", node, hint=f"write len(a) - {-index.value}")
    if index.type == LITERAL:
        return ctx.coerce(index, U64, node)
    if isinstance(index.type, EnumType):
        index = Convert(index.type.of, index.span, index)
    if not isinstance(index.type, IntType):
        raise ctx.error("type", f"an index is an integer, not {index.type}", node)
    return index if index.type == U64 else Convert(U64, index.span, index)


def as_span(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
    """An array, span or bytes as a span value."""
    if isinstance(expr.type, PtrType) and isinstance(expr.type.to, ArrayType):
        expr = Deref(expr.type.to, expr.span, expressions.load(ctx, expr, node))
    if isinstance(expr.type, ArrayType):
        place = expr if isinstance(expr, Place) else Materialized(expr.type, expr.span, expr)
        first = AddressOf(PtrType(expr.type.of), expr.span, place)
        return SpanMake(SpanType(expr.type.of), expr.span, first, Const(U64, expr.span, expr.type.count))
    value = expressions.load(ctx, expr, node)
    if isinstance(value.type, SpanType | StrType):
        return value
    raise ctx.error("type", f"{value.type} has no elements", node, here=str(value.type))


def _check_slice(ctx: Context, node: ast.Subscript, bounds: ast.Slice) -> Expr:
    if bounds.step is not None:
        raise ctx.error("unsupported", "a slice with a step is not part of the language", node)
    base = expressions.check(ctx, node.value, None)
    if isinstance(base.type, PtrType) and not isinstance(base.type.to, ArrayType):
        raise ctx.error("type", "a raw pointer has no length", node, hint="make a span first: span(p, n)")
    whole = as_span(ctx, base, node.value)
    if bounds.lower is None and bounds.upper is None:
        return whole
    low = _check_index(ctx, bounds.lower) if bounds.lower else Const(U64, ctx.span(node), 0)
    high = _check_index(ctx, bounds.upper) if bounds.upper else None
    return SubSpan(whole.type, ctx.span(node), whole, low, high)


def length(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
    if isinstance(expr.type, PtrType) and isinstance(expr.type.to, ArrayType):
        return Const(U64, ctx.span(node), expr.type.to.count)
    if isinstance(expr.type, ArrayType):
        return Const(U64, ctx.span(node), expr.type.count)
    value = expressions.load(ctx, expr, node)
    if isinstance(value, Bytes):
        return Const(U64, ctx.span(node), len(value.value))
    if isinstance(value.type, SpanType | StrType):
        return SpanLength(U64, ctx.span(node), value)
    raise ctx.error("type", f"{value.type} has no length", node, here=str(value.type))
