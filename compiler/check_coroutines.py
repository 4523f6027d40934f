"""Type rules of the primitives that an executor is made of: a coroutine's handle, its state, its result."""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.tree import Expr, Intrinsic
from compiler.type_model import BOOL, NONE, U8, AwaitableType, PtrType, Type


def check_primitive(ctx: Context, node: ast.Call, name: str, want: Type | None) -> Expr:
    span = ctx.span(node)
    handle = PtrType(U8)
    match name:
        case "coroutine_start":
            coroutine = _coroutine(ctx, node.args[0])
            state = expressions.check_value(ctx, node.args[1], handle)
            return Intrinsic(handle, span, name, [coroutine, state])
        case "coroutine_result":
            coroutine = _coroutine(ctx, node.args[0])
            assert isinstance(coroutine.type, AwaitableType)
            return Intrinsic(coroutine.type.result, span, name, [coroutine])
        case "coroutine_state":
            if ctx.function is None or not ctx.function.is_async:
                raise ctx.error("await", "coroutine_state stands in async functions only", node)
            return Intrinsic(handle, span, name, [])
        case "suspend":
            raise ctx.error("await", "suspend() is awaited: await suspend()", node)
    result = BOOL if name == "coroutine_is_done" else NONE
    return Intrinsic(result, span, name, [expressions.check_value(ctx, node.args[0], handle)])


def _coroutine(ctx: Context, node: ast.expr) -> Expr:
    found = expressions.check_value(ctx, node)
    if not isinstance(found.type, AwaitableType):
        raise ctx.error("await", f"this needs a coroutine, not {found.type}", node, here=str(found.type))
    return found
