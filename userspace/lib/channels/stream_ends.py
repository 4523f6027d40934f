"""The two ends of a stream as tasks use them: bytes are awaited, room for them too.

A stream is a Memory of one page and two notifications, `filled` and `drained`. Whoever makes it gives both sides all
three, and has the kernel ring ENDED on the one that a side listens to when the other side's thread ends.
"""
from compiler.prelude import const, ptr, span, struct, u8, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from userspace.lib import notification
from userspace.lib.channels.outcome import Outcome
from userspace.lib.channels.stream import Reader, Stream, Writer, open_reader, open_writer
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.start_info import start_info

MOVED = const(1)                        # bits of both notifications: the other side has gone on
ENDED = const(2)


def map_stream(memory: u64, place: u64) -> ptr[Stream] | None:
    status = map_memory(memory, start_info().process, place | READ | WRITE, 0, PAGE)
    return ptr[Stream](place) if status == Status.OK else None


@struct
class StreamReader:
    reader: Reader
    filled: u64
    drained: u64
    has_ended: bool

    async def read(self, buffer: span[u8]) -> u64:
        """At least one byte. Returns how many there were; 0 when the writer is gone and nothing is left."""
        count = await self.look(buffer)
        self.advance(count)
        return count

    async def look(self, buffer: span[u8]) -> u64:
        """As read(), and the writer is not told before advance()."""
        while True:
            outcome, count = self.reader.look(buffer)
            if outcome == Outcome.WOULD_BLOCK and not self.has_ended:
                self.reader.begin_sleep()
                outcome, count = self.reader.look(buffer)
            if outcome == Outcome.BROKEN:
                raise ConnectionError("the writer of a stream wrote what it must not")
            if outcome == Outcome.DONE or self.has_ended:
                return count
            bits = await notification.wait(self.filled, MOVED | ENDED)
            self.has_ended = bits & ENDED != 0 or bits == 0

    def advance(self, count: u64) -> None:
        self.reader.advance(count)
        if self.reader.must_wake():
            notification.signal(self.drained, MOVED)


@struct
class StreamWriter:
    writer: Writer
    filled: u64
    drained: u64
    has_ended: bool

    async def write(self, data: span[u8]) -> None:
        """Writes all of it. Errors: ConnectionError, when the reader is gone."""
        left = data
        while len(left) != 0:
            outcome, count = self.writer.write(left)
            if outcome == Outcome.WOULD_BLOCK:
                self.writer.begin_sleep()
                outcome, count = self.writer.write(left)
            if outcome == Outcome.WOULD_BLOCK:
                await self._wait()
                continue
            if outcome == Outcome.BROKEN:
                raise ConnectionError("the reader of a stream wrote what it must not")
            left = left[count:]
            if self.writer.must_wake():
                notification.signal(self.filled, MOVED)

    async def drain(self) -> None:
        """Waits until the reader has dealt with all that was written."""
        while not self.writer.is_read():
            self.writer.begin_sleep()
            if not self.writer.is_read():
                await self._wait()

    async def _wait(self) -> None:
        if not self.has_ended:
            bits = await notification.wait(self.drained, MOVED | ENDED)
            self.has_ended = bits & ENDED != 0 or bits == 0
        if self.has_ended:
            raise ConnectionError("the reader of a stream is gone")


def stream_reader(stream: ptr[Stream], filled: u64, drained: u64) -> StreamReader:
    return StreamReader(reader=open_reader(stream), filled=filled, drained=drained)


def stream_writer(stream: ptr[Stream], filled: u64, drained: u64) -> StreamWriter:
    return StreamWriter(writer=open_writer(stream), filled=filled, drained=drained)
