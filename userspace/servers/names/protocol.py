"""What can be asked of the name service. Names are packed into three words (names.py).

Whoever asks is known by the badge of its capability.
"""
from compiler.prelude import protocol, u64
from userspace.lib.protocol import Channel


@protocol(version=1)
class Names:
    channel: Channel

    async def look_up(self, first: u64, second: u64, third: u64) -> u64:
        """A handle in the asker's own table, on which calls can be made; 0 when there is no such name."""

    async def count(self) -> u64: ...
