"""No pointer to a local outlives its function: it is not returned, nor stored where it stays.

An async function may leave a pointer to its own frame behind while it waits; it must take it back before it ends.
Input law: a checked body. What is followed: addresses and slices of locals, the locals that hold them, and structs made
from them. What a callee does with a pointer is not followed, nor an address that went through an integer.
"""

from __future__ import annotations

from compiler.errors import CompileError, Diagnostics, Label
from compiler.tree import (
    AddressOf,
    Assign,
    Body,
    Convert,
    Copy,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    Format,
    GlobalPlace,
    Load,
    Local,
    LocalPlace,
    Materialized,
    Place,
    Return,
    Select,
    SpanMake,
    Statement,
    StructMake,
    SubSpan,
    TupleMake,
    Unpack,
)
from compiler.tree_walk import walk
from compiler.type_model import NEVER, ArrayType, PtrType


def check_escape(body: Body, diagnostics: Diagnostics) -> None:
    if body.function.result == NEVER:  # its locals live as long as what runs
        return
    statements = [node for node in walk(body.statements) if isinstance(node, Statement)]
    holders: dict[Local, Local] = {}  # a local that holds a pointer, and the local it points into
    before = -1
    while before != len(holders):
        before = len(holders)
        for statement in statements:
            _note_holders(statement, holders)
    for statement in statements:
        _check_statement(body, statement, holders, diagnostics)


def _note_holders(statement: Statement, holders: dict[Local, Local]) -> None:
    if isinstance(statement, Assign):
        root, target = _root(statement.place), _target(statement.value, holders)
        if isinstance(root, Local) and target is not None:
            holders.setdefault(root, target)
    elif isinstance(statement, Unpack) and isinstance(statement.value, TupleMake):
        for place, item in zip(statement.places, statement.value.items, strict=True):
            target = _target(item, holders)
            root = _root(place) if place is not None else None
            if isinstance(root, Local) and target is not None:
                holders.setdefault(root, target)


def _check_statement(body: Body, statement: Statement, holders: dict[Local, Local], diagnostics: Diagnostics) -> None:
    match statement:
        case Return(value=Expr() as value):
            target = _target(value, holders)
            if target is not None:
                _report(diagnostics, value, target, f"{target.name} ends with {body.function.name}")
        case Assign() if body.function.is_async:
            pass  # the local lives in the coroutine's frame; whoever waits takes its node out in a `finally`
        case Assign(place=place, value=value) if not isinstance(_root(place), Local) and not body.function.is_async:
            target = _target(value, holders)
            if target is not None:
                what = "a pointer to it would stay behind"
                _report(diagnostics, value, target, f"{target.name} ends with {body.function.name}; {what}")


def _report(diagnostics: Diagnostics, value: Expr, target: Local, message: str) -> None:
    labels = (Label(target.span, f"{target.name} lives on the stack"),) if target.span.line else ()
    hint = "make it module data, or let the caller pass the place"
    diagnostics.add(CompileError("escape", message, value.span, labels=labels, hint=hint))


def _root(place: Place) -> Local | None:
    """The local that a place is part of; None for what lies behind a pointer, in module data or in a slice."""
    match place:
        case LocalPlace(local=local):
            return local
        case FieldPlace(base=base):
            return _root(base)
        case ElementPlace(base=Place() as base) if isinstance(base.type, ArrayType):
            return _root(base)
    return None


def _target(value: Expr, holders: dict[Local, Local]) -> Local | None:
    """The local that a value points into."""
    match value:
        case AddressOf(place=place):
            return _pointed_at(place, holders)
        case Load(place=LocalPlace(local=local)) | Copy(place=LocalPlace(local=local)):
            return holders.get(local)
        case SpanMake(pointer=inner) | SubSpan(operand=inner):
            return _target(inner, holders)
        case Convert(operand=inner) if isinstance(value.type, PtrType):
            return _target(inner, holders) if isinstance(inner.type, PtrType) else None
        case Format(place=place):
            return _pointed_at(place, holders)
        case Select(body=body, orelse=orelse):
            return _target(body, holders) or _target(orelse, holders)
        case TupleMake(items=items):
            return next((found for item in items if (found := _target(item, holders))), None)
        case StructMake(values=values):
            return next((found for _, part in values if (found := _target(part, holders))), None)
    return None


def _pointed_at(place: Place, holders: dict[Local, Local]) -> Local | None:
    match place:
        case LocalPlace(local=local):
            return local
        case FieldPlace(base=base):
            return _pointed_at(base, holders)
        case ElementPlace(base=Place() as base) if isinstance(base.type, ArrayType):
            return _pointed_at(base, holders)
        case ElementPlace(base=base):
            return _target(base, holders)
        case Deref(pointer=pointer):
            return _target(pointer, holders)
        case Materialized():
            return Local("this value", place.type, place.span)
        case GlobalPlace():
            return None
    return None
