"""The kernel's output: whole lines to the serial port.

Locks: _console (Rank.CONSOLE) is held for one line, so that lines of several CPUs never interleave.
"""
from compiler.prelude import addr, const, ptr, u8
from kernel.arch.x86_64 import serial
from kernel.core.line import Line
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_NEWLINE = const(0x0A)

_console: SpinLock = SpinLock(rank=Rank.CONSOLE)


def start() -> None:
    """Opens the console. Firmware may have left the cursor anywhere, so the first line begins on one of its own."""
    serial.start()
    serial.write(_NEWLINE)


def write(line: ptr[Line]) -> None:
    with _console:
        _write_line(line)


def say(words: str) -> None:
    line = Line()
    line.text(words)
    write(addr(line))


def seize() -> None:
    """Gives a panic the console whoever held it, at the beginning of a line. Requires: other CPUs have been stopped."""
    _console.seize()
    serial.write(_NEWLINE)


def write_in_panic(line: ptr[Line]) -> None:
    """Requires: seize() was called, and by this CPU."""
    _write_line(line)


def _write_line(line: ptr[Line]) -> None:
    for index in range(line.length):
        serial.write(line.characters[index])
    serial.write(u8(_NEWLINE))
