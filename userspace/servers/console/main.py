"""The console: keys of the serial line and the keyboard go to the shell, what the shell and the log say is shown.

Has COM1 and the screen; the kernel has them when this program has ended, and in a panic. Text is shown before its
writer hears that it was read.
"""
import asyncio

from compiler.prelude import addr, array, const, span, u8, zeroed
from userspace.lib import program
from userspace.lib.channels.grants import grant_reader, grant_writer
from userspace.lib.channels.stream_ends import StreamReader, StreamWriter
from userspace.servers.console.display import show_log, show_text, take_console
from userspace.servers.console.serial_line import has_serial_line, listen, open_serial_line, read_byte
from userspace.servers.control.server import serve_control

_PART_BYTES = const(256)

_keys: StreamReader = zeroed()
_input: StreamWriter = zeroed()
_output: StreamReader = zeroed()
_lock: asyncio.Lock = zeroed()          # of _input, which two tasks write to


async def pass_on(data: span[u8]) -> None:
    async with _lock:
        await _input.write(data)


async def read_serial_line() -> None:
    byte: array[u8, 1] = zeroed()
    while True:
        byte[0] = await read_byte()
        await pass_on(byte[:])


async def read_keys() -> None:
    """Until there is no keyboard any more; then the serial line is left."""
    part: array[u8, _PART_BYTES] = zeroed()
    count = await _keys.read(part[:])
    while count != 0:
        await pass_on(part[:count])
        count = await _keys.read(part[:])


async def show_output() -> None:
    part: array[u8, _PART_BYTES] = zeroed()
    while True:
        count = await _output.look(part[:])
        show_text(part[:count])
        _output.advance(count)


async def main() -> None:
    problem = await open_serial_line() if has_serial_line() else ""
    has_streams = (
        grant_reader("keys", addr(_keys)) and grant_writer("input", addr(_input))
        and grant_reader("output", addr(_output))
    )
    if len(problem) == 0 and not has_streams:
        problem = "this program was not given its streams"
    if len(problem) == 0:
        problem = take_console()
    if len(problem) != 0:
        print(f"console: {problem}")
        program.exit_status = 1
        return
    async with asyncio.TaskGroup() as group:
        if has_serial_line():
            listen()
            _ = group.create_task(read_serial_line())
        _ = group.create_task(read_keys())
        _ = group.create_task(show_log())
        _ = group.create_task(show_output())
        _ = group.create_task(serve_control())


if __name__ == "__main__":
    asyncio.run(main())
