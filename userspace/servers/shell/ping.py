"""The ping command: a service is found by its name and called."""
from compiler.prelude import addr, const, span, u8, u64, zeroed
from userspace.lib.console import say, write_line
from userspace.lib.protocol import Channel
from userspace.lib.services import NAMES_NAME
from userspace.lib.start_info import find_grant
from userspace.lib.syscall import close
from userspace.lib.text import Text
from userspace.lib.time import monotonic_ns
from userspace.servers.control.protocol import Control
from userspace.servers.names.names import word_of_name
from userspace.servers.names.protocol import Names

_VALUE = const(42)
_NS_PER_US = const(1000)


async def ping(name: span[u8]) -> None:
    names = Names(channel=Channel(handle=find_grant(NAMES_NAME)))
    try:
        handle = await names.look_up(word_of_name(name, 0), word_of_name(name, 1), word_of_name(name, 2))
        if handle == 0:
            write_line(f"there is no such service; {await names.count()} have names")
            return
        await _call(name, handle)
        _ = close(handle)
    except Exception as error:
        write_line(f"no answer: {error}")


async def _call(name: span[u8], handle: u64) -> None:
    service = Control(channel=Channel(handle=handle))
    begin_ns = monotonic_ns()
    value = await service.ping(_VALUE)
    took_us = (monotonic_ns() - begin_ns) // _NS_PER_US
    line: Text = zeroed()
    line.bytes(name)
    line.text(" answers ")
    line.number(value, False, 10, 0, 0)
    line.text(" within ")
    line.number(took_us, False, 10, 0, 0)
    line.text(" us; calls before: ")
    line.number(await service.calls() - 1, False, 10, 0, 0)
    say(addr(line))
