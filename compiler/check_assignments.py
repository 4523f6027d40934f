"""Type rules of assignment: the first one fixes the type of a local."""

from __future__ import annotations

import ast

import compiler.check_construction as construction
import compiler.check_expressions as expressions
import compiler.check_operators as operators
from compiler.annotations import resolve_type
from compiler.context import Context
from compiler.errors import CompileError, Label
from compiler.symbols import ConstSymbol, GlobalVar
from compiler.tree import (
    AddressOf,
    Assign,
    Const,
    Deref,
    ElementPlace,
    Evaluate,
    Expr,
    FieldPlace,
    GlobalPlace,
    Literal,
    Load,
    Local,
    LocalPlace,
    Place,
    Statement,
    Unpack,
    Zero,
)
from compiler.type_model import (
    ERROR,
    NEVER,
    NONE,
    NULL,
    U64,
    ArrayType,
    AtomicType,
    BitsType,
    PtrType,
    TupleType,
    Type,
    VolatileType,
)


def check_assign(ctx: Context, node: ast.Assign, target: ast.expr, value: ast.expr) -> list[Statement]:
    span = ctx.span(node)
    if isinstance(target, ast.Tuple):
        return _check_unpack(ctx, node, target, value)
    if isinstance(target, ast.Name) and target.id == "_":
        return [Evaluate(span, expressions.check_settled(ctx, value))]
    if isinstance(target, ast.Name):
        return [_assign_name(ctx, target, value, None)]
    place = _check_target(ctx, target)
    if place.type == NONE:
        return [Evaluate(span, _check_nothing(ctx, value))]
    return [Assign(span, place, construction.check_initializer(ctx, _value_type(place), value))]


def _check_nothing(ctx: Context, value: ast.expr) -> Expr:
    """What is assigned to a field whose type is None."""
    found = expressions.check(ctx, value, None)
    if found.type not in (NONE, ERROR):
        raise ctx.error("type-mismatch", f"this is {found.type}, but None is needed", value, here=str(found.type))
    return found


def _value_type(place: Place) -> Type:
    kind = place.type
    return kind.of if isinstance(kind, VolatileType) else kind.value_type if isinstance(kind, BitsType) else kind


