"""The name service: gives whoever asks for a service by its name a capability to call it.

It is given a channel of each service under the service's name. Calls to a service do not come by here.
"""
import asyncio

from compiler.prelude import addr, ptr, serves, span, struct, u8, u64, zeroed
from userspace.lib import program
from userspace.lib.protocol import Call, receive
from userspace.lib.services import CALLS_NAME, SERVICE_PREFIX
from userspace.lib.start_info import find_grant, start_info
from userspace.servers.names.names import word_of_name
from userspace.servers.names.protocol import Names


@struct
class NameServer:
    asked: u64

    async def look_up(self, first: u64, second: u64, third: u64) -> u64:
        self.asked += 1
        return _find(first, second, third)

    async def count(self) -> u64:
        count: u64 = 0
        for index in range(start_info().grant_count):
            count += u64(len(_service_name(index)) != 0)
        return count


@serves(Names)
async def answer(server: ptr[NameServer], call: ptr[Call]) -> None: ...


def _service_name(index: u64) -> span[u8]:
    """Of one of the capabilities that this program was given; empty for those that are no service."""
    grant = addr(start_info().grants[index])
    name = grant.name[0 : grant.name_length]
    prefix = SERVICE_PREFIX.encode()
    return name[len(prefix) :] if name.startswith(prefix) else name[0:0]


def _find(first: u64, second: u64, third: u64) -> u64:
    for index in range(start_info().grant_count):
        name = _service_name(index)
        if len(name) != 0 and word_of_name(name, 0) == first:
            if word_of_name(name, 1) == second and word_of_name(name, 2) == third:
                return start_info().grants[index].handle
    return 0


async def main() -> None:
    channel = find_grant(CALLS_NAME)
    if channel == 0:
        print("names: this program was not given its channel")
        program.exit_status = 1
        return
    server = NameServer()
    call: Call = zeroed()
    while True:
        await receive(channel, addr(call))
        await answer(addr(server), addr(call))


if __name__ == "__main__":
    asyncio.run(main())
