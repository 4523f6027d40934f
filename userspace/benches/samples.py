"""Measuring in the guest: samples of the time stamp counter, which under -icount counts instructions.

    bench: NAME n=N median=M low=L high=H

Low and high are the tenth and ninetieth percentile; what an empty measurement takes is subtracted.
"""
from compiler.prelude import array, asm_x64, const, u64, zeroed
from compiler.prelude.x64 import *
from userspace.guest_tests.report import Text

SAMPLES = const(1000)
WARM_UP = const(200)

_values: array[u64, SAMPLES] = zeroed()
_count: u64 = 0
_empty: u64 = 0


@asm_x64
def ticks() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)


def begin() -> None:
    global _count
    _count = 0


def note(duration: u64) -> None:
    global _count
    if _count < SAMPLES:
        _values[_count] = duration
        _count += 1


def measure_empty() -> None:
    """Requires: samples of nothing have been noted."""
    global _empty
    _sort()
    _empty = _values[_count // 2]


def tell(name: str) -> None:
    _sort()
    line = Text()
    line.text("bench: ")
    line.text(name)
    line.text(" n=")
    line.number(_count)
    line.text(" median=")
    line.number(_net(_count // 2))
    line.text(" low=")
    line.number(_net(_count // 10))
    line.text(" high=")
    line.number(_net(_count * 9 // 10))
    line.say()


def tell_value(name: str, value: u64) -> None:
    line = Text()
    line.text("bench: ")
    line.text(name)
    line.text(" n=1 median=")
    line.number(value)
    line.text(" low=")
    line.number(value)
    line.text(" high=")
    line.number(value)
    line.say()


def _net(place: u64) -> u64:
    return _values[place] - min(_values[place], _empty)


def _sort() -> None:
    """By insertion: the samples are nearly equal."""
    for index in range(u64(1), _count):
        value = _values[index]
        place = index
        while place > 0 and _values[place - 1] > value:
            _values[place] = _values[place - 1]
            place -= 1
        _values[place] = value