def _check_target(ctx: Context, target: ast.expr) -> Place:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
        raise ctx.error(
            "unsupported", "a slice cannot be assigned", target, hint="memory_copy(addr(a[0]), addr(b[0]), bytes)"
        )
    if isinstance(target, ast.Attribute) and not expressions.is_local(ctx, target):
        symbol = ctx.env.symbol_of(target)
        if isinstance(symbol, ConstSymbol):
            raise ctx.error(
                "constant", f"{target.attr} is a constant", target, hint="a constant is never assigned again"
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
        return Assign(span, GlobalPlace(data.type, span, data), construction.check_initializer(ctx, data.type, value))
    local = ctx.names.get(target.id)
    want = local.type if local is not None and local.type != ERROR else annotation
    if local is None:
        refuse_shadow(ctx, target)
    if want is not None:
        found = _check_again(ctx, target, value, want, local)
    else:
        found = expressions.check(ctx, value, None)
        found = ctx.settle(expressions.load(ctx, found, value), value)
        want = _storable(ctx, found, value)
    if local is None:
        local = ctx.names[target.id] = ctx.new_local(target.id, want, span)
    mark_assigned(ctx, local, found)
    return Assign(span, LocalPlace(local.type, span, local), found)


def _check_again(ctx: Context, target: ast.Name, value: ast.expr, want: Type, local: Local | None) -> Expr:
    """A value for a local whose type is fixed; a clash shows where it was fixed."""
    try:
        return construction.check_initializer(ctx, want, value)
    except CompileError as error:
        found = error.diagnostic
        if local is None or found.code != "type-mismatch" or local.span.line == found.span.line:
            raise
        label = Label(local.span, f"{target.id} is {want} since here")
        raise CompileError(
            found.code, found.message, found.span, here=found.here, hint=found.hint, labels=(*found.labels, label)
        ) from None


def _storable(ctx: Context, value: Expr, node: ast.expr) -> Type:
    if value.type == NULL:
        raise ctx.error("type", "None alone does not tell the type", node, hint="annotate it: p: ptr[T] | None = None")
    if value.type in (NONE, NEVER):
        raise ctx.error("type", "this call has no result", node)
    if isinstance(value, Literal):
        raise ctx.error("type", "this needs a type", node)
    return value.type


def refuse_shadow(ctx: Context, target: ast.Name) -> None:
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


def mark_assigned(ctx: Context, local: Local, value: Expr | None) -> None:
    ctx.flow.assigned.add(local)
    ctx.forget(local)
    if isinstance(local.type, PtrType) and local.type.optional and value is not None and _surely_present(value):
        ctx.flow.present.add(local)


def _surely_present(value: Expr) -> bool:
    """Whether what is stored in an optional pointer is a plain pointer made optional for the store."""
    if isinstance(value, AddressOf):
        return True
    inner = value.place if isinstance(value, Load) else None
    return inner is not None and isinstance(inner.type, PtrType) and not inner.type.optional


def check_annotated(ctx: Context, node: ast.AnnAssign) -> list[Statement]:
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
            refuse_shadow(ctx, node.target)
            ctx.names[name] = ctx.new_local(name, kind, ctx.span(node.target))
        return []
    return [_assign_name(ctx, node.target, node.value, kind)]


def check_augmented(
    ctx: Context, node: ast.AugAssign, target: ast.expr, op: ast.operator, value: ast.expr
) -> list[Statement]:
    if isinstance(target, ast.Name) and target.id not in ctx.names and target.id not in ctx.globals:
        refuse_shadow(ctx, target)
        raise ctx.error("unassigned", f"{target.id} has no value yet", target)
    place = _check_target(ctx, target)
    prelude: list[Statement] = []
    left = expressions.load(ctx, place, target)
    kind = _value_type(place)
    right = expressions.load(ctx, expressions.check(ctx, value, kind), value)
    result = operators.combine(ctx, node, op, left, right, (target, value))
    place = _evaluated_once(ctx, place, prelude)
    if isinstance(left, Load):
        left.place = place
    if isinstance(place, LocalPlace):
        mark_assigned(ctx, place.local, None)
    return [*prelude, Assign(ctx.span(node), place, ctx.coerce(result, kind, node))]


def _evaluated_once(ctx: Context, place: Place, prelude: list[Statement]) -> Place:
    """A place whose address is computed a single time, as Python evaluates the target of `+=`."""
    if isinstance(place, LocalPlace | GlobalPlace) or isinstance(place.type, BitsType):
        return place
    if place.type.is_aggregate:
        return place
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
    found = expressions.check(ctx, value, None)
    if isinstance(found.type, ArrayType):
        return _unpack_array(ctx, node, target, found, value)
    found = expressions.load(ctx, found, value)
    if not isinstance(found.type, TupleType):
        raise ctx.error("type", f"{found.type} has no parts to unpack", value, here=str(found.type))
    if len(found.type.items) != len(target.elts):
        raise ctx.error("arguments", f"{len(found.type.items)} values for {len(target.elts)} names", node)
    places: list[Place | None] = []
    for element, kind in zip(target.elts, found.type.items, strict=True):
        if isinstance(element, ast.Tuple | ast.List):
            raise ctx.error(
                "unsupported", "a tuple is unpacked one level at a time", element, hint="give it a name first"
            )
        if isinstance(element, ast.Name) and element.id == "_":
            places.append(None)
        elif isinstance(element, ast.Name):
            places.append(_unpack_name(ctx, element, kind))
        else:
            place = _check_target(ctx, element)
            ctx.coerce(Zero(kind, ctx.span(element)), _value_type(place), element)
            places.append(place)
    return [Unpack(ctx.span(node), found, places)]


def _unpack_array(ctx: Context, node: ast.Assign, target: ast.Tuple, found: Expr, value: ast.expr) -> list[Statement]:
    """The elements of an array one by one; a value is kept first, a place must hold values that copy silently."""
    kind = found.type
    assert isinstance(kind, ArrayType)
    if kind.count != len(target.elts):
        raise ctx.error("arguments", f"{kind.count} values for {len(target.elts)} names", node)
    span = ctx.span(node)
    made: list[Statement] = []
    if not isinstance(found, Place):
        kept = LocalPlace(kind, span, ctx.temporary(kind, span))
        made.append(Assign(span, kept, found))
        found = kept
    places = [ElementPlace(kind.of, span, found, Const(U64, span, index), True) for index in range(kind.count)]
    for element, item in zip(target.elts, (expressions.load(ctx, place, value) for place in places), strict=True):
        if isinstance(element, ast.Name) and element.id == "_":
            continue
        place = _unpack_name(ctx, element, item.type) if isinstance(element, ast.Name) else _check_target(ctx, element)
        made.append(Assign(span, place, ctx.coerce(item, _value_type(place), element)))
    return made


def _unpack_name(ctx: Context, element: ast.Name, kind: Type) -> Place:
    span = ctx.span(element)
    if element.id in ctx.globals:
        data = ctx.env.lookup(element.id, element)
        assert isinstance(data, GlobalVar)
        return GlobalPlace(data.type, span, data)
    local = ctx.names.get(element.id)
    if local is None:
        refuse_shadow(ctx, element)
        local = ctx.names[element.id] = ctx.new_local(element.id, kind, span)
    ctx.coerce(Zero(kind, span), local.type, element)
    mark_assigned(ctx, local, None)
    return LocalPlace(local.type, span, local)
