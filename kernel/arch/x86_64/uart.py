"""Ports and bits of the first serial port, a 16550.

Source: PC16550D data sheet, 8.
"""
from compiler.prelude import const

COM1 = const(0x3F8)
INTERRUPT_ENABLE = const(COM1 + 1)      # while the divisor is accessible, its upper half
FIFO_CONTROL = const(COM1 + 2)
LINE_CONTROL = const(COM1 + 3)
MODEM_CONTROL = const(COM1 + 4)
LINE_STATUS = const(COM1 + 5)
SCRATCH = const(COM1 + 7)

TRANSMITTER_EMPTY = const(0x20)         # it takes another byte
TRANSMITTER_IDLE = const(0x40)          # it has sent the last one
DIVISOR_ACCESS = const(0x80)
DIVISOR_115200 = const(1)
EIGHT_BITS_NO_PARITY = const(0x03)
