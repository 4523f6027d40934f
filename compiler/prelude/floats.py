"""Floating point: `f64` is Python's float in a box, `f32` the same rounded to single precision after each operation."""

from __future__ import annotations

import struct
from typing import Any

from compiler.prelude.host_memory import Memory, read, write
from compiler.prelude.integer_base import Integer
from compiler.prelude.kinds import Kind, register
from compiler.prelude.traps import LanguageError


class Float:
    __slots__ = ("_v",)
    _v: float
    form = struct.Struct("<d")

    def __init__(self, value: Any = 0.0) -> None:
        if isinstance(value, Integer):
            self._v = self._of_integer(int(value))
        else:
            self._v = self._rounded(float(value._v if isinstance(value, Float) else value))

    def _of_integer(self, value: int) -> float:
        return float(value)

    def _rounded(self, value: float) -> float:
        return value

    def _operand(self, other: Any) -> float:
        if type(other) is type(self):
            return float(other._v)
        if isinstance(other, float | int) and not isinstance(other, bool):
            return self._rounded(float(other))
        raise LanguageError(f"{type(self).__name__} and {type(other).__name__} do not mix: convert one of them")

    def __add__(self, other: Any) -> Any:
        return type(self)(self._v + self._operand(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return type(self)(self._v - self._operand(other))

    def __rsub__(self, other: Any) -> Any:
        return type(self)(self._operand(other) - self._v)

    def __mul__(self, other: Any) -> Any:
        return type(self)(self._v * self._operand(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return type(self)(_quotient(self._v, self._operand(other)))

    def __rtruediv__(self, other: Any) -> Any:
        return type(self)(_quotient(self._operand(other), self._v))

    def __neg__(self) -> Any:
        return type(self)(-self._v)

    def __abs__(self) -> Any:
        return type(self)(abs(self._v))

    def __eq__(self, other: Any) -> bool:
        return self._v == self._operand(other)

    def __lt__(self, other: Any) -> bool:
        return self._v < self._operand(other)

    def __le__(self, other: Any) -> bool:
        return self._v <= self._operand(other)

    def __gt__(self, other: Any) -> bool:
        return self._v > self._operand(other)

    def __ge__(self, other: Any) -> bool:
        return self._v >= self._operand(other)

    def __hash__(self) -> int:
        return hash(self._v)

    def __float__(self) -> float:
        return self._v

    def cut_to_(self, low: int, high: int) -> int:
        """Cut off towards 0; what does not fit becomes the nearest that does, and no number 0."""
        if self._v != self._v:
            return 0
        return max(low, min(high, int(self._v) if abs(self._v) < float("inf") else (high if self._v > 0 else low)))

    def __bool__(self) -> bool:
        raise LanguageError("a condition is a bool: write x != 0.0")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._v})"


def _quotient(a: float, b: float) -> float:
    """IEEE division: by zero it is infinite, and 0 / 0 is no number."""
    if b != 0.0:
        return a / b
    return float("nan") if a == 0.0 or a != a else float("inf") * a * (1.0 if str(b)[0] != "-" else -1.0)


class f64(Float):
    __slots__ = ()


class f32(Float):
    __slots__ = ()
    form = struct.Struct("<f")

    def _rounded(self, value: float) -> float:
        try:
            return float(self.form.unpack(self.form.pack(value))[0])
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")

    def _of_integer(self, value: int) -> float:
        """Rounded once, to the nearest, halves to even: by way of a double it might be rounded twice."""
        beyond = max(0, abs(value).bit_length() - 24)
        whole, rest = divmod(abs(value), 1 << beyond)
        half = (1 << beyond) >> 1
        whole += beyond > 0 and (rest > half or (rest == half and whole & 1 == 1))
        return float(whole << beyond) * (1.0 if value >= 0 else -1.0)


class FloatKind(Kind):
    def __init__(self, box: Any) -> None:
        self.box, self.name = box, box.__name__
        self.size = self.align = box.form.size

    def load(self, memory: Memory, offset: int) -> Any:
        return self.box(*self.box.form.unpack(read(memory, offset, self.size)))

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        write(memory, offset, self.box.form.pack(self.adapt(value)._v))

    def adapt(self, value: Any) -> Any:
        return self.box(self.box()._operand(value))


register(f32, FloatKind(f32))
register(f64, FloatKind(f64))
register(float, FloatKind(f64))
