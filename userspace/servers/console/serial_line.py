"""The serial line COM1, by its ports and its interrupt; text goes through the kernel. Source: PC16550D data sheet."""
from compiler.prelude import addr, const, span, u8, u64, zeroed
from kernel.abi.log import CONSOLE_BYTES
from kernel.abi.methods import Method
from userspace.lib.device import Device, open_device
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_COM1 = const(0x3F8)
_PORTS = const(8)
_LINE = const(4)
_DATA = const(0)
_INTERRUPT_ENABLE = const(1)
_LINE_STATUS = const(5)
_RECEIVED = const(1)                    # in both of the last two

_serial: Device = zeroed()


async def open_serial_line() -> str:
    """Takes COM1. Returns what went wrong, or nothing."""
    problem = await open_device(addr(_serial), _COM1, _PORTS, _LINE)
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
