"""Type rules of outcomes: values that are a result or an exception, which isinstance() tells apart.

An outcome is a struct with `__exception__()`, the number of its exception or 0, `__message__()` and `__value__()`. A
local of such a type reads as the message, as what `except ... as` names does, where isinstance() has told that it is an
exception, and as the value where it has told that it is no BaseException; elsewhere it cannot be read.
"""

from __future__ import annotations

import ast

import compiler.check_async as asynchronous
import compiler.check_calls as calls
import compiler.check_conditions as conditions
import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.tree import Call, Compare, Const, Deref, Expr, Intrinsic, Load, Local, LocalPlace, Place
from compiler.type_model import BOOL, NONE, U64, PtrType, StructType, Type


def check_isinstance(ctx: Context, node: ast.Call) -> tuple[Expr, conditions.Facts]:
    """The test, and what is known of the local when it is true and when it is false."""
    match node.args:
        case [ast.Name(id=name) as operand, kinds] if not node.keywords and _is_outcome(ctx, name):
            local = expressions.local_of(ctx, operand)
            assert local is not None
        case _:
            assert isinstance(node.func, ast.Name)
            expressions.look_up(ctx, node.func)
            raise ctx.error("exception", "isinstance takes a local and a class of exceptions", node)
    if ctx.function is None or not ctx.function.is_async:
        raise ctx.error("exception", "exceptions are told apart in async functions only", node, hint="write async def")
    items = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    symbols = [asynchronous.exception_of(ctx, item) for item in items]
    number = _part(ctx, node, local, "__exception__")
    test = Intrinsic(BOOL, ctx.span(node), "exception_is", [number], " ".join(str(s.number) for s in symbols))
    is_any = any(symbol.base is None for symbol in symbols)
    return test, conditions.Facts({ctx.exceptional(local)}, {local} if is_any else set())


def check_none(ctx: Context, node: ast.expr, left: ast.expr, is_none: bool) -> tuple[Expr, conditions.Facts] | None:
    """`x is None` of an outcome whose value is None: it is no exception then. None of everything else."""
    local = expressions.local_of(ctx, left) if isinstance(left, ast.Name) and _is_outcome(ctx, left.id) else None
    if local is None or _part(ctx, left, local, "__value__").type != NONE:
        return None
    number = _part(ctx, left, local, "__exception__")
    test = Compare(BOOL, ctx.span(node), "==" if is_none else "!=", number, Const(U64, ctx.span(node), 0))
    value, exception = {local}, {ctx.exceptional(local)}
    return test, conditions.Facts(value, exception) if is_none else conditions.Facts(exception, value)


def narrowed(ctx: Context, node: ast.Name, local: Local) -> Expr | None:
    """What an outcome is known to be; None of other locals, and of `self` in an outcome's own methods."""
    if _outcome(local.type) is None or local.name == "self":
        return None
    if local in ctx.flow.present:
        return _part(ctx, node, local, "__value__")
    if ctx.exceptional(local) in ctx.flow.present:
        return _part(ctx, node, local, "__message__")
    raise ctx.error(
        "exception",
        f"{local.name} may be a result or an exception here",
        node,
        hint=f"test it first: if isinstance({local.name}, BaseException)",
    )


def _is_outcome(ctx: Context, name: str) -> bool:
    return name in ctx.names and _outcome(ctx.names[name].type) is not None


def _outcome(kind: Type) -> StructType | None:
    if isinstance(kind, PtrType) and not kind.optional:
        kind = kind.to
    return kind if isinstance(kind, StructType) and "__exception__" in kind.methods else None


def _part(ctx: Context, node: ast.expr, local: Local, method: str) -> Call:
    span = ctx.span(node)
    place: Place = LocalPlace(local.type, span, local)
    if isinstance(local.type, PtrType):
        place = Deref(local.type.to, span, Load(local.type, span, place))
    found = calls.call_method(ctx, node, place, method)
    assert isinstance(found, Call)
    return found
