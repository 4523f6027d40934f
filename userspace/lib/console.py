"""The console as a program uses it: bytes from the serial line that are awaited, text that is written.

Whoever reads holds COM1's I/O ports and its interrupt as capabilities. Text goes through the kernel, which writes its
log to the same places and keeps the two apart. Source: PC16550D data sheet.
"""
from compiler.prelude import addr, const, fstring, ptr, span, u8, u32, u64, zeroed
from kernel.abi.log import CONSOLE_BYTES
from kernel.abi.methods import Method
from userspace.lib.device import Device, open_device
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke
from userspace.lib.text import Text

_COM1 = const(0x3F8)
_PORTS = const(8)
_LINE = const(4)
_DATA = const(0)
_INTERRUPT_ENABLE = const(1)
_LINE_STATUS = const(5)
_RECEIVED = const(1)                    # in both of the last two
_RETURN = const(0x0D)
_NEWLINE = const(0x0A)

_serial: Device = zeroed()


def open_console() -> str:
    """Takes COM1. Returns what went wrong, or nothing."""
    problem = open_device(addr(_serial), _COM1, _PORTS, _LINE)
    if len(problem) == 0:
        _serial.write(_INTERRUPT_ENABLE, _RECEIVED)
    return problem


async def read_byte() -> u8:
    """Waits for a byte. One task at a time."""
    while _serial.read(_LINE_STATUS) & _RECEIVED == 0:
        await _serial.wait()
    return _serial.read(_DATA)


def write(text: span[u8]) -> None:
    """Up to 256 bytes at a time come out together."""
    at: u64 = 0
    while at < len(text):
        part = min(u64(len(text)) - at, u64(CONSOLE_BYTES))
        _, _ = invoke(start_info().system, Method.SYSTEM_WRITE_CONSOLE, u64(addr(text[at])), part)
        at += part


def write_text(text: str) -> None:
    write(text.encode())


def write_line(line: fstring[Text]) -> None:
    say(line)


def say(line: ptr[Text]) -> None:
    """Writes a line that f-strings cannot make, because it holds somebody else's text."""
    line.length = min(line.length, u32(CONSOLE_BYTES - 2))
    line.put(_RETURN)
    line.put(_NEWLINE)
    write(line.characters[0 : line.length])
