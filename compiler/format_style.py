"""Bits of the `style` that an f-string's numbers are written in; the compiler and every text sink know them."""

from compiler.prelude import const

ZERO_FILL = const(1)
UPPER = const(2)
PREFIX = const(4)  # 0x, 0b, 0o
LEFT = const(8)
