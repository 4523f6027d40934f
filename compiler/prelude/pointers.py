"""Pointers: `ptr[T]`, `ptr[T] | None`, `ptr8` and its kin.

A place is a region and an offset. A pointer to a struct or an array is its own view; pointers to anything else are
`Pointer` objects. Both compare by address and reach their neighbours by index.
Not here: the address of a variable (places.py).
"""

from __future__ import annotations

from typing import Any

from compiler.prelude import host_memory, profile
from compiler.prelude.host_memory import NOWHERE, Memory
from compiler.prelude.integer_base import number_of
from compiler.prelude.integers import u8, u16, u32, u64
from compiler.prelude.kinds import WORD, Kind, kind_of
from compiler.prelude.traps import LanguageError, Trap


class Place:
    """What pointers and views of memory share: `memory_`, `offset_`, and comparison by address."""

    __slots__ = ("memory_", "offset_")
    memory_: Memory
    offset_: int

    def to_integer_(self) -> int:
        return self.memory_.address() + self.offset_

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, Place):
            return NotImplemented
        if self.memory_ is other.memory_:
            return self.offset_ == other.offset_
        return self.to_integer_() == other.to_integer_()

    def __hash__(self) -> int:
        return hash(self.to_integer_())

    def __lt__(self, other: Place) -> bool:
        return self.to_integer_() < other.to_integer_()

    def __le__(self, other: Place) -> bool:
        return self.to_integer_() <= other.to_integer_()

    def __gt__(self, other: Place) -> bool:
        return self.to_integer_() > other.to_integer_()

    def __ge__(self, other: Place) -> bool:
        return self.to_integer_() >= other.to_integer_()

    def __bool__(self) -> bool:
        raise LanguageError(f"a condition is a bool, not {type(self).__name__}: write p is not None")


class Pointer(Place):
    """A pointer to anything but a struct or an array."""

    __slots__ = ("to_",)
    to_: Kind

    def __init__(self, to: Kind, memory: Memory, offset: int) -> None:
        self.to_, self.memory_, self.offset_ = to, memory, offset

    def __getitem__(self, index: Any) -> Any:
        return self.to_.load(self.memory_, self.offset_ + index.__index__() * self.to_.size)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.to_.store(self.memory_, self.offset_ + index.__index__() * self.to_.size, value)

    def at_(self, index: int) -> Pointer:
        return Pointer(self.to_, self.memory_, self.offset_ + index * self.to_.size)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self[0], name)

    def __repr__(self) -> str:
        return f"ptr[{self.to_}]({self.to_integer_():#x})"


class PointerKind(Kind):
    """`ptr[T]`; calling it makes a pointer of an address or of another pointer."""

    size = align = 8

    def __init__(self, to: Kind, optional: bool = False) -> None:
        self.to = to
        self.optional = optional
        self.name = f"ptr[{to}]" + (" | None" if optional else "")

    def __call__(self, source: Any) -> Any:
        if isinstance(source, Place):
            return pointer_to(self.to, source.memory_, source.offset_)
        number = number_of(source) & WORD.box.mask  # type: ignore[attr-defined]
        if number == 0:
            if profile.debug:
                raise Trap("null", f"{self}(0): write None")
            return pointer_to(self.to, NOWHERE, 0)
        return pointer_to(self.to, *host_memory.find(number))

    def load(self, memory: Memory, offset: int) -> Any:
        number = int.from_bytes(host_memory.read(memory, offset, 8), "little")
        if number == 0 and self.optional:
            return None
        return pointer_to(self.to, *(host_memory.find(number) if number else (NOWHERE, 0)))

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        value = self.adapt(value)
        host_memory.write(memory, offset, (0 if value is None else value.to_integer_()).to_bytes(8, "little"))

    def adapt(self, value: Any) -> Any:
        if value is None:
            if self.optional:
                return None
            raise LanguageError(f"{self} is never None: write {self} | None")
        if not isinstance(value, Place) or pointed_kind(value) not in (self.to, None):
            raise LanguageError(f"{self} is wanted, not {value!r}")
        return value

    def zero(self) -> Any:
        return self.load(Memory(bytearray(8)), 0)

    def __or__(self, other: object) -> Kind:
        if other is not None:
            raise LanguageError(f"a pointer is {self} or {self} | None")
        return _optional(self.to)


def pointer_to(kind: Kind, memory: Memory, offset: int) -> Any:
    """A pointer to a value of `kind`: the view itself for a struct or an array."""
    return kind.load(memory, offset) if kind.is_own_pointer else Pointer(kind, memory, offset)


def pointed_kind(place: Place) -> Kind | None:
    """The kind that a pointer points to; None when it cannot be told."""
    kind = getattr(place, "kind_", None)
    return kind if kind is not None else getattr(place, "to_", None)


_kinds: dict[Any, PointerKind] = {}
_optional_kinds: dict[Kind, PointerKind] = {}


def _optional(to: Kind) -> PointerKind:
    if to not in _optional_kinds:
        _optional_kinds[to] = PointerKind(to, optional=True)
    return _optional_kinds[to]


class _PointerForm:
    """`ptr`: subscripted by a type."""

    def __getitem__(self, to: Any) -> PointerKind:
        found = _kinds.get(to)
        if found is None:
            kind = kind_of(to)
            found = _kinds.setdefault(kind, PointerKind(kind))
            _kinds[to] = found
        return found


ptr = _PointerForm()
ptr8, ptr16, ptr32, ptr64 = ptr[u8], ptr[u16], ptr[u32], ptr[u64]
