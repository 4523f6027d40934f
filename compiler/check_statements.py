"""Type rules of statements, and the flow of control: definite assignment, narrowing of optional pointers, unreachable
code.
"""

from __future__ import annotations

import ast

import compiler.check_calls as calls
import compiler.check_expressions as expressions
from compiler.check_match import check_match
from compiler.context import Context, Loop, join
from compiler.errors import CompileError, Label
from compiler.symbols import ConstSymbol, GlobalVar
from compiler.tree import (
    AddressOf,
    Assign,
    Break,
    Const,
    Continue,
    Deref,
    Evaluate,
    Expr,
    ForEach,
    ForRange,
    GlobalPlace,
    If,
    Literal,
    Load,
    Local,
    LocalPlace,
    Place,
    Return,
    Statement,
    Trap,
    Unary,
    Unpack,
    While,
    With,
    Zero,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    NEVER,
    NONE,
    NULL,
    AtomicType,
    BitsType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)


def check_block(ctx: Context, body: list[ast.stmt]) -> list[Statement]:
    """Every statement, each mistake reported once; what a failed assignment would have named becomes untyped."""
    out: list[Statement] = []
    for position, node in enumerate(body):
        if not ctx.flow.reachable:
            if position and not isinstance(node, ast.Pass):
                ctx.diagnostics.add(ctx.error("unreachable", "this is never reached", node))
            ctx.flow.reachable = True
            rest = check_block(ctx, body[position:])
            ctx.flow.reachable = False
            return out + rest
        try:
            out += check_statement(ctx, node)
        except CompileError as error:
            if error.diagnostic.code != "error":
                ctx.diagnostics.add(error)
            _forget(ctx, node)
    return out


def _forget(ctx: Context, node: ast.stmt) -> None:
    for name in (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)):
        if name.id not in ctx.names:
            ctx.names[name.id] = Local(name.id, ERROR, ctx.span(name))
        ctx.flow.assigned.add(ctx.names[name.id])


def check_statement(ctx: Context, node: ast.stmt) -> list[Statement]:
    span = ctx.span(node)
    match node:
        case ast.Expr(value=value):
            return _check_expression(ctx, node, value)
        case ast.Assign(targets=[target], value=value):
            return _check_assign(ctx, node, target, value)
        case ast.Assign(targets=[_, second, *_]):
            raise ctx.error(
                "unsupported", "a = b = c is not part of the language", second, hint="use one assignment for each"
            )
        case ast.AnnAssign():
            return _check_annotated(ctx, node)
        case ast.AugAssign(target=target, op=op, value=value):
            return _check_augmented(ctx, node, target, op, value)
        case ast.If():
            return [_check_if(ctx, node)]
        case ast.While():
            return [_check_while(ctx, node)]
        case ast.For():
            return _check_for(ctx, node)
        case ast.Return(value=value):
            return [_check_return(ctx, node, value)]
        case ast.Break() | ast.Continue():
            return [_check_jump(ctx, node)]
        case ast.Pass():
            return []
        case ast.Assert(test=test, msg=message):
            return _check_assert(ctx, node, test, message)
        case ast.Global(names=names):
            for name in names:
                if not isinstance(ctx.env.lookup(name, node), GlobalVar):
                    raise ctx.error("type", f"{name} is not module data", node)
                ctx.globals.add(name)
            return []
        case ast.With():
            return [_check_with(ctx, node, node.items)]
        case ast.Match():
            return check_match(ctx, node, check_block)
    raise CompileError("unsupported", f"{type(node).__name__} is not part of the language", span)


def _check_expression(ctx: Context, node: ast.Expr, value: ast.expr) -> list[Statement]:
    if isinstance(value, ast.Constant):
        return []  # a docstring, or the `...` of a Protocol
    found = expressions.check(ctx, value, None)
    if found.type == ERROR:
        return []
    if found.type == NEVER:
        ctx.flow.reachable = False
    elif found.type != NONE:
        what = f"the result of {ast.unparse(value.func)}" if isinstance(value, ast.Call) else "this value"
        raise ctx.error(
            "unused",
            f"{what} is not used",
            node,
            here=str(found.type),
            hint=f"_ = {ast.unparse(value)} throws it away visibly",
        )
    return [Evaluate(ctx.span(node), found)]


# Assignment


