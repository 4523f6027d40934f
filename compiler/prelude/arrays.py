"""Arrays and spans: `array[T, N]` in place, `span[T]` as a pointer with a length. Every index is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compiler.prelude import host_memory
from compiler.prelude.host_memory import NOWHERE, Memory
from compiler.prelude.integers import u8
from compiler.prelude.kinds import WORD, Kind, OpenKind, kind_of, register
from compiler.prelude.pointers import Place, pointed_kind, pointer_to
from compiler.prelude.traps import LanguageError, Trap


class Elements(Place):
    """A checked row of values: `of_` is their kind, `count_` their number."""

    __slots__ = ("count_", "of_")
    of_: Kind
    count_: int

    def __init__(self, of: Kind, count: int, memory: Memory, offset: int) -> None:
        self.of_, self.count_, self.memory_, self.offset_ = of, count, memory, offset

    def __getitem__(self, index: Any) -> Any:
        if type(index) is slice:
            return self._part(index)
        i = index.__index__()
        if not 0 <= i < self.count_:
            raise Trap("bounds", f"index {i} of {self.count_}")
        return self.of_.load(self.memory_, self.offset_ + i * self.of_.size)

    def __setitem__(self, index: Any, value: Any) -> None:
        i = index.__index__()
        if not 0 <= i < self.count_:
            raise Trap("bounds", f"index {i} of {self.count_}")
        self.of_.store(self.memory_, self.offset_ + i * self.of_.size, value)

    def _part(self, part: slice) -> Span:
        if part.step is not None:
            raise LanguageError("a slice has no step")
        start = 0 if part.start is None else part.start.__index__()
        stop = self.count_ if part.stop is None else part.stop.__index__()
        if not 0 <= start <= stop <= self.count_:
            raise Trap("bounds", f"slice {start}:{stop} of {self.count_}")
        return Span(self.of_, stop - start, self.memory_, self.offset_ + start * self.of_.size)

    def at_(self, index: int) -> Any:
        if not 0 <= index < self.count_:
            raise Trap("bounds", f"index {index} of {self.count_}")
        return pointer_to(self.of_, self.memory_, self.offset_ + index * self.of_.size)

    def __len__(self) -> int:
        return self.count_

    def __bool__(self) -> bool:
        raise LanguageError("a condition is a bool: write len(x) != 0")

    def __iter__(self) -> Iterator[Any]:
        load, memory, size = self.of_.load, self.memory_, self.of_.size
        for i in range(self.count_):
            yield load(memory, self.offset_ + i * size)

    def bytes_(self) -> bytes:
        """The memory of the elements, for tests and for texts."""
        return host_memory.read(self.memory_, self.offset_, self.count_ * self.of_.size)


class Array(Elements):
    """The place of an `array[T, N]`, and the pointer to it."""

    __slots__ = ()

    @property
    def kind_(self) -> Kind:
        return array[self.of_, self.count_]

    def __repr__(self) -> str:
        return f"array[{self.of_}, {self.count_}]({', '.join(map(str, self))})"


class Span(Elements):
    """A `span[T]`: a value, which copies like a pointer."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise LanguageError("spans are not compared: compare their elements")

    __hash__ = Place.__hash__

    def __repr__(self) -> str:
        return f"span[{self.of_}]({', '.join(map(str, self))})"


class Initial:
    """`array(...)`: elements that wait for the type they are assigned to."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def make_(self, kind: Kind) -> Any:
        if not isinstance(kind, ArrayKind):
            raise LanguageError(f"array(...) makes an array, and {kind} is wanted")
        return kind.filled(self.values)


class ArrayKind(Kind):
    is_own_pointer = True

    def __init__(self, of: Kind, count: int) -> None:
        self.of, self.count = of, count
        self.size, self.align = of.size * count, of.align
        self.name = f"array[{of}, {count}]"

    def load(self, memory: Memory, offset: int) -> Array:
        return Array(self.of, self.count, memory, offset)

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        value = self.adapt(value)
        host_memory.write(memory, offset, value.bytes_())

    def adapt(self, value: Any) -> Any:
        if not isinstance(value, Array) or value.of_ is not self.of or value.count_ != self.count:
            raise LanguageError(f"{self} is wanted, not {value!r}")
        return value

    def filled(self, values: list[Any]) -> Array:
        if len(values) != self.count:
            raise LanguageError(f"{self} has {self.count} elements, not {len(values)}")
        made: Array = self.zero()
        for index, value in enumerate(values):
            made[index] = value
        return made

    def __call__(self, *values: Any) -> Array:
        """For tests: a new array of these elements, or of zeros."""
        return self.filled(list(values)) if values else self.zero()


class SpanKind(Kind):
    size, align = 16, 8

    def __init__(self, of: Kind) -> None:
        self.of = of
        self.name = f"span[{of}]"

    def load(self, memory: Memory, offset: int) -> Span:
        number, count = WORD.load(memory, offset)._v, WORD.load(memory, offset + 8)._v
        return Span(self.of, count, *(host_memory.find(number) if number else (NOWHERE, 0)))

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        value = self.adapt(value)
        WORD.store(memory, offset, value.to_integer_())
        WORD.store(memory, offset + 8, value.count_)

    def adapt(self, value: Any) -> Any:
        if type(value) is bytes and self is BYTES:
            return span_of_bytes(value)
        if not isinstance(value, Span) or (value.of_ is not self.of and not isinstance(self.of, OpenKind)):
            raise LanguageError(f"{self} is wanted, not {value!r}")
        return value


class StrKind(Kind):
    """Text. In memory: the address and the number of its UTF-8 bytes."""

    name = "str"
    size, align = 16, 8

    def load(self, memory: Memory, offset: int) -> str:
        return BYTES.load(memory, offset).bytes_().decode()

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        BYTES.store(memory, offset, self.adapt(value).encode())

    def adapt(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise LanguageError(f"str is wanted, not {type(value).__name__}")
        return value


_literals: dict[bytes, Span] = {}


def span_of_bytes(literal: bytes) -> Span:
    """The span of a `b"..."`; equal literals share their memory."""
    if literal not in _literals:
        _literals[literal] = Span(BYTES.of, len(literal), Memory(bytearray(literal)), 0)
    return _literals[literal]


class _ArrayForm:
    """`array[T, N]` as a type, `array(values)` as an initial value."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[Any, int], ArrayKind] = {}

    def __getitem__(self, form: tuple[Any, Any]) -> ArrayKind:
        of, count = form
        key = kind_of(of), count.__index__()
        if key not in self.kinds:
            self.kinds[key] = ArrayKind(*key)
        return self.kinds[key]

    def __call__(self, *values: Any) -> Initial:
        if len(values) == 1 and hasattr(values[0], "__iter__"):
            return Initial(list(values[0]))
        return Initial(list(values))


class _SpanForm:
    """`span[T]` as a type, `span(pointer, length)` as a value."""

    def __init__(self) -> None:
        self.kinds: dict[Kind, SpanKind] = {}

    def __getitem__(self, of: Any) -> SpanKind:
        kind = kind_of(of)
        if kind not in self.kinds:
            self.kinds[kind] = SpanKind(kind)
        return self.kinds[kind]

    def __call__(self, pointer: Any, length: Any) -> Span:
        kind = pointed_kind(pointer) if isinstance(pointer, Place) else None
        if kind is None:
            raise LanguageError(f"span takes a pointer and a length, not {pointer!r}")
        return Span(kind, length.__index__(), pointer.memory_, pointer.offset_)


array = _ArrayForm()
span = _SpanForm()
BYTES = span[u8]
register(bytes, BYTES)
register(str, StrKind())
