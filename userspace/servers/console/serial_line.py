"""The serial line COM1, by its ports and its interrupt, as the kernel has set it up. Source: PC16550D data sheet."""
from compiler.prelude import addr, const, u8, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.arch.x86_64 import serial
from kernel.arch.x86_64.uart import COM1
from userspace.lib.device import Device, open_device
from userspace.lib.machine_info import machine_info
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_PORTS = const(8)
_LINE = const(4)
_DATA = const(0)
_INTERRUPT_ENABLE = const(1)
_LINE_STATUS = const(5)
_RECEIVED = const(1)                    # in both of the last two

_serial: Device = zeroed()
_listens: bool = False


def has_serial_line() -> bool:
    info = machine_info()
    return info is not None and info.has_serial_line != 0


async def open_serial_line() -> str:
    """Takes COM1, for kernel/core/console.py too. Returns what went wrong, or nothing."""
    problem = await open_device(addr(_serial), COM1, _PORTS, _LINE)
    if len(problem) != 0:
        return problem
    # Its registers are written directly, because a system call for each byte would take longer than the byte.
    status, _ = invoke(_serial.ports, Method.IO_PORTS_ALLOW, start_info().process)
    if status != Status.OK:
        return "its ports cannot be used"
    serial.use()
    return ""


def listen() -> None:
    """From here on a byte that comes interrupts."""
    global _listens
    _listens = True
    _serial.write(_INTERRUPT_ENABLE, _RECEIVED)


def begin_sending() -> None:
    """While a byte that has come is not read, each one that is sent may interrupt for it again; thousands are a storm,
    for which the kernel holds the line back."""
    if _listens:
        _serial.write(_INTERRUPT_ENABLE, 0)


def end_sending() -> None:
    """What has come meanwhile interrupts now. Also after the kernel has had the line, which turns this off."""
    if _listens:
        _serial.write(_INTERRUPT_ENABLE, _RECEIVED)


async def read_byte() -> u8:
    """Waits for a byte. One task at a time."""
    while _serial.read(_LINE_STATUS) & _RECEIVED == 0:
        await _serial.wait()
    return _serial.read(_DATA)
