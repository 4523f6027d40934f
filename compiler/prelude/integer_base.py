"""What the integers of all widths share, and how values come to them from outside.

Requires of an operand that is not of the class itself: a plain Python integer, which stands for a literal.
"""

from __future__ import annotations

from typing import Any

from compiler.prelude.traps import LanguageError


class Integer:
    """Base of the boxes; the class attributes describe the width. `sizeof_` and `alignof_` are in bytes."""

    __slots__ = ("_v",)
    _v: int
    bits = 0
    signed = False
    minimum = 0
    maximum = 0
    mask = 0
    sizeof_ = 0
    alignof_ = 0

    def __bool__(self) -> bool:
        raise LanguageError(f"a condition is a bool, not {type(self).__name__}: write x != 0")

    def __index__(self) -> int:
        return self._v

    def __int__(self) -> int:
        return self._v

    def __hash__(self) -> int:
        return hash(self._v)

    def __pos__(self) -> Integer:
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._v})"

    def __str__(self) -> str:
        return str(self._v)

    def __format__(self, form: str) -> str:
        return format(self._v, form)

    def __truediv__(self, other: object) -> Integer:
        raise LanguageError("integers have no /: write // for the floor of the quotient")

    __rtruediv__ = __truediv__

    def __copy__(self) -> Integer:
        return self

    def __deepcopy__(self, memo: object) -> Integer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._v,)


class InvertedLiteral(int):
    """`~` of a literal: beside an unsigned width it is a mask of that width."""


def literal(value: Any, kind: type[Integer]) -> int:
    """The value of an operand that is not of class `kind`: a literal that fits. Errors: LanguageError."""
    if type(value) is not int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise LanguageError(f"{kind.__name__} and {type(value).__name__} do not mix: convert one of them")
        inverted = isinstance(value, InvertedLiteral) and not kind.signed and value >= -kind.maximum - 1
        value = value & kind.mask if inverted else int(value)
    if not kind.minimum <= value <= kind.maximum:
        raise LanguageError(f"literal {value} does not fit {kind.__name__}")
    return int(value)


def number_of(value: Any) -> int:
    """What an explicit conversion starts from: an integer, a bool, or the address of a place or a function."""
    if isinstance(value, (int, Integer)):
        return int(value)
    if value is None:
        return 0
    if hasattr(value, "to_integer_"):
        return int(value.to_integer_())
    if callable(value):
        from compiler.prelude.host_memory import address_of_function

        return address_of_function(value)
    raise LanguageError(f"{type(value).__name__} has no conversion to an integer")
