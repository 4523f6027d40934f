"""asyncio's wait_for and timeout: a deadline around something that is awaited."""
from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import addr, f64, ptr, struct, u64, zeroed
from userspace.lib.asyncio.sleepers import Sleeper, start_timer, stop_timer
from userspace.lib.asyncio.task import (
    CancelledError,
    TaskBase,
    Waiter,
    add_waiter,
    create_task,
    detach,
    discard,
    park,
    remove_waiter,
    running,
    wait_for_end,
)
from userspace.lib.time import monotonic_ns, nanoseconds

T = TypeVar("T")


async def wait_for(awaitable: Awaitable[T], timeout: f64) -> T:
    """Awaits with a deadline: when it passes, what was awaited is cancelled and TimeoutError raised.

    What ends otherwise although it was cancelled then has its result or exception all the same. A cancellation of
    whoever waits is one of what is awaited, too, and goes on when that has ended.
    """
    task = create_task(awaitable)
    base = addr(task.base)
    is_late = False
    try:
        await _wait_in_time(base, monotonic_ns() + nanoseconds(timeout))
        is_late = task.cancel()
        await wait_for_end(base)
    except CancelledError:
        _ = task.cancel()
        try:
            await wait_for_end(base)
        finally:
            detach(base)
        raise
    if is_late and base.was_cancelled():
        discard(base)
        raise TimeoutError
    return await task


async def _wait_in_time(task: ptr[TaskBase], deadline_ns: u64) -> None:
    waiter = Waiter(task=running())
    sleeper: Sleeper = zeroed()
    sleeper.task = running()
    add_waiter(task, addr(waiter))
    start_timer(addr(sleeper), deadline_ns)
    try:
        while not task.is_done and sleeper.timer.is_queued:
            await park()
    finally:
        stop_timer(addr(sleeper))
        remove_waiter(task, addr(waiter))


@struct
class Timeout:
    """`async with asyncio.timeout(seconds):` cancels what runs inside when the time is over: TimeoutError."""
    sleeper: Sleeper
    nanoseconds: u64
    has_begun: bool
    was_in_time: bool                   # the block had ended before the time was over

    def expired(self) -> bool:
        return self.has_begun and not self.was_in_time and not self.sleeper.timer.is_queued

    async def __aenter__(self) -> ptr["Timeout"]:
        self.sleeper.task = running()
        self.sleeper.cancels = True
        start_timer(addr(self.sleeper), monotonic_ns() + self.nanoseconds)
        self.has_begun = True
        return self

    async def __aexit__(self) -> None:
        if self.sleeper.timer.is_queued:
            stop_timer(addr(self.sleeper))
            self.was_in_time = True
        elif running().is_cancelled:
            running().is_cancelled = False  # the time was over, but the block had ended
        else:
            raise TimeoutError


def timeout(delay: f64) -> Timeout:
    return Timeout(nanoseconds=nanoseconds(delay))