def _check_assign(ctx: Context, node: ast.Assign, target: ast.expr, value: ast.expr) -> list[Statement]:
    span = ctx.span(node)
    if isinstance(target, ast.Tuple):
        return _check_unpack(ctx, node, target, value)
    if isinstance(target, ast.Name) and target.id == "_":
        return [Evaluate(span, expressions.check_settled(ctx, value))]
    if isinstance(target, ast.Name):
        return [_assign_name(ctx, target, value, None)]
    place = _check_target(ctx, target)
    return [Assign(span, place, calls.check_initializer(ctx, _value_type(place), value))]


def _value_type(place: Place) -> Type:
    kind = place.type
    return kind.of if isinstance(kind, VolatileType) else kind.value_type if isinstance(kind, BitsType) else kind


def _check_target(ctx: Context, target: ast.expr) -> Place:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
        raise ctx.error(
            "unsupported", "a slice cannot be assigned", target, hint="memory_copy(addr(a[0]), addr(b[0]), bytes)"
        )
    place = expressions.check(ctx, target, None)
    if not isinstance(place, Place):
        raise ctx.error("address", "this cannot be assigned to", target)
    if isinstance(place.type, AtomicType):
        raise ctx.error(
            "atomic",
            "an atomic is written with its order in sight",
            target,
            hint=f'{ast.unparse(target)}.store(v, "release")',
        )
    return place


def _assign_name(ctx: Context, target: ast.Name, value: ast.expr, annotation: Type | None) -> Statement:
    span = ctx.span(target)
    if target.id in ctx.globals:
        data = ctx.env.lookup(target.id, target)
        assert isinstance(data, GlobalVar)
        return Assign(span, GlobalPlace(data.type, span, data), calls.check_initializer(ctx, data.type, value))
    local = ctx.names.get(target.id)
    want = local.type if local is not None and local.type != ERROR else annotation
    if local is None:
        _refuse_shadow(ctx, target)
    if want is not None:
        found = calls.check_initializer(ctx, want, value)
    else:
        found = expressions.check(ctx, value, None)
        found = ctx.settle(expressions.load(ctx, found, value), value)
        want = _storable(ctx, found, value)
    if local is None:
        local = ctx.names[target.id] = ctx.new_local(target.id, want, span)
    _mark_assigned(ctx, local, found)
    return Assign(span, LocalPlace(local.type, span, local), found)


def _storable(ctx: Context, value: Expr, node: ast.expr) -> Type:
    if value.type == NULL:
        raise ctx.error("type", "None alone does not tell the type", node, hint="annotate it: p: ptr[T] | None = None")
    if value.type in (NONE, NEVER):
        raise ctx.error("type", "this call has no result", node)
    if isinstance(value, Literal):
        raise ctx.error("type", "this needs a type", node)
    return value.type


def _refuse_shadow(ctx: Context, target: ast.Name) -> None:
    module = ctx.env.module
    if target.id in module.declarations or target.id in module.symbols:
        first = module.declarations.get(target.id)
        labels = (Label(ctx.span(first), "declared here"),) if first is not None else ()
        symbol = ctx.env.lookup(target.id, target)
        if isinstance(symbol, GlobalVar):
            raise ctx.error(
                "shadowed",
                f"{target.id} is module data",
                target,
                labels=labels,
                hint=f"say `global {target.id}` to assign it",
            )
        if isinstance(symbol, ConstSymbol):
            raise ctx.error(
                "constant",
                f"{target.id} is a constant",
                target,
                labels=labels,
                hint="a constant is never assigned again",
            )
        raise ctx.error(
            "shadowed",
            f"{target.id} already names something in this module",
            target,
            labels=labels,
            hint="choose another name",
        )


def _mark_assigned(ctx: Context, local: Local, value: Expr | None) -> None:
    ctx.flow.assigned.add(local)
    ctx.flow.present.discard(local)
    if isinstance(local.type, PtrType) and local.type.optional and value is not None and _surely_present(value):
        ctx.flow.present.add(local)


def _surely_present(value: Expr) -> bool:
    """Whether what is stored in an optional pointer is a plain pointer made optional for the store."""
    if isinstance(value, AddressOf):
        return True
    inner = value.place if isinstance(value, Load) else None
    return inner is not None and isinstance(inner.type, PtrType) and not inner.type.optional


