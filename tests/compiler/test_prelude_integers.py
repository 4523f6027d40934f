"""Integer boxes against Python's unbounded integers, for every width."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler.prelude import arithmetic, profile
from compiler.prelude.integers import i8, i16, i32, i64, i128, u8, u16, u32, u64, u128
from compiler.prelude.kinds import BOXES
from compiler.prelude.traps import LanguageError, Trap

UNSIGNED, SIGNED = (u8, u16, u32, u64, u128), (i8, i16, i32, i64, i128)
few = settings(max_examples=20, deadline=None)  # of each of several hundred cases
each_box = pytest.mark.parametrize("box", BOXES)
ARITHMETIC: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
]
DIVISIONS = (operator.floordiv, operator.mod)
each_arithmetic = pytest.mark.parametrize(
    ("operation", "box"), [(o, b) for o in ARITHMETIC for b in BOXES if b.bits <= 64 or o not in DIVISIONS]
)
BITWISE: list[Callable[[Any, Any], Any]] = [operator.and_, operator.or_, operator.xor]
COMPARISONS: list[Callable[[Any, Any], Any]] = [
    operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip


def numbers(box: Any) -> st.SearchStrategy[int]:
    """Numbers of a width, its ends and their neighbours often."""
    edges = {box.minimum, box.minimum + 1, -1, 0, 1, 2, box.bits - 1, box.bits, box.maximum - 1, box.maximum}
    return st.sampled_from([e for e in edges if fits(box, e)]) | st.integers(box.minimum, box.maximum)


def fits(box: Any, number: int) -> bool:
    return bool(box.minimum <= number <= box.maximum)


def wrapped(box: Any, number: int) -> int:
    number %= 1 << box.bits
    return number - (1 << box.bits) if box.signed and number >> (box.bits - 1) else number


@each_arithmetic
@few
@given(data=st.data())
def test_arithmetic_is_exact_or_traps(box: Any, operation: Callable[[Any, Any], Any], data: st.DataObject) -> None:
    a, b = data.draw(numbers(box)), data.draw(numbers(box))
    if b == 0 and operation in DIVISIONS:
        kind = "division"
    else:
        exact = operation(a, b)
        if fits(box, exact):
            for result in (operation(box(a), box(b)), operation(box(a), b), operation(a, box(b))):
                assert type(result) is box
                assert int(result) == exact
            return
        kind = "overflow"
    with pytest.raises(Trap) as caught:
        operation(box(a), box(b))
    assert caught.value.kind == kind


@each_arithmetic
@few
@given(data=st.data())
def test_arithmetic_wraps_in_release(box: Any, operation: Callable[[Any, Any], Any], data: st.DataObject) -> None:
    a, b = data.draw(numbers(box)), data.draw(numbers(box))
    assume(b != 0 or operation not in DIVISIONS)
    with profile.built_as("release"):
        assert int(operation(box(a), box(b))) == wrapped(box, operation(a, b))


@pytest.mark.parametrize("box", [u128, i128])
@pytest.mark.parametrize("operation", DIVISIONS)
def test_128_bits_divide(box: Any, operation: Callable[[Any, Any], Any]) -> None:
    assert int(operation(box(7 << 100), 3 << 40)) == operation(7 << 100, 3 << 40)


@pytest.mark.parametrize("operation", DIVISIONS)
def test_division_by_zero_traps_in_release(operation: Callable[[Any, Any], Any]) -> None:
    with profile.built_as("release"), pytest.raises(Trap, match="division"):
        operation(u32(1), u32(0))


@each_box
@pytest.mark.parametrize("operation", BITWISE)
@few
@given(data=st.data())
def test_bitwise(box: Any, operation: Callable[[Any, Any], Any], data: st.DataObject) -> None:
    a, b = data.draw(numbers(box)), data.draw(numbers(box))
    for result in (operation(box(a), box(b)), operation(box(a), b), operation(a, box(b))):
        assert type(result) is box
        assert int(result) == operation(a, b)
    assert int(~box(a)) == wrapped(box, ~a)


@each_box
@few
@given(data=st.data())
def test_shifts_lose_what_leaves_the_width(box: Any, data: st.DataObject) -> None:
    a, n = data.draw(numbers(box)), data.draw(st.integers(0, min(2 * box.bits, box.maximum)))
    assert int(box(a) << box(n)) == wrapped(box, a << n)
    assert int(box(a) >> n) == a >> n
    assert int(a << box(n)) == wrapped(box, a << n)


@pytest.mark.parametrize("box", SIGNED)
@few
@given(data=st.data())
def test_a_negative_shift_count_is_a_large_one(box: Any, data: st.DataObject) -> None:
    a, n = data.draw(numbers(box)), data.draw(st.integers(box.minimum, -1))
    assert int(box(a) << box(n)) == 0
    assert int(box(a) >> box(n)) == (-1 if a < 0 else 0)


@each_box
@pytest.mark.parametrize("comparison", COMPARISONS)
@few
@given(data=st.data())
def test_comparison(box: Any, comparison: Callable[[Any, Any], Any], data: st.DataObject) -> None:
    a, b = data.draw(numbers(box)), data.draw(numbers(box))
    assert comparison(box(a), box(b)) is comparison(a, b)
    assert comparison(box(a), b) is comparison(a, b)
    assert comparison(a, box(b)) is comparison(a, b)


@each_box
@pytest.mark.parametrize("source", BOXES)
@few
@given(data=st.data())
def test_conversion_keeps_the_low_bits_and_extends_the_sign(box: Any, source: Any, data: st.DataObject) -> None:
    a = data.draw(numbers(source))
    assert int(box(source(a))) == wrapped(box, a)


@each_box
@few
@given(data=st.data())
def test_negation(box: Any, data: st.DataObject) -> None:
    a = data.draw(numbers(box))
    if not box.signed:
        with pytest.raises(LanguageError, match="no negative values"):
            _ = -box(a)
    elif fits(box, -a):
        assert int(-box(a)) == -a
        assert int(abs(box(a))) == abs(a)
    else:
        with pytest.raises(Trap, match="overflow"):
            _ = -box(a)


WRAPPING = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


@each_box
@pytest.mark.parametrize("name", WRAPPING)
@few
@given(data=st.data())
def test_wrapping_and_telling_functions(box: Any, name: str, data: st.DataObject) -> None:
    a, b = data.draw(numbers(box)), data.draw(numbers(box))
    exact = WRAPPING[name](a, b)
    result = getattr(arithmetic, f"wrap_{name}")(box(a), b)
    assert (type(result), int(result)) == (box, wrapped(box, exact))
    result, told = getattr(arithmetic, f"overflow_{name}")(box(a), box(b))
    assert (type(result), int(result), told) == (box, wrapped(box, exact), not fits(box, exact))


@each_box
@few
@given(data=st.data())
def test_bit_functions(box: Any, data: st.DataObject) -> None:
    a, n = data.draw(numbers(box)), data.draw(st.integers(0, min(3 * box.bits, box.maximum)))
    bits = format(a % (1 << box.bits), f"0{box.bits}b")
    assert int(arithmetic.count_zeros_left(box(a))) == wrapped(box, len(bits) - len(bits.lstrip("0")))
    assert int(arithmetic.count_zeros_right(box(a))) == wrapped(box, len(bits) - len(bits.rstrip("0")))
    assert int(arithmetic.count_ones(box(a))) == wrapped(box, bits.count("1"))
    cut = n % box.bits
    assert int(arithmetic.rotate_left(box(a), n)) == wrapped(box, int(bits[cut:] + bits[:cut], 2))
    back = box.bits - cut
    assert int(arithmetic.rotate_right(box(a), box(n))) == wrapped(box, int(bits[back:] + bits[:back], 2))
    if box.bits > 8:
        octets = [bits[i : i + 8] for i in range(0, box.bits, 8)]
        assert int(arithmetic.byte_swap(box(a))) == wrapped(box, int("".join(reversed(octets)), 2))


MIXED = [(a, b) for a in BOXES for b in BOXES if a is not b]


@pytest.mark.parametrize(("first", "second"), MIXED)
def test_widths_do_not_mix(first: Any, second: Any) -> None:
    for operation in (*ARITHMETIC, *BITWISE, *COMPARISONS, operator.lshift, operator.rshift):
        with pytest.raises(LanguageError, match="do not mix"):
            operation(first(1), second(1))


@each_box
def test_literals_must_fit(box: Any) -> None:
    for literal in (box.maximum + 1, box.minimum - 1):
        with pytest.raises(LanguageError, match=f"literal {literal} does not fit {box.__name__}"):
            _ = box(1) + literal
        with pytest.raises(LanguageError, match="does not fit"):
            _ = box(1) == literal


def test_a_number_is_no_condition_and_no_bool() -> None:
    with pytest.raises(LanguageError, match="a condition is a bool"):
        bool(u32(1))
    with pytest.raises(LanguageError, match="do not mix"):
        _ = u32(1) + True
    assert int(u8(True)) == 1
