"""What the host run knows about a type: size, alignment, and how its values lie in memory.

Owns: the `Kind` of numbers, enums and functions, and `kind_of`, which finds the kind of any annotation. The kinds of
pointers, spans, arrays, structs and atomics stand beside their values.
"""

from __future__ import annotations

import collections.abc
import enum
import struct
import types
import typing
from collections.abc import Callable
from typing import Any, NoReturn

from compiler.prelude import host_memory
from compiler.prelude.host_memory import Memory
from compiler.prelude.integer_base import Integer, literal
from compiler.prelude.integers import i8, i16, i32, i64, i128, u8, u16, u32, u64, u128
from compiler.prelude.traps import HostMemoryError, LanguageError, Trap


class Kind:
    """A type of the language. `size` and `align` are in bytes."""

    name = ""
    size = 0
    align = 1
    is_own_pointer = False
    """Whether what `load` gives is also the pointer to the place."""

    def load(self, memory: Memory, offset: int) -> Any:
        """The value at a place; for a struct, an array or an atomic, the place itself."""
        raise LanguageError(f"{self} does not live in memory")

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        raise LanguageError(f"{self} does not live in memory")

    def adapt(self, value: Any) -> Any:
        """`value` where this type is wanted: literals take the type, all else must have it. Errors: LanguageError."""
        return value

    def zero(self) -> Any:
        return self.load(Memory(bytearray(self.size), max(self.align, 1)), 0)

    def __repr__(self) -> str:
        return self.name

    def __or__(self, other: object) -> Kind:
        raise LanguageError(f"only a pointer can be None, not {self}")


def adapted(kind: Kind, value: Any) -> Any:
    """`Kind.adapt`, for where an initial value may stand as well: zeroed(), placed(...), array(...)."""
    make = getattr(type(value), "make_", None)
    return kind.adapt(value) if make is None else make(value, kind)


class IntegerKind(Kind):
    def __init__(self, box: Any) -> None:
        self.box = box
        self.name = box.__name__
        self.size = self.align = box.sizeof_
        # Plain functions in place of methods: they run for every field of a host run.
        vars(self).update(zip(("load", "store"), _accessors(box), strict=True))

    def adapt(self, value: Any) -> Any:
        return value if type(value) is self.box else self.box(literal(value, self.box))


def _accessors(box: Any) -> tuple[Callable[[Memory, int], Any], Callable[[Memory, int, Any], None]]:
    """Load and store of one width."""
    new = object.__new__
    if box.bits > 64:
        return _wide_accessors(box)
    form = struct.Struct("<" + ("bhiq" if box.signed else "BHIQ")[box.bits.bit_length() - 4])
    unpack, pack = form.unpack_from, form.pack_into

    def load(memory: Memory, offset: int) -> Any:
        if offset < 0:
            raise _outside(memory, offset, box.sizeof_)
        result: Any = new(box)
        try:
            (result._v,) = unpack(memory.data, offset)
        except struct.error:
            raise _outside(memory, offset, box.sizeof_) from None
        return result

    def store(memory: Memory, offset: int, value: Any) -> None:
        if offset < 0:
            raise _outside(memory, offset, box.sizeof_)
        number = value._v if type(value) is box else literal(value, box)
        try:
            pack(memory.data, offset, number)
        except struct.error:
            raise _outside(memory, offset, box.sizeof_) from None

    return load, store


def _wide_accessors(box: Any) -> tuple[Callable[[Memory, int], Any], Callable[[Memory, int, Any], None]]:
    def load(memory: Memory, offset: int) -> Any:
        return box(int.from_bytes(host_memory.read(memory, offset, box.sizeof_), "little"))

    def store(memory: Memory, offset: int, value: Any) -> None:
        number = value._v if type(value) is box else literal(value, box)
        host_memory.write(memory, offset, (number & box.mask).to_bytes(box.sizeof_, "little"))

    return load, store


def _outside(memory: Memory, offset: int, size: int) -> HostMemoryError:
    return HostMemoryError(f"{size} bytes at offset {offset} of a region of {len(memory.data)}")


class BoolKind(Kind):
    name = "bool"
    size = align = 1

    def load(self, memory: Memory, offset: int) -> bool:
        return host_memory.read(memory, offset, 1) != b"\0"

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        host_memory.write(memory, offset, b"\1" if self.adapt(value) else b"\0")

    def adapt(self, value: Any) -> bool:
        if value is True or value is False:
            return value
        raise LanguageError(f"a bool is True or False, not {type(value).__name__}: write x != 0")


