"""The Mandelbrot set in fixed-point numbers of 28 bits behind the point."""

from compiler.prelude import const, i64, u64

POINT = const(28)
LIMIT = const(4 << POINT)
TURNS = const(100)


def run(size: u64) -> u64:
    total: u64 = 0
    step = i64(3 << POINT) // i64(size)
    for row in range(i64(size)):
        for column in range(i64(size)):
            total += _escape(column * step - (2 << POINT), row * step - (3 << (POINT - 1)))
    return total


def _escape(real: i64, imaginary: i64) -> u64:
    x: i64 = 0
    y: i64 = 0
    for turn in range(u64(TURNS)):
        xx, yy = (x * x) >> POINT, (y * y) >> POINT
        if xx + yy > LIMIT:
            return turn
        y = ((x * y) >> (POINT - 1)) + imaginary
        x = xx - yy + real
    return TURNS
