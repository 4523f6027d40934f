"""Addresses of places, copies, and memory by address.

`addr(x.field)` and `addr(a[i])` of a number need the place, which CPython does not pass: the import hook rewrites them
to `field_address` and `element_address`.
"""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any

from compiler.prelude import host_memory
from compiler.prelude.arrays import Array, Elements, Span, array
from compiler.prelude.atomics import Atomic, atomic
from compiler.prelude.host_memory import Memory
from compiler.prelude.integer_base import Integer, literal
from compiler.prelude.integers import u8, u16, u32, u64
from compiler.prelude.kinds import kind_of
from compiler.prelude.pointers import Place, Pointer, pointer_to
from compiler.prelude.structs import BitsKind, StructKind, View
from compiler.prelude.traps import HostMemoryError, LanguageError


def addr(place: Any) -> Any:
    """The pointer to a struct, an array, an atomic or a function. Errors: LanguageError for a value without a place."""
    if isinstance(place, View | Array | FunctionType):
        return place
    if isinstance(place, Atomic):
        return Pointer(atomic[place.of_], place.memory_, place.offset_)
    raise LanguageError(f"{place!r} has no address here: addr of a variable needs compiler.host_import")


def element_address(base: Any, index: Any) -> Any:
    """`addr(base[index])`."""
    if isinstance(base, Pointer | View | Elements):
        return base.at_(index.__index__())
    raise LanguageError(f"{type(base).__name__} has no elements with an address")


def field_address(base: Any, name: str) -> Any:
    """`addr(base.name)`: a field of a struct, or data of a module."""
    if isinstance(base, ModuleType):
        return variable_address(vars(base), name)
    if isinstance(base, Pointer):
        base = base[0]
    kind = getattr(type(base), "kind_", None)
    if not isinstance(kind, StructKind) or name not in kind.fields:
        raise LanguageError(f"{type(base).__name__} has no field {name}")
    found = kind.fields[name]
    if isinstance(found.kind, BitsKind):
        raise LanguageError("a bit-field has no address")
    return pointer_to(found.kind, base.memory_, base.offset_ + found.offset)


class Variable(Place):
    """A pointer to a scalar variable of a module, which lives in the module's names and not in a region."""

    __slots__ = ("name_", "names_", "to_")

    def __init__(self, names: dict[str, Any], name: str) -> None:
        self.names_, self.name_ = names, name
        self.memory_, self.offset_ = _variable_region(names, name), 0
        self.to_ = kind_of(type(names[name])) if isinstance(names[name], Integer | bool) else None

    def __getitem__(self, index: Any) -> Any:
        self._only(index)
        return self.names_[self.name_]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._only(index)
        old = self.names_[self.name_]
        self.names_[self.name_] = kind_of(type(old)).adapt(value) if isinstance(old, Integer | bool) else value

    def _only(self, index: Any) -> None:
        if index.__index__() != 0:
            raise HostMemoryError(f"index {index} of a pointer to the single variable {self.name_}")


_variables: dict[tuple[int, str], Memory] = {}


def _variable_region(names: dict[str, Any], name: str) -> Memory:
    return _variables.setdefault((id(names), name), Memory(bytearray()))


def variable_address(names: dict[str, Any], name: str) -> Any:
    """`addr(name)` of module data."""
    value = names[name]
    if isinstance(value, View | Array | Atomic | FunctionType):
        return addr(value)
    return Variable(names, name)


def address(place: Any) -> Any:
    return u64(addr(place))


def copy(value: Any) -> Any:
    """A struct or an array with the same contents, in memory of its own."""
    if isinstance(value, Array):
        return array[value.of_, value.count_].load(Memory(bytearray(value.bytes_())), 0)
    if not isinstance(value, View):
        raise LanguageError(f"copy is for structs and arrays; {type(value).__name__} is copied by assignment")
    kind = value.kind_
    return kind.load(
        Memory(bytearray(host_memory.read(value.memory_, value.offset_, kind.size)), max(kind.align, 16)), 0
    )


def _plain(pointer: Any) -> Place:
    if isinstance(pointer, Place) and not isinstance(pointer, Variable | Span):
        return pointer
    raise LanguageError(f"a pointer to memory is wanted, not {pointer!r}")


def memory_copy(destination: Any, source: Any, size: Any) -> None:
    """Copies `size` bytes; the two may overlap."""
    target, origin = _plain(destination), _plain(source)
    host_memory.write(
        target.memory_, target.offset_, host_memory.read(origin.memory_, origin.offset_, size.__index__())
    )


def memory_fill(destination: Any, byte: Any, size: Any) -> None:
    target = _plain(destination)
    number = byte._v if type(byte) is u8 else literal(byte, u8)
    host_memory.write(target.memory_, target.offset_, bytes([number]) * size.__index__())


def unchecked(elements: Any, index: Any) -> Any:
    """The element without a trap; a host run still refuses what lies outside the region."""
    return elements.of_.load(elements.memory_, elements.offset_ + index.__index__() * elements.of_.size)


class _Words:
    """`mem8[a]` to `mem64[a]`."""

    def __init__(self, box: Any) -> None:
        self.kind = kind_of(box)

    def __getitem__(self, place: Any) -> Any:
        return self.kind.load(*_known(place))

    def __setitem__(self, place: Any, value: Any) -> None:
        self.kind.store(*_known(place), value)


def _known(place: Any) -> tuple[Memory, int]:
    number = place._v if type(place) is u64 else literal(place, u64)
    memory, offset = host_memory.find(number)
    if memory is host_memory.NOWHERE:
        raise HostMemoryError(f"the host run has no memory at {number:#x}")
    return memory, offset


mem8, mem16, mem32, mem64 = (_Words(box) for box in (u8, u16, u32, u64))


def frame_address() -> Any:
    raise LanguageError("a host run has no stack frames with addresses")


return_address = frame_address


def percpu_address(place: Any) -> Any:
    raise LanguageError("a host run has no per-CPU block")


def spin_hint() -> None:
    """Waiting alone in a host run would be waiting for ever; the hint does nothing."""
