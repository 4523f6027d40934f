"""The fixed-width integers: slotted boxes around Python's own.

Owns: one class for each width. A box holds its value in `_v`, always within the range of its class.
Invariants: both operands of an operator have one class, or one of them is a plain Python integer, which stands for a
literal and must fit. A result out of range goes through `profile.overflowed`, which traps or wraps.
Not here: the operations that are functions (arithmetic.py).
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from compiler.prelude import profile
from compiler.prelude.integer_base import Integer, literal, number_of
from compiler.prelude.traps import LanguageError, Trap

_new: Any = object.__new__


def _make(class_name: str, width: int, is_signed: bool) -> Any:
    low = -(1 << (width - 1)) if is_signed else 0
    high = (1 << (width - is_signed)) - 1
    all_ones = (1 << width) - 1

    class Box(Integer):
        __slots__ = ()
        bits, signed, minimum, maximum, mask = width, is_signed, low, high, all_ones
        sizeof_ = alignof_ = width // 8
        __hash__ = Integer.__hash__

        def __new__(cls, value: Any = 0) -> Any:
            if hasattr(value, "cut_to_"):
                return box(value.cut_to_(low, high))
            v = (value._v if isinstance(value, Integer) else number_of(value)) & all_ones
            r = _new(Box)
            r._v = v if v <= high else v - all_ones - 1
            return r

        def __add__(self, other: Any) -> Any:
            v = self._v + (other._v if type(other) is Box else literal(other, Box))
            r = _new(Box)
            r._v = v if low <= v <= high else overflow(v, "+")
            return r

        __radd__ = __add__

        def __sub__(self, other: Any) -> Any:
            v = self._v - (other._v if type(other) is Box else literal(other, Box))
            r = _new(Box)
            r._v = v if low <= v <= high else overflow(v, "-")
            return r

        def __rsub__(self, other: Any) -> Any:
            v = literal(other, Box) - self._v
            r = _new(Box)
            r._v = v if low <= v <= high else overflow(v, "-")
            return r

        def __mul__(self, other: Any) -> Any:
            v = self._v * (other._v if type(other) is Box else literal(other, Box))
            r = _new(Box)
            r._v = v if low <= v <= high else overflow(v, "*")
            return r

        __rmul__ = __mul__

        def __floordiv__(self, other: Any) -> Any:
            return quotient(self._v, other._v if type(other) is Box else literal(other, Box))

        def __rfloordiv__(self, other: Any) -> Any:
            return quotient(literal(other, Box), self._v)

        def __mod__(self, other: Any) -> Any:
            return remainder(self._v, other._v if type(other) is Box else literal(other, Box))

        def __rmod__(self, other: Any) -> Any:
            return remainder(literal(other, Box), self._v)

        def __and__(self, other: Any) -> Any:
            r = _new(Box)
            r._v = self._v & (other._v if type(other) is Box else literal(other, Box))
            return r

        __rand__ = __and__

        def __or__(self, other: Any) -> Any:
            r = _new(Box)
            r._v = self._v | (other._v if type(other) is Box else literal(other, Box))
            return r

        __ror__ = __or__

        def __xor__(self, other: Any) -> Any:
            r = _new(Box)
            r._v = self._v ^ (other._v if type(other) is Box else literal(other, Box))
            return r

        __rxor__ = __xor__

        def __lshift__(self, other: Any) -> Any:
            n = other._v if type(other) is Box else literal(other, Box)
            v = (self._v << n) & all_ones if 0 <= n < width else 0
            r = _new(Box)
            r._v = v if v <= high else v - all_ones - 1
            return r

        def __rlshift__(self, other: Any) -> Any:
            return shifted_left(literal(other, Box), self._v)

        def __rshift__(self, other: Any) -> Any:
            n = other._v if type(other) is Box else literal(other, Box)
            r = _new(Box)
            r._v = self._v >> n if 0 <= n < width else (-1 if self._v < 0 else 0)
            return r

        def __rrshift__(self, other: Any) -> Any:
            return shifted_right(literal(other, Box), self._v)

        def __neg__(self) -> Any:
            if not is_signed:
                raise LanguageError(f"{class_name} has no negative values: write wrap_neg(x), or i64(x) first")
            v = -self._v
            r = _new(Box)
            r._v = v if low <= v <= high else overflow(v, "-")
            return r

        def __invert__(self) -> Any:
            r = _new(Box)
            r._v = ~self._v if is_signed else self._v ^ all_ones
            return r

        def __abs__(self) -> Any:
            return -self if self._v < 0 else self

        def __eq__(self, other: Any) -> Any:
            if type(other) is Box:
                return self._v == other._v
            return self._v == literal(other, Box) if isinstance(other, (int, Integer)) else NotImplemented

        def __ne__(self, other: Any) -> Any:
            if type(other) is Box:
                return self._v != other._v
            return self._v != literal(other, Box) if isinstance(other, (int, Integer)) else NotImplemented

        def __lt__(self, other: Any) -> Any:
            return self._v < (other._v if type(other) is Box else literal(other, Box))

        def __le__(self, other: Any) -> Any:
            return self._v <= (other._v if type(other) is Box else literal(other, Box))

        def __gt__(self, other: Any) -> Any:
            return self._v > (other._v if type(other) is Box else literal(other, Box))

        def __ge__(self, other: Any) -> Any:
            return self._v >= (other._v if type(other) is Box else literal(other, Box))

    def box(v: int) -> Any:
        r = _new(Box)
        r._v = v
        return r

    def overflow(v: int, operator: str) -> int:
        return profile.overflowed(v, width, is_signed, operator)

    def quotient(a: int, b: int) -> Any:
        if b == 0:
            raise Trap("division", f"{a} // 0")
        v = a // b
        return box(v if v <= high else overflow(v, "//"))

    def remainder(a: int, b: int) -> Any:
        if b == 0:
            raise Trap("division", f"{a} % 0")
        return box(a % b)

    def shifted_left(a: int, n: int) -> Any:
        v = (a << n) & all_ones if 0 <= n < width else 0
        return box(v if v <= high else v - all_ones - 1)

    def shifted_right(a: int, n: int) -> Any:
        return box(a >> n if 0 <= n < width else (-1 if a < 0 else 0))

    Box.__name__ = Box.__qualname__ = class_name
    for member in vars(Box).values():
        if isinstance(member, FunctionType):
            # CPython specialises code by the classes it meets: code shared between the widths would never settle.
            member.__code__ = member.__code__.replace()
    return Box


u8, u16, u32, u64, u128 = (_make(f"u{width}", width, False) for width in (8, 16, 32, 64, 128))
i8, i16, i32, i64, i128 = (_make(f"i{width}", width, True) for width in (8, 16, 32, 64, 128))
uint = u64
