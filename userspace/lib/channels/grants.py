"""Streams that a program was given when it started, by name."""
from compiler.prelude import const, ptr, u64
from userspace.lib.channels.stream import Stream
from userspace.lib.channels.stream_ends import StreamReader, StreamWriter, map_stream, stream_reader, stream_writer
from userspace.lib.memory import PAGE
from userspace.lib.start_info import find_grant, find_grant_of

_FIRST_PLACE = const(0x38_0000_0000)

_next_place: u64 = _FIRST_PLACE


def grant_reader(name: str, reader: ptr[StreamReader]) -> bool:
    """Returns False when the program was not given that."""
    stream = _map(name)
    if stream is None:
        return False
    reader[0] = stream_reader(stream, find_grant_of(name, ".filled"), find_grant_of(name, ".drained"))
    return True


def grant_writer(name: str, writer: ptr[StreamWriter]) -> bool:
    stream = _map(name)
    if stream is None:
        return False
    writer[0] = stream_writer(stream, find_grant_of(name, ".filled"), find_grant_of(name, ".drained"))
    return True


def _map(name: str) -> ptr[Stream] | None:
    global _next_place
    memory = find_grant(name)
    if memory == 0:
        return None
    place = _next_place
    _next_place = place + PAGE
    return map_stream(memory, place)
