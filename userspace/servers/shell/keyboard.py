"""Keys as they come from the console.

While a program runs, the interrupt key ends it, and the others wait.
"""
import asyncio

from compiler.prelude import addr, array, const, u8, u64, zeroed
from userspace.lib import console
from userspace.lib.process import kill
from userspace.servers.shell.jobs import NO_JOB, jobs

INTERRUPTED = const(130)                # exit status of a program that was ended by the key
_INTERRUPT = const(0x03)
_MOST_KEYS = const(256)                 # that wait; further ones are lost
_PART_BYTES = const(64)

foreground: u64 = NO_JOB                # the job that the interrupt key ends
_keys: array[u8, _MOST_KEYS] = zeroed()
_head: u64 = 0
_tail: u64 = 0
_has_ended: bool = False
_came: asyncio.Event = zeroed()


async def read_keys() -> None:
    """A task of its own, until the console is gone."""
    global _has_ended
    part: array[u8, _PART_BYTES] = zeroed()
    count = await console.read(part[:])
    while count != 0:
        for key in part[:count]:
            _take(key)
        count = await console.read(part[:])
    _has_ended = True
    _came.set()


def _take(key: u8) -> None:
    global _tail
    if key == _INTERRUPT and foreground != NO_JOB:
        kill(addr(jobs[foreground].child), INTERRUPTED)
    elif _tail - _head < _MOST_KEYS:
        _keys[_tail % _MOST_KEYS] = key
        _tail += 1
        _came.set()


async def next_key() -> u8:
    """Errors: ConnectionError, when there will be no more."""
    global _head
    while _head == _tail:
        if _has_ended:
            raise ConnectionError("the console is gone")
        _came.clear()
        _ = await _came.wait()
    key = _keys[_head % _MOST_KEYS]
    _head += 1
    return key


def set_foreground(number: u64) -> None:
    global foreground
    foreground = number
