"""The name service: gives whoever asks for a service by its name a capability to call it.

It is given a channel of each service under the service's name, and holds the processes of those who may ask, which init
notes in a page by their badges. Calls to a service do not come by here.
"""
import asyncio

from compiler.prelude import addr, const, ptr, serves, span, struct, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.memory import READ
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from userspace.lib import program
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.protocol import Call
from userspace.lib.service import receive
from userspace.lib.services import CALLS_NAME, CLIENTS_NAME, MOST_CLIENTS, SERVICE_PREFIX, ClientTable
from userspace.lib.start_info import find_grant, start_info
from userspace.lib.syscall import invoke
from userspace.servers.names.names import word_of_name
from userspace.servers.names.protocol import Names

_PLACE = const(0x30_0000_0000)


@struct
class NameServer:
    badge: u64                          # of whoever asks now

    async def look_up(self, first: u64, second: u64, third: u64) -> u64:
        clients = ptr[ClientTable](_PLACE)
        if self.badge >= MOST_CLIENTS or clients.processes[self.badge] == 0:
            return 0
        service = _find(first, second, third)
        if service == 0:
            return 0
        status, given = invoke(service, Method.COPY_TO, clients.processes[self.badge], Right.SEND)
        return given if status == Status.OK else u64(0)

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
    clients = find_grant(CLIENTS_NAME)
    channel = find_grant(CALLS_NAME)
    if channel == 0 or map_memory(clients, start_info().process, u64(_PLACE) | READ, 0, PAGE) != Status.OK:
        print("names: this program was not given its channel and its clients")
        program.exit_status = 1
        return
    server = NameServer()
    call: Call = zeroed()
    while True:
        await receive(channel, addr(call))
        server.badge = call.badge
        await answer(addr(server), addr(call))


if __name__ == "__main__":
    asyncio.run(main())
