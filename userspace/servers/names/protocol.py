"""What can be asked of the name service. Names are packed into three words (names.py)."""
from compiler.prelude import protocol, u64
from userspace.lib.protocol import Capability, Channel


@protocol(version=1)
class Names:
    channel: Channel

    async def look_up(self, first: u64, second: u64, third: u64) -> Capability:
        """What calls can be made on; 0 when there is no such name."""

    async def count(self) -> u64: ...
