"""Names for locks that can be compared: a place in a function, and the kind of lock with its rank.

A path tells one object from another within a function: `p->lock` of the local p, `kernel.core.log._console` of module
data. A class is what all locks of one field, or one piece of module data, have in common: their rank.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.symbols import Function, GlobalVar
from compiler.tree import (
    AddressOf,
    Const,
    Copy,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    GlobalPlace,
    Load,
    LocalPlace,
    Place,
)
from compiler.type_model import Field, PtrType, StructType, Type


@dataclass(frozen=True)
class LockClass:
    """All locks in one field of a struct, or one lock in module data."""

    owner: StructType | GlobalVar
    field: str = ""

    def __str__(self) -> str:
        return f"{self.owner}.{self.field}" if isinstance(self.owner, StructType) else self.owner.name


@dataclass(frozen=True)
class Lock:
    path: str  # empty where the place has no comparable name
    kind: LockClass | None

    def __str__(self) -> str:
        return str(self.kind) if self.kind is not None else self.path.replace("->", ".")


def is_lock(kind: Type) -> bool:
    """A lock is a struct that `with` can use and that has a rank."""
    return isinstance(kind, StructType) and "__enter__" in kind.methods and "rank" in kind.fields


def lock_of(place: Place) -> Lock:
    return Lock(path_of(place), class_of(place))


def class_of(place: Place) -> LockClass | None:
    match place:
        case GlobalPlace(data=data):
            return LockClass(data)
        case FieldPlace(base=base, field=field) if isinstance(base.type, StructType):
            return LockClass(base.type, field.name)
        case Deref(pointer=AddressOf(place=inner)):
            return class_of(inner)
    return None


def path_of(place: Place) -> str:
    """A text that is equal for equal places of one function; empty where that cannot be told."""
    match place:
        case LocalPlace(local=local):
            return local.name
        case GlobalPlace(data=data):
            return data.symbol
        case Deref(pointer=pointer):
            return pointee_path(pointer)
        case FieldPlace(base=base, field=field):
            before = path_of(base)
            return f"{before}.{field.name}" if before else ""
        case ElementPlace(base=Place() as base, index=index):
            before, position = path_of(base), _index(index)
            return f"{before}[{position}]" if before and position else ""
        case ElementPlace(base=base, index=index):
            before, position = pointee_path(base), _index(index)
            return f"{before}[{position}]" if before and position else ""
    return ""


def pointee_path(pointer: Expr) -> str:
    """The path of what a pointer value points at."""
    match pointer:
        case AddressOf(place=place):
            return path_of(place)
        case Load(place=place) | Copy(place=place):
            before = path_of(place)
            return f"{before}->" if before else ""
    return ""


def _index(index: Expr) -> str:
    match index:
        case Const(value=value):
            return str(value)
        case Load(place=LocalPlace(local=local)):
            return local.name
    return ""


def is_private(place: Place) -> bool:
    """Whether a place is part of a local itself, which nobody else sees."""
    match place:
        case LocalPlace():
            return True
        case FieldPlace(base=base):
            return is_private(base)
        case ElementPlace(base=Place() as base):
            return is_private(base)
    return False


def guard_of(place: FieldPlace, field: Field) -> Lock | None:
    """The lock that guards a field of the object at `place.base`; None where the guard is no lock of the struct."""
    owner = place.base.type
    assert isinstance(owner, StructType)
    if field.guard not in owner.fields:
        return None
    before = path_of(place.base)
    return Lock(f"{before}.{field.guard}" if before else "", LockClass(owner, field.guard))


def locks_named(function: Function, decorator: str) -> list[str]:
    """The names that `@requires("lock", ...)` or `@excludes(...)` lists."""
    names = function.decorators.get(decorator, ())
    return [names] if isinstance(names, str) else [str(name) for name in names] if isinstance(names, tuple) else []


def parameter_path(function: Function, name: str, arguments: list[Expr] | None) -> tuple[str, Type | None]:
    """The path of `self.lock` or `p.lock` as the function sees it, or as its caller does who passes `arguments`."""
    first, *rest = name.split(".")
    position = next((i for i, p in enumerate(function.params) if p.name == first), None)
    if position is None and function.owner is not None and first in function.owner.fields:
        position, rest = 0, [first, *rest]
    if position is None:
        return "", None
    param = function.params[position]
    path = f"{param.name}->" if arguments is None else pointee_path(arguments[position])
    kind: Type | None = param.type.to if isinstance(param.type, PtrType) else param.type
    for part in rest[:-1]:
        path = f"{path}.{part}" if path else ""
        field = kind.fields.get(part) if isinstance(kind, StructType) else None
        kind = field.type if field is not None else None
    return (f"{path}.{rest[-1]}" if path and rest else path), kind
