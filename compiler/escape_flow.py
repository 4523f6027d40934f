"""Where the pointers of one function point, as far as its text tells.

A target is a local whose address is held, or the position of a parameter whose pointee is meant. What is followed:
addresses and slices, the locals that hold them, structs made from them, and results of calls that hand a parameter on.
Not here: what memory behind a pointer holds, and addresses that went through an integer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import (
    AddressOf,
    Call,
    Convert,
    Copy,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    Format,
    Keep,
    Load,
    Local,
    LocalPlace,
    Materialized,
    Place,
    Select,
    SpanMake,
    StructMake,
    SubSpan,
    TupleItem,
    TupleMake,
)
from compiler.type_model import ArrayType, PtrType, SpanType, TupleType, Type

Target = Local | int
OUTSIDE = -1
"""Memory that is neither a local's nor surely a parameter's pointee."""


@dataclass
class Summary:
    """What a function does with what its parameters point at: `kept` says where each stays, and since which line."""

    kept: dict[int, dict[int, Span]] = field(default_factory=dict)
    returned: set[int] = field(default_factory=set)


def carries(kind: Type) -> bool:
    """Whether a value of the type can hold a pointer."""
    return isinstance(kind, PtrType | SpanType | TupleType) or kind.is_aggregate


def root(place: Place) -> Local | None:
    """The local that a place is part of; None for what lies behind a pointer, in module data or in a slice."""
    match place:
        case LocalPlace(local=local):
            return local
        case FieldPlace(base=base):
            return root(base)
        case ElementPlace(base=Place() as base) if isinstance(base.type, ArrayType):
            return root(base)
    return None


@dataclass
class PointerFlow:
    """One function: which targets its locals hold, with the summaries of what it calls."""

    summaries: dict[Function, Summary]
    held: dict[Local, set[Target]] = field(default_factory=dict)

    def hold(self, local: Local, targets: set[Target]) -> bool:
        """Notes that a local may hold pointers to the targets; whether that is news."""
        known = self.held.setdefault(local, set())
        before = len(known)
        known |= targets
        return len(known) != before

    def targets(self, value: Expr) -> set[Target]:
        match value:
            case AddressOf(place=place) | Format(place=place):
                return self.pointed_at(place)
            case Load(place=place) | Copy(place=place):
                local = root(place)
                return self.held.get(local, set()) if local is not None and carries(value.type) else set()
            case SpanMake(pointer=inner) | SubSpan(operand=inner) | Keep(value=inner) | TupleItem(operand=inner):
                return self.targets(inner) if carries(value.type) else set()
            case Convert(operand=inner) if isinstance(value.type, PtrType):
                return self.targets(inner) if isinstance(inner.type, PtrType) else set()
            case Select(body=body, orelse=orelse):
                return self.of_all((body, orelse))
            case TupleMake(items=items):
                return self.of_all(items)
            case StructMake(values=values):
                return self.of_all(part for _, part in values)
            case Call(function=function, arguments=arguments) if function in self.summaries:
                return self.of_all(arguments[position] for position in self.summaries[function].returned)
        return set()

    def of_all(self, values: Iterable[Expr]) -> set[Target]:
        found: set[Target] = set()
        for value in values:
            found |= self.targets(value)
        return found

    def pointed_at(self, place: Place) -> set[Target]:
        match place:
            case LocalPlace(local=local):
                return {local}
            case FieldPlace(base=base):
                return self.pointed_at(base)
            case ElementPlace(base=Place() as base) if isinstance(base.type, ArrayType):
                return self.pointed_at(base)
            case ElementPlace(base=base):
                return self.targets(base)
            case Deref(pointer=pointer):
                return self.targets(pointer)
            case Materialized():
                return {Local("this value", place.type, place.span)}
        return set()
