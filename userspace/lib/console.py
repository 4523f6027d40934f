"""The console as a program uses it, by the streams to and from its server: keys are awaited, text is written.

What is written waits here until flush(), which returns once it has been shown: what others print after that comes after
it on the screen.
"""
from compiler.prelude import addr, array, const, fstring, ptr, span, u8, u32, u64, zeroed
from kernel.abi.syscall import DEBUG_LOG_BYTES
from userspace.lib.channels.grants import grant_reader, grant_writer
from userspace.lib.channels.stream_ends import StreamReader, StreamWriter
from userspace.lib.text import Text

_RETURN = const(0x0D)
_NEWLINE = const(0x0A)
_WAITING_BYTES = const(64 << 10)        # what does not fit is lost

_input: StreamReader = zeroed()
_output: StreamWriter = zeroed()
_waiting: array[u8, _WAITING_BYTES] = zeroed()
_waits: u64 = 0


def open_console() -> bool:
    """Returns False when this program was not given a console."""
    return grant_reader("input", addr(_input)) and grant_writer("output", addr(_output))


async def read(buffer: span[u8]) -> u64:
    """Waits for keys. Returns how many bytes came."""
    return await _input.read(buffer)


async def flush() -> None:
    global _waits
    while _waits != 0:
        count = _waits
        await _output.write(_waiting[:count])
        for index in range(_waits - count):
            _waiting[index] = _waiting[count + index]
        _waits -= count
    await _output.drain()


def write(text: span[u8]) -> None:
    global _waits
    for character in text:
        if _waits < _WAITING_BYTES:
            _waiting[_waits] = character
            _waits += 1


def write_text(text: str) -> None:
    write(text.encode())


def write_line(line: fstring[Text]) -> None:
    say(line)


def say(line: ptr[Text]) -> None:
    """Writes a line that f-strings cannot make, because it holds somebody else's text."""
    line.length = min(line.length, u32(DEBUG_LOG_BYTES - 2))
    line.put(_RETURN)
    line.put(_NEWLINE)
    write(line.characters[0 : line.length])
