"""Type rules of async functions: await, raise, try.

Exceptions travel along `await` alone: an async function leaves with one, the await that ran it raises it again.
"""

from __future__ import annotations

import ast

import compiler.check_assignments as assignments
import compiler.check_calls as calls
import compiler.check_expressions as expressions
import compiler.check_statements as statements
from compiler.context import Context, Flow, join
from compiler.symbols import ExceptionSymbol
from compiler.tree import Await, Deref, Expr, Handler, Place, Raise, Statement, Suspend, Try
from compiler.type_model import ERROR, NONE, STR, AwaitableType, PtrType, StructType


def check_await(ctx: Context, node: ast.Await, operand: ast.expr) -> Expr:
    span = ctx.span(node)
    if ctx.function is None or not ctx.function.is_async:
        raise ctx.error("await", "await stands in async functions only", node, hint="write async def")
    if isinstance(operand, ast.Call) and ctx.env.builtin_of(operand.func) == "suspend":
        return Suspend(NONE, span)
    found = expressions.check(ctx, operand, None)
    if isinstance(found.type, StructType | PtrType) and not isinstance(found.type, AwaitableType):
        found = _awaited_by_method(ctx, operand)
    elif isinstance(found, Place):
        found = expressions.load(ctx, found, operand)
    if found.type == ERROR:
        return found
    if not isinstance(found.type, AwaitableType):
        hint = f"call it without await: {ast.unparse(operand)}" if isinstance(operand, ast.Call) else ""
        raise ctx.error("await", f"{found.type} cannot be awaited", operand, here=str(found.type), hint=hint)
    return Await(found.type.result, span, found)


def as_awaitable(ctx: Context, found: Expr, node: ast.expr) -> Expr:
    """Where a coroutine is wanted, a pointer to a struct with `__awaitable__()` stands for what that gives."""
    kind = found.type.to if isinstance(found.type, PtrType) and not found.type.optional else None
    if isinstance(kind, StructType) and "__awaitable__" in kind.methods:
        return calls.call_method(ctx, node, Deref(kind, found.span, found), "__awaitable__")
    return found


def _awaited_by_method(ctx: Context, operand: ast.expr) -> Expr:
    """`await x` of a struct is `await x.__await__()`."""
    place = expressions.check_struct_place(ctx, operand)
    if not isinstance(place.type, StructType) or "__await__" not in place.type.methods:
        raise ctx.error("await", f"{place.type} cannot be awaited", operand, here=str(place.type))
    return calls.call_method(ctx, operand, place, "__await__")


# Exceptions


def exception_of(ctx: Context, node: ast.expr) -> ExceptionSymbol:
    symbol = ctx.env.symbol_of(node) if isinstance(node, ast.Name | ast.Attribute) else None
    if not isinstance(symbol, ExceptionSymbol):
        raise ctx.error(
            "exception",
            f"{ast.unparse(node)} is not an exception",
            node,
            hint="class Mine(Exception): pass declares one",
        )
    return symbol


def check_raise(ctx: Context, node: ast.Raise) -> Statement:
    message: Expr | None = None
    kind: ExceptionSymbol | None = None
    if node.cause is not None and not (isinstance(node.cause, ast.Constant) and node.cause.value is None):
        raise ctx.error("exception", "raise ... from is not part of the language", node.cause)
    if isinstance(node.exc, ast.Call):
        kind = exception_of(ctx, node.exc.func)
        if len(node.exc.args) > 1 or node.exc.keywords:
            raise ctx.error("exception", "an exception carries one message", node.exc)
        if node.exc.args:
            message = expressions.check_value(ctx, node.exc.args[0], STR)
    elif node.exc is not None:
        kind = exception_of(ctx, node.exc)
    elif not ctx.handling:
        raise ctx.error("exception", "raise alone stands in an except block", node)
    ctx.flow.reachable = False
    return Raise(ctx.span(node), kind, message)


def check_try(ctx: Context, node: ast.Try) -> Statement:
    start = ctx.flow.copy()
    body = statements.check_block(ctx, node.body)
    orelse = statements.check_block(ctx, node.orelse) if node.orelse else []
    ends = [ctx.flow]
    handlers = []
    for handler in node.handlers:
        ctx.flow = _any_moment(start)
        handlers.append(_check_handler(ctx, handler))
        ends.append(ctx.flow)
    after = join(ends)
    final: list[Statement] = []
    if node.finalbody:
        ctx.flow = _any_moment(start)
        final = statements.check_block(ctx, node.finalbody)
        after.assigned |= ctx.flow.assigned
        after.reachable = after.reachable and ctx.flow.reachable
    ctx.flow = after
    return Try(ctx.span(node), body, handlers, orelse, final)


def _any_moment(start: Flow) -> Flow:
    """What is known where an exception may have come from anywhere in the body: what held before it was assigned."""
    flow = start.copy()
    flow.present = set()
    flow.reachable = True
    return flow


def _check_handler(ctx: Context, node: ast.ExceptHandler) -> Handler:
    kinds: list[ExceptionSymbol] = []
    if node.type is not None:
        items = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        kinds = [exception_of(ctx, item) for item in items]
    local = None
    if node.name is not None:
        local = ctx.names.get(node.name) or ctx.new_local(node.name, STR, ctx.span(node))
        if local.type != STR:
            raise ctx.error("type-mismatch", f"{node.name} is already {local.type}", node, hint="choose another name")
        ctx.names[node.name] = local
        assignments.mark_assigned(ctx, local, None)
    ctx.handling += 1
    body = statements.check_block(ctx, node.body)
    ctx.handling -= 1
    return Handler(kinds, local, body)
