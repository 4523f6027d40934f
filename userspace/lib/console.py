"""The serial line as a program uses it: bytes that are awaited, text that is written.

Whoever reads holds COM1's I/O ports and its interrupt as capabilities. Text goes through the kernel, which writes its
log to the same line and keeps the two apart. Source: PC16550D data sheet.
"""
from compiler.prelude import addr, const, fstring, ptr, span, u8, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.interrupt import Source
from kernel.abi.log import CONSOLE_BYTES
from kernel.abi.methods import Method
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib.asyncio.loop import perform
from userspace.lib.reactor import Operation
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke
from userspace.lib.text import Text

_COM1 = const(0x3F8)
_PORTS = const(8)
_LINE = const(4)                        # of the old PC's interrupts
_BIT = const(1)                         # of the notification

_DATA = const(0)
_INTERRUPT_ENABLE = const(1)
_LINE_STATUS = const(5)
_RECEIVED = const(1)                    # in both of the last two
_BYTE = const(1)
_RETURN = const(0x0D)
_NEWLINE = const(0x0A)

_ports: u64 = 0
_interrupt: u64 = 0
_notification: u64 = 0


def open_console() -> str:
    """Takes COM1. Returns what went wrong, or nothing."""
    global _ports, _interrupt, _notification
    info = start_info()
    if info.system == 0:
        return "this program was not given the System object"
    status, _ports = invoke(info.system, Method.SYSTEM_CREATE_IO_PORTS, info.account, _COM1, _PORTS)
    if status != Status.OK:
        return "COM1's ports cannot be had"
    status, _interrupt = invoke(info.system, Method.SYSTEM_CREATE_INTERRUPT, info.account, _LINE, Source.ISA)
    if status != Status.OK:
        return "COM1's interrupt cannot be had"
    status, _notification = invoke(info.account, Method.ACCOUNT_CREATE_NOTIFICATION)
    if status == Status.OK:
        status, _ = invoke(_interrupt, Method.INTERRUPT_BIND, _notification, _BIT)
    if status != Status.OK:
        return "COM1's interrupt cannot be bound"
    _out(_INTERRUPT_ENABLE, _RECEIVED)
    return ""


async def read_byte() -> u8:
    """Waits for a byte. One task at a time."""
    while _in(_LINE_STATUS) & _RECEIVED == 0:
        await _wait_for_interrupt()
    return u8(_in(_DATA))


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


async def _wait_for_interrupt() -> None:
    """The port is looked at again after the acknowledgement, so that no byte stays unseen."""
    entry = Submission(operation=u8(Opcode.WATCH), capability=_notification, word0=_BIT)
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    _, _ = invoke(_interrupt, Method.INTERRUPT_ACKNOWLEDGE)


def _in(register: u64) -> u64:
    _, value = invoke(_ports, Method.IO_PORTS_READ, register, _BYTE)
    return value


def _out(register: u64, value: u64) -> None:
    _, _ = invoke(_ports, Method.IO_PORTS_WRITE, register, _BYTE, value)
