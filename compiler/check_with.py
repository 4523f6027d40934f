"""Type rules of `with`: `__enter__` before the block, `__exit__` on every way out of it."""

from __future__ import annotations

import ast

import compiler.check_assignments as assignments
import compiler.check_calls as calls
import compiler.check_expressions as expressions
import compiler.check_statements as statements
from compiler.context import Context
from compiler.tree import (
    Assign,
    Await,
    Deref,
    Evaluate,
    Expr,
    Load,
    LocalPlace,
    Place,
    Statement,
    With,
)
from compiler.type_model import (
    NONE,
    AwaitableType,
    PtrType,
    StructType,
)


def check_with(ctx: Context, node: ast.With | ast.AsyncWith, items: list[ast.withitem]) -> Statement:
    item, rest = items[0], items[1:]
    span = ctx.span(item.context_expr)
    enter: list[Statement] = []
    manager, named = manager_place(ctx, item.context_expr, enter)
    is_async = isinstance(node, ast.AsyncWith)
    opened = _call(ctx, item.context_expr, manager, "__aenter__" if is_async else "__enter__")
    if isinstance(item.optional_vars, ast.Name):
        name = item.optional_vars
        if opened.type == NONE:
            raise ctx.error("type", f"__enter__ of {manager.type} gives no value", name)
        local = ctx.names.get(name.id)
        if local is None:
            assignments.refuse_shadow(ctx, name)
            local = ctx.names[name.id] = ctx.new_local(name.id, opened.type, ctx.span(name))
        opened = ctx.coerce(opened, local.type, item.context_expr)
        assignments.mark_assigned(ctx, local, None)
        enter.append(Assign(span, LocalPlace(local.type, span, local), opened))
    else:
        enter.append(Evaluate(span, opened))
    closed = _call(ctx, item.context_expr, manager, "__aexit__" if is_async else "__exit__")
    leave: list[Statement] = [Evaluate(span, closed)]
    body = [check_with(ctx, node, rest)] if rest else statements.check_block(ctx, node.body)
    return With(ctx.span(node), enter, body, leave, named)


def _call(ctx: Context, node: ast.expr, manager: Place, name: str) -> Expr:
    """A method that `with` calls; an async one is awaited."""
    called = calls.call_method(ctx, node, manager, name)
    if isinstance(called.type, AwaitableType):
        return Await(called.type.result, called.span, called)
    return called


def manager_place(ctx: Context, node: ast.expr, enter: list[Statement]) -> tuple[Place, Place]:
    """The struct a `with` works on, evaluated once (a value is kept, a place by its address), and as it was named."""
    span = ctx.span(node)
    found = expressions.check(ctx, node, None)
    if isinstance(found.type, StructType) and not isinstance(found, Place):
        kept = LocalPlace(found.type, span, ctx.temporary(found.type, span))
        enter.append(Assign(span, kept, found))
        return kept, kept
    place = expressions.check_struct_place(ctx, node)
    if not isinstance(place.type, StructType):
        raise ctx.error(
            "type", f"{place.type} cannot be used by with", node, hint="a struct with __enter__ and __exit__"
        )
    pointer_type = PtrType(place.type)
    keep = ctx.temporary(pointer_type, span)
    enter.append(Assign(span, LocalPlace(pointer_type, span, keep), calls.address_of(place)))
    return Deref(place.type, span, Load(pointer_type, span, LocalPlace(pointer_type, span, keep))), place
