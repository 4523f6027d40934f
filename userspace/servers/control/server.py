"""How a service answers what can be asked of every service: a task beside its others."""
from compiler.prelude import addr, ptr, serves, struct, u64, zeroed
from userspace.lib.protocol import Call, receive
from userspace.lib.services import CALLS_NAME
from userspace.lib.start_info import find_grant
from userspace.servers.control.protocol import Control


@struct
class ControlServer:
    answered: u64

    async def ping(self, value: u64) -> u64:
        return value

    async def calls(self) -> u64:
        return self.answered


@serves(Control)
async def answer(server: ptr[ControlServer], call: ptr[Call]) -> None: ...


async def serve_control() -> None:
    channel = find_grant(CALLS_NAME)
    server = ControlServer()
    call: Call = zeroed()
    while channel != 0:
        await receive(channel, addr(call))
        await answer(addr(server), addr(call))
        server.answered += 1
