"""Some programs of tests/compiler/bench as Python functions for Numba, where it is installed (`pip install numba`).

Not here: those with structs, recursion over shared data or spans, which Numba would want written another way.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

IS_INSTALLED = importlib.util.find_spec("numba") is not None
MATRIX, SIEVE, DATA = 96, 1 << 16, 1 << 14
POINT, TURNS = 28, 100
WORD = (1 << 64) - 1

if IS_INSTALLED:
    np: Any = importlib.import_module("numpy")


def xorshift(count: int) -> Any:
    x = np.uint64(88172645463325252)
    total = np.uint64(0)
    for _ in range(count):
        x ^= x << np.uint64(13)
        x ^= x >> np.uint64(7)
        x ^= x << np.uint64(17)
        total += x
    return total


def crc32(count: int) -> Any:
    table = np.zeros(256, np.uint32)
    data = np.zeros(DATA, np.uint8)
    for i in range(256):
        value = np.uint32(i)
        for _ in range(8):
            odd = value & np.uint32(1)
            value = np.uint32((value >> np.uint32(1)) ^ (np.uint32(0xEDB88320) if odd != 0 else np.uint32(0)))
        table[i] = value
    for i in range(DATA):
        data[i] = np.uint8(i * 3)
    crc = np.uint32(0)
    for _ in range(count):
        crc = np.uint32(~crc)
        for item in data:
            crc = np.uint32(table[(crc ^ np.uint32(item)) & np.uint32(0xFF)] ^ (crc >> np.uint32(8)))
        crc = np.uint32(~crc)
    return crc


def sieve(count: int) -> int:
    composite = np.zeros(SIEVE, np.uint8)
    found = 0
    for _ in range(count):
        composite[:] = 0
        found = 0
        for i in range(2, SIEVE):
            if composite[i] == 0:
                found += 1
                for j in range(i + i, SIEVE, i):
                    composite[j] = 1
    return found


def matrix(count: int) -> Any:
    left = np.zeros((MATRIX, MATRIX), np.uint32)
    right = np.zeros((MATRIX, MATRIX), np.uint32)
    product = np.zeros((MATRIX, MATRIX), np.uint32)
    for i in range(MATRIX):
        for j in range(MATRIX):
            left[i, j] = i * 3 + j
            right[i, j] = i ^ j
    for _ in range(count):
        for i in range(MATRIX):
            for j in range(MATRIX):
                total = np.uint32(0)
                for k in range(MATRIX):
                    total = np.uint32(total + left[i, k] * right[k, j])
                product[i, j] = total
                left[i, j] += np.uint32(1)
    result = np.uint64(0)
    for i in range(MATRIX):
        for j in range(MATRIX):
            result = result * np.uint64(31) + np.uint64(product[i, j])
    return result


def mandelbrot(size: int) -> int:
    total = 0
    step = (3 << POINT) // size
    for row in range(size):
        for column in range(size):
            real, imaginary = column * step - (2 << POINT), row * step - (3 << (POINT - 1))
            x, y, turns = 0, 0, TURNS
            for turn in range(TURNS):
                xx, yy = (x * x) >> POINT, (y * y) >> POINT
                if xx + yy > (4 << POINT):
                    turns = turn
                    break
                y = ((x * y) >> (POINT - 1)) + imaginary
                x = xx - yy + real
            total += turns
    return total


PROGRAMS: dict[str, Callable[[int], Any]] = {
    function.__name__: function for function in (xorshift, crc32, sieve, matrix, mandelbrot)
}


def compiled(name: str) -> Callable[[int], int] | None:
    """A program as machine code by Numba; None where it has none, or is not installed."""
    if not IS_INSTALLED or name not in PROGRAMS:
        return None
    numba: Any = importlib.import_module("numba")
    run = numba.njit(PROGRAMS[name])
    return lambda size: int(run(size)) & WORD
