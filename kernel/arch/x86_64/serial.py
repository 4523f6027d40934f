"""COM1: the console of tests, and of machines that have a serial port.

Owns: the UART's registers. A port that fails the loop-back test is absent, and everything written to it vanishes.
Locks: none; core/log.py serialises lines.
"""
from compiler.prelude import const, u8
from kernel.arch.x86_64.registers import in8, out8
from kernel.arch.x86_64.uart import (
    COM1,
    DIVISOR_115200,
    DIVISOR_ACCESS,
    EIGHT_BITS_NO_PARITY,
    FIFO_CONTROL,
    INTERRUPT_ENABLE,
    LINE_CONTROL,
    LINE_STATUS,
    MODEM_CONTROL,
    TRANSMITTER_EMPTY,
    TRANSMITTER_IDLE,
)
from kernel.config import SERIAL_IDLE_POLLS, SERIAL_READY_POLLS

_FIFO_ON_AND_EMPTY = const(0x07)
_LOOP_BACK = const(0x1E)
_READY_TO_SEND = const(0x0B)
_PROBE = const(0xAE)

is_present: bool = False


def start() -> None:
    """Sets 115200 baud, 8 bits, no parity, and finds out whether anything is there by looping a byte back."""
    global is_present
    out8(INTERRUPT_ENABLE, 0)
    _set_form()
    out8(FIFO_CONTROL, _FIFO_ON_AND_EMPTY)
    out8(MODEM_CONTROL, _LOOP_BACK)
    out8(COM1, _PROBE)
    for _ in range(SERIAL_READY_POLLS):
        if in8(COM1) == _PROBE:
            is_present = True
            break
    out8(MODEM_CONTROL, _READY_TO_SEND)


def use() -> None:
    """For a program that has its ports, of what start() has found and set up."""
    global is_present
    is_present = True


def take_back() -> None:
    """After a program, which may have left it in any form. What it still sends is not cut off."""
    if is_present:
        _set_form()
        out8(MODEM_CONTROL, _READY_TO_SEND)


def _set_form() -> None:
    out8(LINE_CONTROL, DIVISOR_ACCESS)
    out8(COM1, DIVISOR_115200)
    out8(INTERRUPT_ENABLE, 0)           # the upper half of the divisor
    out8(LINE_CONTROL, EIGHT_BITS_NO_PARITY)


def write(value: u8) -> None:
    if not is_present:
        return
    for _ in range(SERIAL_IDLE_POLLS):
        if in8(LINE_STATUS) & TRANSMITTER_EMPTY != 0:
            break
    out8(COM1, value)


def finish() -> None:
    """Waits until everything has been sent: what ends the machine takes the last bytes with it."""
    if not is_present:
        return
    for _ in range(SERIAL_IDLE_POLLS):
        if in8(LINE_STATUS) & TRANSMITTER_IDLE != 0:
            break
