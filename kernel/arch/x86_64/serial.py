"""COM1: the console of tests, and of machines that have a serial port.

Owns: the UART's registers. A port that fails the loop-back test is absent, and everything written to it vanishes.
Locks: none; core/log.py serialises lines.
"""
from compiler.prelude import const, u8
from kernel.arch.x86_64.registers import PORT_COM1, in8, out8
from kernel.config import SERIAL_READY_POLLS

_DATA = const(PORT_COM1)
_INTERRUPT_ENABLE = const(PORT_COM1 + 1)
_FIFO_CONTROL = const(PORT_COM1 + 2)
_LINE_CONTROL = const(PORT_COM1 + 3)
_MODEM_CONTROL = const(PORT_COM1 + 4)
_LINE_STATUS = const(PORT_COM1 + 5)

_DIVISOR_ACCESS = const(0x80)
_EIGHT_BITS_NO_PARITY = const(0x03)
_DIVISOR_115200 = const(1)
_FIFO_ON_AND_EMPTY = const(0x07)
_LOOP_BACK = const(0x1E)
_READY_TO_SEND = const(0x0B)
_TRANSMITTER_EMPTY = const(0x20)
_PROBE = const(0xAE)

_is_present: bool = False


def start() -> None:
    """Sets 115200 baud, 8 bits, no parity, and finds out whether anything is there by looping a byte back."""
    global _is_present
    out8(_INTERRUPT_ENABLE, 0)
    out8(_LINE_CONTROL, _DIVISOR_ACCESS)
    out8(_DATA, _DIVISOR_115200)
    out8(_INTERRUPT_ENABLE, 0)
    out8(_LINE_CONTROL, _EIGHT_BITS_NO_PARITY)
    out8(_FIFO_CONTROL, _FIFO_ON_AND_EMPTY)
    out8(_MODEM_CONTROL, _LOOP_BACK)
    out8(_DATA, _PROBE)
    for _ in range(SERIAL_READY_POLLS):
        if in8(_DATA) == _PROBE:
            _is_present = True
            break
    out8(_MODEM_CONTROL, _READY_TO_SEND)


def write(value: u8) -> None:
    if not _is_present:
        return
    for _ in range(SERIAL_READY_POLLS):
        if in8(_LINE_STATUS) & _TRANSMITTER_EMPTY != 0:
            break
    out8(_DATA, value)
