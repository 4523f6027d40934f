"""The operations on integers that are functions: those that wrap, those that tell of overflow, and those on bits.

Two operands have one width, or one of them is a literal; two literals are `int`.
"""

from __future__ import annotations

import functools
import struct
from typing import Any

from compiler.prelude.integer_base import Integer, literal
from compiler.prelude.integers import i64, u64
from compiler.prelude.traps import LanguageError


def _pair(a: Any, b: Any) -> tuple[Any, int, int]:
    """The class of two operands and their numbers."""
    box: Any = type(a) if isinstance(a, Integer) else type(b) if isinstance(b, Integer) else i64
    return box, a._v if type(a) is box else literal(a, box), b._v if type(b) is box else literal(b, box)


def _one(value: Any) -> Any:
    return value if isinstance(value, Integer) else i64(literal(value, i64))


def wrap_add(a: Any, b: Any) -> Any:
    box, x, y = _pair(a, b)
    return box(x + y)


def wrap_sub(a: Any, b: Any) -> Any:
    box, x, y = _pair(a, b)
    return box(x - y)


def wrap_mul(a: Any, b: Any) -> Any:
    box, x, y = _pair(a, b)
    return box(x * y)


def wrap_neg(a: Any) -> Any:
    a = _one(a)
    return type(a)(-a._v)


def _told(box: Any, exact: int) -> tuple[Any, bool]:
    return box(exact), not box.minimum <= exact <= box.maximum


def overflow_add(a: Any, b: Any) -> tuple[Any, bool]:
    """The wrapped sum, and whether it wrapped."""
    box, x, y = _pair(a, b)
    return _told(box, x + y)


def overflow_sub(a: Any, b: Any) -> tuple[Any, bool]:
    box, x, y = _pair(a, b)
    return _told(box, x - y)


def overflow_mul(a: Any, b: Any) -> tuple[Any, bool]:
    box, x, y = _pair(a, b)
    return _told(box, x * y)


def count_zeros_left(value: Any) -> Any:
    """Zero bits above the highest one; the width for 0."""
    value = _one(value)
    return type(value)(value.bits - (value._v & value.mask).bit_length())


def count_zeros_right(value: Any) -> Any:
    """Zero bits below the lowest one; the width for 0."""
    value = _one(value)
    number = value._v & value.mask
    return type(value)((number & -number).bit_length() - 1 if number else value.bits)


def count_ones(value: Any) -> Any:
    value = _one(value)
    return type(value)((value._v & value.mask).bit_count())


def float_bits(value: float) -> Any:
    """The representation of an f64 (IEEE 754)."""
    return u64(int.from_bytes(struct.pack("<d", float(value)), "little"))


def byte_swap(value: Any) -> Any:
    value = _one(value)
    if value.bits == 8:
        raise LanguageError("a single byte cannot be swapped")
    return type(value)(int.from_bytes((value._v & value.mask).to_bytes(value.sizeof_, "little"), "big"))


def rotate_left(value: Any, count: Any) -> Any:
    """Rotated by `count` modulo the width."""
    box, number, n = _pair(_one(value), count)
    n, number = n % box.bits, number & box.mask
    return box(number << n | number >> (box.bits - n))


def rotate_right(value: Any, count: Any) -> Any:
    box, number, n = _pair(_one(value), count)
    n, number = n % box.bits, number & box.mask
    return box(number >> n | number << (box.bits - n))


def minimum(*values: Any) -> Any:
    """`min` of values of one width, taken in pairs from the left."""
    return functools.reduce(lambda a, b: _chosen(a, b, min), values)


def maximum(*values: Any) -> Any:
    """`max` of values of one width, taken in pairs from the left."""
    return functools.reduce(lambda a, b: _chosen(a, b, max), values)


def _chosen(a: Any, b: Any, choose: Any) -> Any:
    if not isinstance(a, Integer) and not isinstance(b, Integer):
        chosen = choose(a, b)
        return chosen if type(a) is type(b) else type(a if isinstance(b, float) else b)(chosen)
    box, x, y = _pair(a, b)
    return box(choose(x, y))


def magnitude(a: Any) -> Any:
    """`abs` of a signed integer; that of the lowest one overflows."""
    if not isinstance(a, Integer | int):
        return abs(a)
    a = _one(a)
    if not a.signed:
        raise LanguageError(f"abs needs a signed integer, not {type(a).__name__}")
    return abs(a)
