"""Type rules of the primitives that an executor is made of: a coroutine's handle, its state, its result."""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.symbols import ExceptionSymbol
from compiler.tree import AddressOf, Const, Expr, Intrinsic
from compiler.type_model import BOOL, NEVER, NONE, STR, U8, U64, ArrayType, AwaitableType, PtrType, Type


def check_primitive(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    span = ctx.span(node)
    handle = PtrType(U8)
    match name:
        case "coroutine_start":
            coroutine = _coroutine(ctx, node.args[0])
            state = expressions.check_value(ctx, node.args[1], handle)
            return Intrinsic(handle, span, name, [coroutine, state])
        case "coroutine_take":
            coroutine = _coroutine(ctx, node.args[0])
            assert isinstance(coroutine.type, AwaitableType)
            return Intrinsic(coroutine.type.result, span, name, [coroutine])
        case "coroutine_result":
            coroutine = _coroutine(ctx, node.args[0])
            assert isinstance(coroutine.type, AwaitableType)
            return Intrinsic(coroutine.type.result, span, name, [coroutine])
        case "coroutine_take_all":
            return _take_all(ctx, node)
        case "coroutine_state":
            if ctx.function is None or not ctx.function.is_async:
                raise ctx.error("await", "coroutine_state stands in async functions only", node)
            return Intrinsic(handle, span, name, [])
        case "exception_name":
            return Intrinsic(STR, span, name, [expressions.check_value(ctx, node.args[0], U64)])
        case "exception_number":
            symbol = ctx.env.symbol_of(node.args[0]) if isinstance(node.args[0], ast.Name | ast.Attribute) else None
            if not isinstance(symbol, ExceptionSymbol):
                raise ctx.error("exception", f"{ast.unparse(node.args[0])} is not an exception", node.args[0])
            return Const(U64, span, symbol.number)
        case "raise_exception":
            if ctx.function is None or not ctx.function.is_async:
                raise ctx.error("exception", "raise_exception stands in async functions only", node)
            number, message = (expressions.check_value(ctx, a, t) for a, t in zip(node.args, (U64, STR), strict=True))
            return Intrinsic(NEVER, span, name, [number, message])
        case "suspend":
            raise ctx.error("await", "suspend() is awaited: await suspend()", node)
    result = BOOL if name == "coroutine_is_done" else NONE
    return Intrinsic(result, span, name, [expressions.check_value(ctx, node.args[0], handle)])


def _take_all(ctx: Context, node: ast.Call) -> Expr:
    """The results of an array of coroutines, in an array; nothing when they have none."""
    place = expressions.check_place(ctx, node.args[0])
    kind = place.type
    if not isinstance(kind, ArrayType) or not isinstance(kind.of, AwaitableType):
        raise ctx.error("await", f"this needs an array of coroutines, not {kind}", node.args[0], here=str(kind))
    result = kind.of.result
    address = AddressOf(PtrType(kind), place.span, place)
    given = NONE if result == NONE else ArrayType(result, kind.count)
    return Intrinsic(given, ctx.span(node), "coroutine_take_all", [address])


def _coroutine(ctx: Context, node: ast.expr) -> Expr:
    found = expressions.check_value(ctx, node)
    if not isinstance(found.type, AwaitableType):
        raise ctx.error("await", f"this needs a coroutine, not {found.type}", node, here=str(found.type))
    return found
