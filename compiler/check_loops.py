"""Type rules of loops, and what is known after them."""

from __future__ import annotations

import ast

import compiler.check_assignments as assignments
import compiler.check_calls as calls
import compiler.check_conditions as conditions
import compiler.check_elements as elements
import compiler.check_expressions as expressions
import compiler.check_operators as operators
import compiler.check_statements as statements
import compiler.check_with as with_blocks
from compiler.context import Context, Loop, join
from compiler.errors import REPORTED, Label
from compiler.tree import (
    Assign,
    Break,
    Compare,
    Const,
    Continue,
    Deref,
    Expr,
    ForEach,
    ForRange,
    If,
    Literal,
    Load,
    Local,
    LocalPlace,
    Place,
    Statement,
    TupleItem,
    Unary,
    While,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    STR,
    BoolType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)


def check_while(ctx: Context, node: ast.While) -> Statement:
    _forget_assigned_in(ctx, node.body)
    test, facts = conditions.check_condition(ctx, node.test)
    endless = isinstance(test, Const) and test.value == 1
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.true
    ctx.loops.append(Loop())
    body = statements.check_block(ctx, node.body)
    loop = ctx.loops.pop()
    after = start.copy()
    after.present |= facts.false
    ctx.flow = join(loop.breaks if endless else [after, *loop.breaks])
    return While(ctx.span(node), test, body)


def check_for(ctx: Context, node: ast.For) -> list[Statement]:
    if isinstance(node.iter, ast.Call) and ctx.env.builtin_of(node.iter.func) in ("enumerate", "zip"):
        name = ast.unparse(node.iter.func)
        raise ctx.error(
            "unsupported", f"{name} is not part of the language", node.iter, hint="write for i in range(len(a))"
        )
    if not isinstance(node.target, ast.Name):
        raise ctx.error("unsupported", "a loop has one variable", node.target, hint="unpack in the body")
    if isinstance(node.iter, ast.Call) and ctx.env.builtin_of(node.iter.func) == "range":
        return [_check_range(ctx, node, node.target, node.iter)]
    iterator = _iterator(ctx, node)
    if iterator is not None:
        return _check_iteration(ctx, node, node.target, iterator)
    items = elements.as_span(ctx, expressions.check(ctx, node.iter, None), node.iter)
    if not isinstance(items.type, SpanType):
        hint = f"loop over {ast.unparse(node.iter)}.encode()" if items.type == STR else ""
        raise ctx.error("type", f"{items.type} cannot be looped over", node.iter, hint=hint)
    of = items.type.of
    kind = PtrType(of) if of.is_aggregate else of.of if isinstance(of, VolatileType) else of
    local = _loop_variable(ctx, node.target, kind)
    body = _check_body(ctx, node, local)
    return [ForEach(ctx.span(node), local, items, body)]


def _iterator(ctx: Context, node: ast.For) -> list[Statement] | None:
    """What keeps the place of a struct that is looped over; None for everything else."""
    found = expressions.check(ctx, node.iter, None)
    kind = found.type.to if isinstance(found.type, PtrType) else found.type
    if not isinstance(kind, StructType):
        return None
    kept: list[Statement] = []
    with_blocks.manager_place(ctx, node.iter, kept)
    return kept


def _check_iteration(ctx: Context, node: ast.For, target: ast.Name, kept: list[Statement]) -> list[Statement]:
    """A struct with `next()`, which gives `ptr[T] | None`, or a value and whether there is one."""
    span = ctx.span(node.iter)
    keep = kept[0]
    assert isinstance(keep, Assign) and isinstance(keep.place, LocalPlace)
    place: Place = keep.place
    if isinstance(place.type, PtrType):
        place = Deref(place.type.to, span, Load(place.type, span, place))
    called = calls.call_method(ctx, node.iter, place, "next")
    result = ctx.temporary(called.type, span)
    value = Load(called.type, span, LocalPlace(called.type, span, result))
    match called.type:
        case PtrType(optional=True) as pointer:
            kind: Type = PtrType(pointer.to)
            item: Expr = Load(kind, span, LocalPlace(called.type, span, result))
            at_end: Expr = Compare(BOOL, span, "==", value, Const(pointer, span, 0))
        case TupleType(items=(kind, BoolType())):
            item = TupleItem(kind, span, value, 0)
            at_end = Unary(BOOL, span, "not", TupleItem(BOOL, span, value, 1))
        case _:
            hint = "it gives ptr[T] | None, or tuple[T, bool] with whether there is a value"
            raise ctx.error("type", f"next() of {place.type} gives {called.type}", node.iter, hint=hint)
    local = _loop_variable(ctx, target, kind)
    step: list[Statement] = [
        Assign(span, LocalPlace(called.type, span, result), called),
        If(span, at_end, [Break(span)], []),
        Assign(span, LocalPlace(kind, span, local), item),
    ]
    body = _check_body(ctx, node, local)
    return [*kept, While(ctx.span(node), Const(BOOL, span, 1), [*step, *body])]


