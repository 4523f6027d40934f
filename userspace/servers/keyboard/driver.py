"""The PC's keyboard, at the controller that firmware has set up.

Source: IBM PS/2 Hardware Interface Technical Reference.
"""
from compiler.prelude import addr, const, span, u8, zeroed
from userspace.lib.device import Device, open_device
from userspace.servers.keyboard.scan_codes import Keyboard

_FIRST_PORT = const(0x60)
_PORTS = const(5)
_LINE = const(1)
_DATA = const(0)
_STATUS = const(4)
_ABSENT = const(0xFF)                   # what is read where there is no device
_FULL = const(0x01)                     # a byte waits
_FROM_MOUSE = const(0x20)               # and is not the keyboard's

_device: Device = zeroed()
_keyboard: Keyboard = zeroed()


async def open_keyboard() -> str:
    """Returns what went wrong, or nothing."""
    return await open_device(addr(_device), _FIRST_PORT, _PORTS, _LINE)


def has_keyboard() -> bool:
    return _device.read(_STATUS) != _ABSENT


async def read_keys() -> span[u8]:
    """Waits for a key. Returns what a terminal would send for it; good until the next call."""
    while True:
        status = _device.read(_STATUS)
        if status & _FULL == 0:
            await _device.wait()
            continue
        code = _device.read(_DATA)
        if status & _FROM_MOUSE == 0:
            keys = _keyboard.feed(code)
            if len(keys) != 0:
                return keys