def _check_annotated(ctx: Context, node: ast.AnnAssign) -> list[Statement]:
    from compiler.annotations import resolve_type

    if not isinstance(node.target, ast.Name):
        raise ctx.error("unsupported", "only a local is annotated here", node.target)
    kind = resolve_type(node.annotation, ctx.env)
    if isinstance(kind, BitsType):
        raise ctx.error("type", "a bit-field is part of a struct", node.annotation)
    name = node.target.id
    known = ctx.names.get(name)
    if known is not None and known.type not in (kind, ERROR):
        label = Label(known.span, f"{known.type} here")
        raise ctx.error(
            "type-mismatch", f"{name} is already {known.type}", node, labels=(label,), hint="choose another name"
        )
    if node.value is None:
        if known is None:
            _refuse_shadow(ctx, node.target)
            ctx.names[name] = ctx.new_local(name, kind, ctx.span(node.target))
        return []
    return [_assign_name(ctx, node.target, node.value, kind)]


def _check_augmented(
    ctx: Context, node: ast.AugAssign, target: ast.expr, op: ast.operator, value: ast.expr
) -> list[Statement]:
    if isinstance(target, ast.Name) and target.id not in ctx.names and target.id not in ctx.globals:
        _refuse_shadow(ctx, target)
        raise ctx.error("unassigned", f"{target.id} has no value yet", target)
    place = _check_target(ctx, target)
    prelude: list[Statement] = []
    left = expressions.load(ctx, place, target)
    kind = _value_type(place)
    right = expressions.load(ctx, expressions.check(ctx, value, kind), value)
    result = expressions.combine(ctx, node, op, left, right, (target, value))
    place = _evaluated_once(ctx, place, prelude)
    if isinstance(left, Load):
        left.place = place
    if isinstance(place, LocalPlace):
        _mark_assigned(ctx, place.local, None)
    return [*prelude, Assign(ctx.span(node), place, ctx.coerce(result, kind, node))]


def _evaluated_once(ctx: Context, place: Place, prelude: list[Statement]) -> Place:
    """A place whose address is computed a single time, as Python evaluates the target of `+=`."""
    if isinstance(place, LocalPlace | GlobalPlace) or isinstance(place.type, BitsType):
        return place
    if place.type.is_aggregate:
        return place
    from compiler.tree import FieldPlace

    if isinstance(place, FieldPlace) and isinstance(place.base, LocalPlace | GlobalPlace | Deref):
        inner = place.base
        if not isinstance(inner, Deref) or (
            isinstance(inner.pointer, Load) and isinstance(inner.pointer.place, LocalPlace)
        ):
            return place
    pointer_type = PtrType(place.type)
    keep = ctx.temporary(pointer_type, place.span)
    prelude.append(
        Assign(place.span, LocalPlace(pointer_type, place.span, keep), AddressOf(pointer_type, place.span, place))
    )
    return Deref(place.type, place.span, Load(pointer_type, place.span, LocalPlace(pointer_type, place.span, keep)))


def _check_unpack(ctx: Context, node: ast.Assign, target: ast.Tuple, value: ast.expr) -> list[Statement]:
    found = expressions.check_value(ctx, value)
    if not isinstance(found.type, TupleType):
        raise ctx.error("type", f"{found.type} has no parts to unpack", value, here=str(found.type))
    if len(found.type.items) != len(target.elts):
        raise ctx.error("arguments", f"{len(found.type.items)} values for {len(target.elts)} names", node)
    places: list[Place | None] = []
    for element, kind in zip(target.elts, found.type.items, strict=True):
        if isinstance(element, ast.Name) and element.id == "_":
            places.append(None)
        elif isinstance(element, ast.Name):
            places.append(_unpack_name(ctx, element, kind))
        else:
            place = _check_target(ctx, element)
            ctx.coerce(Zero(kind, ctx.span(element)), _value_type(place), element)
            places.append(place)
    return [Unpack(ctx.span(node), found, places)]


def _unpack_name(ctx: Context, element: ast.Name, kind: Type) -> Place:
    span = ctx.span(element)
    if element.id in ctx.globals:
        data = ctx.env.lookup(element.id, element)
        assert isinstance(data, GlobalVar)
        return GlobalPlace(data.type, span, data)
    local = ctx.names.get(element.id)
    if local is None:
        _refuse_shadow(ctx, element)
        local = ctx.names[element.id] = ctx.new_local(element.id, kind, span)
    ctx.coerce(Zero(kind, span), local.type, element)
    _mark_assigned(ctx, local, None)
    return LocalPlace(local.type, span, local)


