"""A stream of bytes from one writer to one reader in shared memory.

Either side keeps its own position in memory of its own and checks the other's: whatever the other side writes, nothing
outside the buffer is touched. Positions count bytes and never wrap.
Pure: tested on the host in every order of its accesses. Not here: doorbells (stream_ends.py).
"""
from compiler.prelude import (
    addr,
    array,
    atomic,
    const,
    fence,
    memory_copy,
    ptr,
    sizeof,
    span,
    struct,
    u8,
    u64,
    wrap_add,
    wrap_sub,
)
from userspace.lib.channels.outcome import Outcome

STREAM_BYTES = const(3840)


@struct(size=64)
class Line:
    value: atomic[u64]


@struct
class Stream:
    """One page."""
    written: Line                       # bytes, by the writer
    read: Line                          # bytes, by the reader
    reader_sleeps: Line
    writer_sleeps: Line
    buffer: array[u8, STREAM_BYTES]


assert sizeof(Stream) == 4096


@struct
class Writer:
    stream: ptr[Stream]
    position: u64

    def write(self, data: span[u8]) -> tuple[Outcome, u64]:
        """As many bytes as there is room for. Returns how many."""
        # Acquire: pairs with the release in read(), after which the reader no longer looks at the bytes.
        used = wrap_sub(self.position, self.stream.read.value.load("acquire"))
        if used > STREAM_BYTES:
            return Outcome.BROKEN, 0
        count = min(u64(len(data)), u64(STREAM_BYTES) - used)
        if count == 0 and len(data) != 0:
            return Outcome.WOULD_BLOCK, 0
        _copy_in(self.stream, self.position, data[:count])
        self.position = wrap_add(self.position, count)
        self.stream.written.value.store(self.position, "release")
        return Outcome.DONE, count

    def is_read(self) -> bool:
        """Whether the reader has dealt with all that was written."""
        return self.stream.read.value.load("acquire") == self.position

    def begin_sleep(self) -> None:
        """Before it looks a last time and sleeps."""
        self.stream.writer_sleeps.value.store(1, "relaxed")
        fence()                             # pairs with the one in must_wake()

    def must_wake(self) -> bool:
        """Whether the reader sleeps and has to be told; after a write."""
        return _takes_sleep(addr(self.stream.reader_sleeps))


@struct
class Reader:
    stream: ptr[Stream]
    position: u64

    def read(self, buffer: span[u8]) -> tuple[Outcome, u64]:
        """As many bytes as there are and `buffer` holds. Returns how many."""
        outcome, count = self.look(buffer)
        self.advance(count)
        return outcome, count

    def look(self, buffer: span[u8]) -> tuple[Outcome, u64]:
        """As read(), and the bytes stay until advance()."""
        # Acquire: pairs with the release in write(), before which the bytes were written.
        there = wrap_sub(self.stream.written.value.load("acquire"), self.position)
        if there > STREAM_BYTES:
            return Outcome.BROKEN, 0
        count = min(u64(len(buffer)), there)
        if count == 0 and len(buffer) != 0:
            return Outcome.WOULD_BLOCK, 0
        _copy_out(self.stream, self.position, buffer[:count])
        return Outcome.DONE, count

    def advance(self, count: u64) -> None:
        """The writer sees that these have been dealt with."""
        if count != 0:
            self.position = wrap_add(self.position, count)
            self.stream.read.value.store(self.position, "release")

    def begin_sleep(self) -> None:
        self.stream.reader_sleeps.value.store(1, "relaxed")
        fence()

    def must_wake(self) -> bool:
        """Whether the writer sleeps and has to be told; after a read."""
        return _takes_sleep(addr(self.stream.writer_sleeps))


def open_writer(stream: ptr[Stream]) -> Writer:
    """Goes on where an earlier writer ended."""
    return Writer(stream=stream, position=stream.written.value.load("acquire"))


def open_reader(stream: ptr[Stream]) -> Reader:
    return Reader(stream=stream, position=stream.read.value.load("acquire"))


def _takes_sleep(sleeps: ptr[Line]) -> bool:
    # A store of a position may not pass the load below: pairs with the fence in begin_sleep().
    fence()
    return sleeps.value.load("relaxed") != 0 and sleeps.value.exchange(0, "relaxed") != 0


def _copy_in(stream: ptr[Stream], position: u64, data: span[u8]) -> None:
    if len(data) == 0:
        return
    at = position % STREAM_BYTES
    first = min(u64(len(data)), u64(STREAM_BYTES) - at)
    memory_copy(addr(stream.buffer[at]), addr(data[0]), first)
    if first != len(data):
        memory_copy(addr(stream.buffer[0]), addr(data[first]), len(data) - first)


def _copy_out(stream: ptr[Stream], position: u64, buffer: span[u8]) -> None:
    if len(buffer) == 0:
        return
    at = position % STREAM_BYTES
    first = min(u64(len(buffer)), u64(STREAM_BYTES) - at)
    memory_copy(addr(buffer[0]), addr(stream.buffer[at]), first)
    if first != len(buffer):
        memory_copy(addr(buffer[first]), addr(stream.buffer[0]), len(buffer) - first)
