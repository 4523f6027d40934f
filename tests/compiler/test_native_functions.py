"""Functions of an ordinary Python module that are compiled by a decorator."""

import inspect

import pytest

import compiler.prelude as language
from compiler.errors import CompilationFailed
from compiler.native import NativeTrap
from compiler.native_functions import native
from compiler.prelude import array, f64, span, u8, u32, u64, wrap_mul, zeroed
from compiler.prelude import wrap_add as plus

START = 5
WEIGHTS = (3, 1, 4)


@native
def weighted(a: u32, b: u32) -> u32:
    return a * WEIGHTS[0] + b * WEIGHTS[2] + START


@native
def total(data: span[u8]) -> u64:
    result: u64 = 0
    for value in data:
        result = plus(result, square(u64(value)))
    return result


@native
def square(value: u64) -> u64:
    return wrap_mul(value, value)


@native
def element(i: u64) -> u32:
    values: array[u32, 4] = zeroed()
    return values[i]


@native
def half(x: f64) -> f64:
    return x / 2.0


@native
def mixes(a: u32, b: u64) -> u64:
    return a + b  # type: ignore[operator, no-any-return]


def test_the_function_is_compiled_with_what_it_calls() -> None:
    assert total(b"\x01\x02\xff") == 1 + 4 + 255 * 255
    assert weighted(1, 2) == 3 + 8 + 5
    assert half(5.0) == 2.5
    assert square.__name__ == "square"


def test_overflow_wraps() -> None:
    assert weighted(0xFFFF_FFFF, 0) == 2


def test_a_trap_names_the_line() -> None:
    assert element(3) == 0
    with pytest.raises(NativeTrap) as trap:
        element(4)
    lines, first = inspect.getsourcelines(element)
    assert (trap.value.file, trap.value.line) == ("test_native_functions.py", first + len(lines) - 1)


def test_a_mistake_names_the_place() -> None:
    with pytest.raises(CompilationFailed, match=r"test_native_functions.py:\d+:12: .*u32 and u64 do not mix"):
        mixes(1, 2)


def test_a_word_of_another_width_is_refused() -> None:
    with pytest.raises(OverflowError, match="does not fit u32"):
        weighted(1 << 32, 0)


def test_the_language_is_known_by_any_name() -> None:
    assert language.u64 is u64