def _check_range(ctx: Context, node: ast.For, target: ast.Name, call: ast.Call) -> Statement:
    if not 1 <= len(call.args) <= 3 or call.keywords:
        raise ctx.error("arguments", "range takes (stop), (start, stop) or (start, stop, step)", call)
    step = 1
    if len(call.args) == 3:
        value = expressions.check_value(ctx, call.args[2])
        if not isinstance(value, Literal) or value.value == 0:
            raise ctx.error("constant", "the step of a range is a constant other than 0", call.args[2])
        step = value.value
    zero = ast.copy_location(ast.Constant(value=0), call)
    first, last = (zero, call.args[0]) if len(call.args) == 1 else (call.args[0], call.args[1])
    start, stop = expressions.check_value(ctx, first), expressions.check_value(ctx, last)
    for end, end_node in ((start, first), (stop, last)):
        if not isinstance(end, Literal) and not isinstance(end.type, IntType) and end.type != ERROR:
            raise ctx.error("type", f"range counts integers, not {end.type}", end_node, here=str(end.type))
    known = ctx.names.get(target.id)
    if isinstance(start, Literal) and isinstance(stop, Literal):
        if known is not None and isinstance(known.type, IntType):
            start = ctx.coerce(start, known.type, first)
        else:
            start = ctx.settle(start, first)
    start, stop = operators.unify(ctx, start, stop, call, (first, last), "range")
    if not isinstance(start.type, IntType):
        raise ctx.error(REPORTED, "", call)
    if step < 0 and not start.type.signed:
        raise ctx.error("type", f"a falling range of {start.type} cannot pass 0", call, hint="convert the ends to i64")
    local = _loop_variable(ctx, target, start.type)
    return ForRange(ctx.span(node), local, start, stop, step, _check_body(ctx, node, local))


def _loop_variable(ctx: Context, target: ast.Name, kind: Type) -> Local:
    if target.id == "_":
        return ctx.temporary(kind, ctx.span(target))
    local = ctx.names.get(target.id)
    if local is None:
        assignments.refuse_shadow(ctx, target)
        local = ctx.names[target.id] = ctx.new_local(target.id, kind, ctx.span(target))
    elif local.type not in (kind, ERROR):
        label = Label(local.span, f"{local.type} here")
        raise ctx.error(
            "type-mismatch",
            f"{target.id} is already {local.type}, this loop counts {kind}",
            target,
            labels=(label,),
            hint="choose another name",
        )
    return local


def _check_body(ctx: Context, node: ast.For, local: Local) -> list[Statement]:
    _forget_assigned_in(ctx, node.body)
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.forget(local)
    ctx.flow.assigned.add(local)
    ctx.loops.append(Loop())
    body = statements.check_block(ctx, node.body)
    loop = ctx.loops.pop()
    ctx.flow = join([start, *loop.breaks])
    return body


def _forget_assigned_in(ctx: Context, body: list[ast.stmt]) -> None:
    """A loop's body may assign before its condition is tested again: what it assigns is not known to be present."""
    for statement in body:
        for name in ast.walk(statement):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id in ctx.names:
                ctx.forget(ctx.names[name.id])


def check_jump(ctx: Context, node: ast.Break | ast.Continue) -> Statement:
    word = "break" if isinstance(node, ast.Break) else "continue"
    if not ctx.loops:
        raise ctx.error("loop", f"{word} outside a loop", node)
    if isinstance(node, ast.Break):
        ctx.loops[-1].breaks.append(ctx.flow.copy())
    ctx.flow.reachable = False
    return Break(ctx.span(node)) if isinstance(node, ast.Break) else Continue(ctx.span(node))
