"""Failures in words: on COM1, on QEMU's debug console and on the screen where the front end has one.

Owns: the serial port until the kernel takes over. The loader is silent while all is well.
"""

from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import array, const, panic_handler, span, u8, u32, u64, zeroed
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.uart import (
    COM1,
    DIVISOR_115200,
    DIVISOR_ACCESS,
    EIGHT_BITS_NO_PARITY,
    INTERRUPT_ENABLE,
    LINE_CONTROL,
    LINE_STATUS,
    SCRATCH,
    TRANSMITTER_EMPTY,
)

LONGEST_WAIT_READS = const(100000)
SCRATCH_PATTERN = const(0x5A)
LONGEST_TEXT = const(256)

_text: array[u8, LONGEST_TEXT] = zeroed()
_length: u64 = 0


def ignore(text: span[u8]) -> None:
    _ = text


_write_screen: Callable[[span[u8]], None] = ignore


def use_screen(write: Callable[[span[u8]], None]) -> None:
    """From now on failures also go to `write`."""
    global _write_screen
    _write_screen = write


def fail(message: str) -> NoReturn:
    """Says why the machine cannot be booted, and stops it."""
    _add(message.encode())
    _stop()


def fail_about(message: str, subject: span[u8]) -> NoReturn:
    """The same, with the name of what the message is about behind it."""
    _add(message.encode())
    _add(b": ")
    _add(subject)
    _stop()


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    _add(b"internal: ")
    _add(message.encode())
    _add(b" at ")
    _add(file.encode())
    _add(b":")
    _add_decimal(line)
    _stop()


def _stop() -> NoReturn:
    """The screen gets the text in one piece and first: a firmware's console may share the serial line."""
    _write_screen(b"\r\nloader: error: ")
    _write_screen(_text[0:_length])
    _write_screen(b"\r\n")
    _write_serial(b"\r\nloader: error: ")
    _write_serial(_text[0:_length])
    _write_serial(b"\r\nloader: stopped\r\n")
    while True:
        registers.disable_interrupts()
        registers.halt()


def _add_decimal(value: u32) -> None:
    digits = b"0123456789"
    place: u32 = 1000000000
    while place > 1 and value < place:
        place //= 10
    while place != 0:
        digit = value // place % 10
        _add(digits[digit : digit + 1])
        place //= 10


def _add(text: span[u8]) -> None:
    """What does not fit is left out."""
    global _length
    for value in text:
        if _length < LONGEST_TEXT:
            _text[_length] = value
            _length += 1


def _write_serial(text: span[u8]) -> None:
    has_serial = _find_serial()
    for value in text:
        registers.out8(registers.PORT_DEBUG_CONSOLE, value)
        if has_serial:
            _send(value)


def _find_serial() -> bool:
    """The scratch register keeps what is written to it where there is a UART; the line is set to 115200 8N1."""
    registers.out8(SCRATCH, SCRATCH_PATTERN)
    if registers.in8(SCRATCH) != SCRATCH_PATTERN:
        return False
    registers.out8(LINE_CONTROL, DIVISOR_ACCESS)
    registers.out8(COM1, DIVISOR_115200)
    registers.out8(INTERRUPT_ENABLE, 0)
    registers.out8(LINE_CONTROL, EIGHT_BITS_NO_PARITY)
    return True


def _send(value: u8) -> None:
    for _attempt in range(LONGEST_WAIT_READS):
        if (registers.in8(LINE_STATUS) & TRANSMITTER_EMPTY) != 0:
            registers.out8(COM1, value)
            return
