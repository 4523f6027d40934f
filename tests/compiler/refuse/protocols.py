"""Protocols between programs: what their methods may be, and who serves them."""
from compiler.prelude import protocol, ptr, serves, struct, u32, u64


@struct
class Channel:
    handle: u64


@protocol(version=0)
class Unnumbered:
#! protocol: class Unnumbered: => a protocol's version is 1 to 65535, not 0
    channel: Channel


@protocol(version=1)
class Narrow:
    channel: Channel

    async def look(self, first: u32) -> u64: ...
    #! protocol: first: u32 => look of a protocol takes and gives u64, int, bool and Capability, not u32


@serves(Channel)
#! protocol: serves(Channel) => Channel is no protocol
#: @serves(Names)
async def answer(server: ptr[Channel], call: ptr[Channel]) -> None: ...
