"""The console: every line goes to all outputs that the machine has, to the serial port last: it tells of the others.

Owns: which outputs there are. Locks: none; core/log.py serialises lines.
"""
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


def write_text(text: span[u8]) -> None:
    """Part of a line, as it is."""
    global _is_in_line
    screen.write_text(text)
    _write_bytes(text)
    _is_in_line = len(text) != 0 and text[len(text) - 1] != _NEWLINE


def write_line(level: u32, text: span[u8]) -> None:
    if _is_in_line:
        end_line()
    screen.write_line(level, text)
    if level == Level.ERROR:
        _write_bytes("error: ".encode())
    elif level == Level.WARN:
        _write_bytes("warn: ".encode())
    _write_bytes(text)
    end_line()


def write_panic_line(text: span[u8]) -> None:
    screen.write_line(Level.ERROR, text)
    _write_bytes(text)
    end_line()


def end_line() -> None:
    global _is_in_line
    _is_in_line = False
    _write(_NEWLINE)


def _write_bytes(text: span[u8]) -> None:
    for character in text:
        _write(character)


def _write(character: u8) -> None:
    serial.write(character)
    debug_port.write(character)