# Branches and loops


def _check_if(ctx: Context, node: ast.If) -> Statement:
    test, facts = expressions.check_condition(ctx, node.test)
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.true
    body = check_block(ctx, node.body)
    after_body = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.false
    orelse = check_block(ctx, node.orelse)
    ctx.flow = join([after_body, ctx.flow])
    return If(ctx.span(node), test, body, orelse)


def _forget_assigned_in(ctx: Context, body: list[ast.stmt]) -> None:
    """A loop's body may assign before its condition is tested again: what it assigns is not known to be present."""
    for statement in body:
        for name in ast.walk(statement):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id in ctx.names:
                ctx.flow.present.discard(ctx.names[name.id])


def _check_while(ctx: Context, node: ast.While) -> Statement:
    _forget_assigned_in(ctx, node.body)
    test, facts = expressions.check_condition(ctx, node.test)
    endless = isinstance(test, Const) and test.value == 1
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.true
    ctx.loops.append(Loop())
    body = check_block(ctx, node.body)
    loop = ctx.loops.pop()
    after = start.copy()
    after.present |= facts.false
    ctx.flow = join(loop.breaks if endless else [after, *loop.breaks])
    return While(ctx.span(node), test, body)


def _check_for(ctx: Context, node: ast.For) -> list[Statement]:
    if not isinstance(node.target, ast.Name):
        raise ctx.error("unsupported", "a loop has one variable", node.target, hint="unpack in the body")
    if isinstance(node.iter, ast.Call) and ctx.env.builtin_of(node.iter.func) == "range":
        return [_check_range(ctx, node, node.target, node.iter)]
    items = expressions.as_span(ctx, expressions.check(ctx, node.iter, None), node.iter)
    if not isinstance(items.type, SpanType):
        raise ctx.error("type", f"{items.type} cannot be looped over", node.iter)
    of = items.type.of
    kind = PtrType(of) if of.is_aggregate else of.of if isinstance(of, VolatileType) else of
    local = _loop_variable(ctx, node.target, kind)
    body = _check_body(ctx, node, local)
    return [ForEach(ctx.span(node), local, items, body)]


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
    known = ctx.names.get(target.id)
    if isinstance(start, Literal) and isinstance(stop, Literal):
        if known is not None and isinstance(known.type, IntType):
            start = ctx.coerce(start, known.type, first)
        else:
            start = ctx.settle(start, first)
    start, stop = expressions.unify(ctx, start, stop, call, (first, last), "range")
    if not isinstance(start.type, IntType):
        raise ctx.error("type", f"range counts integers, not {start.type}", call)
    if step < 0 and not start.type.signed:
        raise ctx.error("type", f"a falling range of {start.type} cannot pass 0", call, hint="convert the ends to i64")
    local = _loop_variable(ctx, target, start.type)
    return ForRange(ctx.span(node), local, start, stop, step, _check_body(ctx, node, local))


def _loop_variable(ctx: Context, target: ast.Name, kind: Type) -> Local:
    if target.id == "_":
        return ctx.temporary(kind, ctx.span(target))
    local = ctx.names.get(target.id)
    if local is None:
        _refuse_shadow(ctx, target)
        local = ctx.names[target.id] = ctx.new_local(target.id, kind, ctx.span(target))
    elif local.type not in (kind, ERROR):
        label = Label(local.span, f"{local.type} here")
        raise ctx.error(
            "type-mismatch", f"{target.id} is already {local.type}, this loop counts {kind}", target, labels=(label,)
        )
    return local


def _check_body(ctx: Context, node: ast.For, local: Local) -> list[Statement]:
    _forget_assigned_in(ctx, node.body)
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.assigned.add(local)
    ctx.loops.append(Loop())
    body = check_block(ctx, node.body)
    loop = ctx.loops.pop()
    ctx.flow = join([start, *loop.breaks])
    return body