def trap_other_values(names: dict[str, Any]) -> None:
    """Makes `Kind(n)` of the enums of a module trap where n is no member, as compiled code does."""
    for members in list(names.values()):
        if isinstance(members, type) and issubclass(members, enum.IntEnum) and members.__module__ == names["__name__"]:
            members._missing_ = classmethod(_no_member)  # type: ignore[method-assign, assignment]


def _no_member(members: type, value: object) -> NoReturn:
    raise Trap("member", f"{value} is no member of {members.__name__}")


class EnumKind(Kind):
    """An IntEnum or IntFlag: stored in the smallest unsigned width that holds its members."""

    def __init__(self, members: Any) -> None:
        self.members = members
        self.name = members.__name__
        largest = max([0, *(int(member) for member in members)])
        self.storage: Any = next(k for k in map(kind_of, (u8, u16, u32, u64)) if largest >> (8 * k.size) == 0)
        self.size = self.align = self.storage.size

    def load(self, memory: Memory, offset: int) -> Any:
        return self.of_number(self.storage.load(memory, offset)._v)

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        self.storage.store(memory, offset, int(value))

    def adapt(self, value: Any) -> Any:
        if isinstance(value, self.members):
            return value
        if type(value) is int:
            return self.of_number(literal(value, self.storage.box))
        raise LanguageError(f"{self} and {type(value).__name__} do not mix: write {self}.NAME")

    def of_number(self, number: int) -> Any:
        """The member, or the bare number where no member has it: compiled code does not check what it reads either."""
        try:
            return self.members(number)
        except (ValueError, Trap):
            return int.__new__(self.members, number)


class FunctionKind(Kind):
    """A pointer to a function."""

    name = "Callable"
    size = align = 8

    def load(self, memory: Memory, offset: int) -> Any:
        return host_memory.function_at(WORD.load(memory, offset)._v)

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        WORD.store(memory, offset, host_memory.address_of_function(self.adapt(value)))

    def adapt(self, value: Any) -> Any:
        if not callable(value):
            raise LanguageError(f"a function is wanted, not {type(value).__name__}")
        return value


class TupleKind(Kind):
    """Several results. Tuples do not live in memory of the host run."""

    def __init__(self, items: tuple[Kind, ...]) -> None:
        self.items = items
        self.name = f"tuple[{', '.join(item.name for item in items)}]"

    def adapt(self, value: Any) -> Any:
        if not isinstance(value, tuple) or len(value) != len(self.items):
            raise LanguageError(f"{self} is wanted, not {value!r}")
        return tuple([kind.adapt(item) for kind, item in zip(self.items, value, strict=True)])


class OpenKind(Kind):
    """A type that the host run does not look into: a type variable, None, a Protocol."""

    def __init__(self, name: str) -> None:
        self.name = name


BOXES = (u8, u16, u32, u64, u128, i8, i16, i32, i64, i128)
_known: dict[Any, Kind] = {box: IntegerKind(box) for box in BOXES}
_known[int] = _known[i64]
_known[bool] = BoolKind()
_known[None] = _known[types.NoneType] = OpenKind("None")
WORD = _known[u64]
FUNCTION = FunctionKind()


def register(annotation: Any, kind: Kind) -> None:
    _known[annotation] = kind


def kind_of(annotation: Any) -> Kind:
    """The kind of a type as it stands in an annotation. Errors: LanguageError when it is not a type."""
    if isinstance(annotation, Kind):
        return annotation
    try:
        known = _known.get(annotation)
    except TypeError:
        known = None
    if known is not None:
        return known
    made = _make(annotation)
    register(annotation, made)
    return made


def _make(annotation: Any) -> Kind:
    origin = typing.get_origin(annotation)
    if annotation is collections.abc.Callable or origin is collections.abc.Callable:
        return FUNCTION
    if origin is tuple:
        return TupleKind(tuple(kind_of(item) for item in typing.get_args(annotation)))
    if origin is typing.Final:
        return kind_of(typing.get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, enum.IntEnum | enum.IntFlag):
        return EnumKind(annotation)
    if isinstance(annotation, typing.TypeVar) or annotation in (typing.NoReturn, typing.Any, typing.Self):
        return OpenKind(str(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Integer):
        raise LanguageError(f"{annotation.__name__} has no width")
    raise LanguageError(f"{annotation!r} is not a type of the language")
