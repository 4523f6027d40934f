"""Failures in words: on COM1, on QEMU's debug console and on the screen where the front end has one.

Owns: the serial port until the kernel takes over. The loader is silent while all is well.
"""
from collections.abc import Callable
from typing import NoReturn

from boot.core import machine
from compiler.prelude import const, panic_handler, span, u8, u32

COM1 = const(0x3F8)
INTERRUPT_ENABLE = const(COM1 + 1)
LINE_CONTROL = const(COM1 + 3)
LINE_STATUS = const(COM1 + 5)
SCRATCH = const(COM1 + 7)
TRANSMITTER_EMPTY = const(0x20)
DEBUG_CONSOLE = const(0xE9)
LONGEST_WAIT_READS = const(100000)
SCRATCH_PATTERN = const(0x5A)
DIVISOR_LATCH = const(0x80)
EIGHT_BITS_NO_PARITY = const(0x03)


def ignore(text: span[u8]) -> None:
    _ = text


_write_screen: Callable[[span[u8]], None] = ignore


def use_screen(write: Callable[[span[u8]], None]) -> None:
    """From now on failures also go to `write`."""
    global _write_screen
    _write_screen = write


def fail(message: str) -> NoReturn:
    """Says why the machine cannot be booted, and stops it."""
    _write(b"\r\nloader: error: ")
    _write(message.encode())
    _stop()


def fail_about(message: str, subject: span[u8]) -> NoReturn:
    """The same, with the name of what the message is about behind it."""
    _write(b"\r\nloader: error: ")
    _write(message.encode())
    _write(b": ")
    _write(subject)
    _stop()


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    _write(b"\r\nloader: error: internal: ")
    _write(message.encode())
    _write(b" at ")
    _write(file.encode())
    _write(b":")
    _write_decimal(line)
    _stop()


def _stop() -> NoReturn:
    _write(b"\r\nloader: stopped\r\n")
    while True:
        machine.halt()


def _write_decimal(value: u32) -> None:
    if value >= 10:
        _write_decimal(value // 10)
    digits = b"0123456789"
    digit = value % 10
    _write(digits[digit:digit + 1])


def _write(text: span[u8]) -> None:
    _write_screen(text)
    has_serial = _find_serial()
    for value in text:
        machine.write_port8(DEBUG_CONSOLE, value)
        if has_serial:
            _send(value)


def _find_serial() -> bool:
    """The scratch register keeps what is written to it where there is a UART; the line is set to 115200 8N1."""
    machine.write_port8(SCRATCH, SCRATCH_PATTERN)
    if machine.read_port8(SCRATCH) != SCRATCH_PATTERN:
        return False
    machine.write_port8(LINE_CONTROL, DIVISOR_LATCH)
    machine.write_port8(COM1, 1)
    machine.write_port8(INTERRUPT_ENABLE, 0)
    machine.write_port8(LINE_CONTROL, EIGHT_BITS_NO_PARITY)
    return True


def _send(value: u8) -> None:
    for _attempt in range(LONGEST_WAIT_READS):
        if (machine.read_port8(LINE_STATUS) & TRANSMITTER_EMPTY) != 0:
            machine.write_port8(COM1, value)
            return
