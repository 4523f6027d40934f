"""The typed tree's law, checked in debug builds: what the emitter relies on without looking.

A violation is a mistake in the compiler, whatever the source; it names the place that shows it.
"""

from __future__ import annotations

from compiler.check import Program
from compiler.source import Span
from compiler.tree import (
    Assign,
    Binary,
    Body,
    Call,
    Compare,
    ElementPlace,
    Evaluate,
    Expr,
    FieldPlace,
    If,
    IndirectCall,
    Literal,
    Load,
    LocalPlace,
    Logic,
    Place,
    Return,
    Select,
    Unary,
    Unpack,
    While,
)
from compiler.tree_walk import Node, nodes_of
from compiler.type_model import (
    BOOL,
    ERROR,
    LITERAL,
    NONE,
    NULL,
    ArrayType,
    AtomicType,
    BitsType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
    has_variable,
)


class BrokenTree(Exception):
    """The checker made a tree that the emitter cannot trust."""

    def __init__(self, span: Span, what: str) -> None:
        super().__init__(f"{span}: internal error: {what}")


def verify(program: Program) -> None:
    for body in program.bodies:
        locals_ = set(body.locals)
        for node in nodes_of(body):
            what = _broken(node, body)
            if what is None and isinstance(node, LocalPlace) and node.local not in locals_:
                what = f"{node.local.name} is no local of {body.function.name}"
            if what is not None and isinstance(node, Expr | Evaluate):
                raise BrokenTree(node.span, what)
            if what is not None:
                raise BrokenTree(getattr(node, "span", body.function.span), what)


def _broken(node: Node, body: Body) -> str | None:
    """What is wrong with a node, looking at its parts only."""
    if isinstance(node, Expr) and (node.type in (LITERAL, NULL, ERROR) or has_variable(node.type)):
        return f"an expression of type {node.type}"
    match node:
        case Literal():
            return "a literal without a width"
        case Load(place=place):
            return _same(node.type, _read(place), "read") if not _narrowed(node.type, place.type) else None
        case Binary(left=left, right=right):
            return _same(left.type, right.type, "operands") or _same(node.type, left.type, "result")
        case Compare(left=left, right=right):
            return _same(left.type, right.type, "compared")
        case Logic(left=left, right=right):
            return _same(left.type, BOOL, "left") or _same(right.type, BOOL, "right")
        case Unary(operator="not", operand=operand):
            return _same(operand.type, BOOL, "operand")
        case Select(test=test, body=yes, orelse=no):
            return (
                _same(test.type, BOOL, "test")
                or _same(yes.type, node.type, "body")
                or _same(no.type, node.type, "else")
            )
        case Call(function=function, arguments=arguments):
            return _call([p.type for p in function.params], arguments)
        case IndirectCall(target=target, arguments=arguments):
            kind = target.type
            return _call(list(kind.params), arguments) if isinstance(kind, FuncType) else "a call of no function"
        case ElementPlace(base=base, index=index):
            return _element(base, index)
        case FieldPlace(base=base, field=field):
            known = isinstance(base.type, StructType) and base.type.fields.get(field.name) is field
            return None if known else f"{base.type} has no field {field.name}"
    return _broken_statement(node, body)


def _broken_statement(node: Node, body: Body) -> str | None:
    match node:
        case Assign(place=place, value=value):
            return _same(value.type, _stored(place), "stored")
        case Unpack(value=value, places=places):
            kind = value.type
            if not isinstance(kind, TupleType) or len(kind.items) != len(places):
                return "unpacking does not fit"
            pairs = zip(kind.items, places, strict=True)
            return next((what for t, p in pairs if p is not None and (what := _same(t, _stored(p), "unpacked"))), None)
        case If(test=test) | While(test=test):
            return _same(test.type, BOOL, "test")
        case Return(value=value):
            return _same(value.type if value is not None else NONE, body.function.result, "returned")
    return None


def _same(found: Type, wanted: Type, what: str) -> str | None:
    return None if found == wanted else f"{what}: {found} where {wanted} belongs"


def _read(place: Place) -> Type:
    kind = place.type
    return kind.of if isinstance(kind, VolatileType) else kind.value_type if isinstance(kind, BitsType) else kind


def _stored(place: Place) -> Type:
    return place.type.of if isinstance(place.type, AtomicType) else _read(place)


def _narrowed(found: Type, stored: Type) -> bool:
    """A pointer that is known not to be None, or one made optional, has the same representation."""
    return isinstance(found, PtrType) and isinstance(stored, PtrType) and found.to == stored.to


def _call(params: list[Type], arguments: list[Expr]) -> str | None:
    if len(params) != len(arguments):
        return f"{len(arguments)} arguments for {len(params)} parameters"
    pairs = zip(params, arguments, strict=True)
    return next((what for p, a in pairs if (what := _same(a.type, p, "argument"))), None)


def _element(base: Expr, index: Expr) -> str | None:
    if not isinstance(base.type, ArrayType | SpanType | PtrType):
        return f"an element of {base.type}"
    return None if isinstance(index.type, IntType) else f"an index of type {index.type}"
