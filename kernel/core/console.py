"""The console: every line goes to the screen and then to the serial port, which tells of it; the debug port is apart.

The kernel has it, and a program that has taken it uses this module too, with a screen and a serial port of its own.
Owns: which outputs there are. Locks: none; core/log.py serialises lines.
"""
from collections.abc import Callable

from compiler.prelude import const, span, u8, u32
from kernel.abi.log import Level
from kernel.arch.x86_64 import debug_port, serial
from kernel.core import screen

_NEWLINE = const(0x0A)

_is_in_line: bool = False               # write_text() has begun a line and not ended it


def start() -> None:
    """Firmware may have left the cursor anywhere, so the first line begins on one of its own."""
    serial.start()
    debug_port.start()
    end_line()


def take_back() -> None:
    """From a program that may have done anything with it."""
    serial.take_back()
    screen.clear()
    end_line()


def write_text(text: span[u8]) -> None:
    """Part of a line, as it is."""
    global _is_in_line
    screen.write_text(text)
    _write_bytes(serial.write, text)
    _is_in_line = len(text) != 0 and text[len(text) - 1] != _NEWLINE


def write_line(level: u32, text: span[u8]) -> None:
    global _is_in_line
    if _is_in_line:
        _is_in_line = False
        serial.write(_NEWLINE)
    screen.write_line(level, text)
    _write_line(serial.write, level, text)


def write_debug_line(level: u32, text: span[u8]) -> None:
    """To the port to which emulators listen, which is always the kernel's."""
    _write_line(debug_port.write, level, text)


def write_panic_line(text: span[u8]) -> None:
    screen.write_line(Level.ERROR, text)
    _write_line(serial.write, Level.INFO, text)
    _write_line(debug_port.write, Level.INFO, text)


def end_line() -> None:
    serial.write(_NEWLINE)
    debug_port.write(_NEWLINE)


def _write_line(write: Callable[[u8], None], level: u32, text: span[u8]) -> None:
    if level == Level.ERROR:
        _write_bytes(write, "error: ".encode())
    elif level == Level.WARN:
        _write_bytes(write, "warn: ".encode())
    _write_bytes(write, text)
    write(_NEWLINE)


def _write_bytes(write: Callable[[u8], None], text: span[u8]) -> None:
    for character in text:
        write(character)
