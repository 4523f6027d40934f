"""Ports and bits of the first serial port, a 16550.

Source: PC16550D data sheet, 8.
"""
from compiler.prelude import const

COM1 = const(0x3F8)
INTERRUPT_ENABLE = const(COM1 + 1)
LINE_CONTROL = const(COM1 + 3)
LINE_STATUS = const(COM1 + 5)
SCRATCH = const(COM1 + 7)
TRANSMITTER_EMPTY = const(0x20)
DIVISOR_LATCH = const(0x80)
EIGHT_BITS_NO_PARITY = const(0x03)
