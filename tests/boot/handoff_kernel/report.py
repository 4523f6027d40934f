"""Results on COM1, in the form that guests report their tests, and the end of QEMU."""
from typing import NoReturn

from compiler.prelude import const, panic_handler, span, u8, u32, u64
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.uart import (
    COM1,
    DIVISOR_115200,
    DIVISOR_ACCESS,
    EIGHT_BITS_NO_PARITY,
    INTERRUPT_ENABLE,
    LINE_CONTROL,
    LINE_STATUS,
    TRANSMITTER_EMPTY,
)

EXIT_PORT = const(0xF4)
EXIT_SUCCESS = const(0x10)
EXIT_FAILURE = const(0x11)

_passed: u64 = 0
_failed: u64 = 0


def begin(plan: u64) -> None:
    """Sets the line to 115200 8N1: not every firmware does."""
    registers.out8(LINE_CONTROL, DIVISOR_ACCESS)
    registers.out8(COM1, DIVISOR_115200)
    registers.out8(INTERRUPT_ENABLE, 0)
    registers.out8(LINE_CONTROL, EIGHT_BITS_NO_PARITY)
    _write(b"\ntest: plan ")
    _write_number(plan)
    _write(b"\n")


def check(name: str, holds: bool) -> None:
    global _passed, _failed
    if holds:
        _passed += 1
        _write(b"test: ok ")
        _write(name.encode())
    else:
        _failed += 1
        _write(b"test: fail ")
        _write(name.encode())
        _write(b": it does not hold")
    _write(b"\n")


def note(name: str, value: u64) -> None:
    """A number that a failed check may need to be understood."""
    _write(b"handoff: ")
    _write(name.encode())
    _write(b"=")
    _write_hex(value)
    _write(b"\n")


def end() -> NoReturn:
    _write(b"test: end passed=")
    _write_number(_passed)
    _write(b" failed=")
    _write_number(_failed)
    _write(b"\n")
    registers.out8(EXIT_PORT, EXIT_SUCCESS if _failed == 0 else EXIT_FAILURE)
    while True:
        registers.disable_interrupts()
        registers.halt()


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    _write(b"\npanic: ")
    _write(message.encode())
    _write(b" at ")
    _write(file.encode())
    _write(b":")
    _write_number(u64(line))
    _write(b"\npanic: end\n")
    while True:
        registers.disable_interrupts()
        registers.halt()


def _write_number(value: u64) -> None:
    place: u64 = 10000
    while place > 1 and value < place:
        place //= 10
    while place != 0:
        _send(u8(value // place % 10 + 48))
        place //= 10


def _write_hex(value: u64) -> None:
    digits = b"0123456789abcdef"
    for place in range(16):
        _send(digits[(value >> u64(60 - place * 4)) & 15])


def _write(text: span[u8]) -> None:
    for value in text:
        _send(value)


def _send(value: u8) -> None:
    while (registers.in8(LINE_STATUS) & TRANSMITTER_EMPTY) == 0:
        pass
    registers.out8(COM1, value)