def _check_jump(ctx: Context, node: ast.Break | ast.Continue) -> Statement:
    word = "break" if isinstance(node, ast.Break) else "continue"
    if not ctx.loops:
        raise ctx.error("loop", f"{word} outside a loop", node)
    if isinstance(node, ast.Break):
        ctx.loops[-1].breaks.append(ctx.flow.copy())
    ctx.flow.reachable = False
    return Break(ctx.span(node)) if isinstance(node, ast.Break) else Continue(ctx.span(node))


def _check_return(ctx: Context, node: ast.Return, value: ast.expr | None) -> Statement:
    assert ctx.function is not None
    want = ctx.function.result
    result: Expr | None = None
    if want == NEVER:
        raise ctx.error("return", f"{ctx.function.name} never returns", node)
    if value is not None and want == NONE:
        if not (isinstance(value, ast.Constant) and value.value is None):
            raise ctx.error(
                "return",
                f"{ctx.function.name} returns nothing",
                value,
                hint=f"declare its result: -> {_guess(ctx, value)}",
            )
    elif value is None and want != NONE:
        raise ctx.error("return", f"{ctx.function.name} returns {want}", node)
    elif value is not None:
        result = calls.check_initializer(ctx, want, value)
    ctx.flow.reachable = False
    return Return(ctx.span(node), result)


def _guess(ctx: Context, value: ast.expr) -> str:
    try:
        return str(expressions.check_settled(ctx, value).type)
    except CompileError:
        return "u64"


def _check_assert(ctx: Context, node: ast.Assert, test: ast.expr, message: ast.expr | None) -> list[Statement]:
    condition, facts = expressions.check_condition(ctx, test)
    text = f"assertion failed: {ast.unparse(test)}"
    if message is not None:
        if not isinstance(message, ast.Constant) or not isinstance(message.value, str):
            raise ctx.error("unsupported", "the message of an assert is a plain string", message)
        text = f"assertion failed: {message.value}"
    if isinstance(condition, Const) and condition.value == 0:
        ctx.flow.reachable = False
    ctx.flow.present |= facts.true
    span = ctx.span(node)
    return [If(span, Unary(BOOL, span, "not", condition), [Trap(span, text)], [])]


# With


def _check_with(ctx: Context, node: ast.With, items: list[ast.withitem]) -> Statement:
    item, rest = items[0], items[1:]
    span = ctx.span(item.context_expr)
    enter: list[Statement] = []
    manager = _manager_place(ctx, item.context_expr, enter)
    opened = calls.call_method(ctx, item.context_expr, manager, "__enter__")
    if isinstance(item.optional_vars, ast.Name):
        name = item.optional_vars
        if opened.type == NONE:
            raise ctx.error("type", f"__enter__ of {manager.type} gives no value", name)
        local = ctx.names.get(name.id)
        if local is None:
            _refuse_shadow(ctx, name)
            local = ctx.names[name.id] = ctx.new_local(name.id, opened.type, ctx.span(name))
        opened = ctx.coerce(opened, local.type, item.context_expr)
        _mark_assigned(ctx, local, None)
        enter.append(Assign(span, LocalPlace(local.type, span, local), opened))
    else:
        enter.append(Evaluate(span, opened))
    leave: list[Statement] = [Evaluate(span, calls.call_method(ctx, item.context_expr, manager, "__exit__"))]
    body = [_check_with(ctx, node, rest)] if rest else check_block(ctx, node.body)
    return With(ctx.span(node), enter, body, leave)


def _manager_place(ctx: Context, node: ast.expr, enter: list[Statement]) -> Place:
    """The struct a `with` works on, evaluated once: a value is kept on the stack, a place by its address."""
    span = ctx.span(node)
    found = expressions.check(ctx, node, None)
    if isinstance(found.type, StructType) and not isinstance(found, Place):
        kept = LocalPlace(found.type, span, ctx.temporary(found.type, span))
        enter.append(Assign(span, kept, found))
        return kept
    place = expressions.check_struct_place(ctx, node)
    if not isinstance(place.type, StructType):
        raise ctx.error(
            "type", f"{place.type} cannot be used by with", node, hint="a struct with __enter__ and __exit__"
        )
    pointer_type = PtrType(place.type)
    keep = ctx.temporary(pointer_type, span)
    enter.append(Assign(span, LocalPlace(pointer_type, span, keep), calls.address_of(place)))
    return Deref(place.type, span, Load(pointer_type, span, LocalPlace(pointer_type, span, keep)))
