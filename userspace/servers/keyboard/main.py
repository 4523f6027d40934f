"""The keyboard: what is typed there goes to the console, as the bytes that a terminal would send.

Where there is no keyboard it ends, and well.
"""
import asyncio

from compiler.prelude import addr, zeroed
from userspace.lib import program
from userspace.lib.channels.grants import grant_writer
from userspace.lib.channels.stream_ends import StreamWriter
from userspace.servers.control.server import serve_control
from userspace.servers.keyboard.driver import has_keyboard, open_keyboard, read_keys

_keys: StreamWriter = zeroed()


async def main() -> None:
    if not grant_writer("keys", addr(_keys)):
        print("keyboard: this program was not given its stream")
        program.exit_status = 1
        return
    problem = await open_keyboard()
    if len(problem) != 0:
        print(f"keyboard: {problem}")
        program.exit_status = 1
    if len(problem) != 0 or not has_keyboard():
        return
    _ = asyncio.create_task(serve_control())
    while True:
        await _keys.write(await read_keys())


if __name__ == "__main__":
    asyncio.run(main())
