"""What can be asked of every service."""
from compiler.prelude import protocol, u64
from userspace.lib.protocol import Channel


@protocol(version=1)
class Control:
    channel: Channel

    async def ping(self, value: u64) -> u64:
        """Gives the value back."""

    async def calls(self) -> u64:
        """How many calls it has answered."""
