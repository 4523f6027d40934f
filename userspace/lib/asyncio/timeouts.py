"""asyncio's wait_for and timeout: a deadline around something that is awaited."""
from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import addr, f64, ptr, struct, u64, zeroed
from userspace.lib.asyncio.sleepers import Sleeper, start_timer, stop_timer
from userspace.lib.asyncio.task import (
    Waiter,
    add_waiter,
    create_task,
    discard,
    park,
    remove_waiter,
    running,
    wait_for_end,
)
from userspace.lib.time import monotonic_ns, nanoseconds

T = TypeVar("T")


async def wait_for(awaitable: Awaitable[T], timeout: f64) -> T:
    """Awaits with a deadline: when it passes, what was awaited is cancelled and TimeoutError raised."""
    task = create_task(awaitable)
    base = addr(task.base)
    waiter = Waiter(task=running())
    sleeper: Sleeper = zeroed()
    sleeper.task = running()
    add_waiter(base, addr(waiter))
    start_timer(addr(sleeper), monotonic_ns() + nanoseconds(timeout))
    try:
        while not base.is_done and sleeper.timer.is_queued:
            await park()
    finally:
        stop_timer(addr(sleeper))
        remove_waiter(base, addr(waiter))
        if not base.is_done:
            _ = task.cancel()
            await wait_for_end(base)
            discard(base)
            raise TimeoutError
    return await task


@struct
class Timeout:
    """`async with asyncio.timeout(seconds):` cancels what runs inside when the time is over: TimeoutError."""
    sleeper: Sleeper
    nanoseconds: u64

    async def __aenter__(self) -> ptr["Timeout"]:
        self.sleeper.task = running()
        self.sleeper.cancels = True
        start_timer(addr(self.sleeper), monotonic_ns() + self.nanoseconds)
        return self

    async def __aexit__(self) -> None:
        if self.sleeper.timer.is_queued:
            stop_timer(addr(self.sleeper))
        elif running().is_cancelled:
            running().is_cancelled = False  # the time was over, but the block had ended
        else:
            raise TimeoutError


def timeout(delay: f64) -> Timeout:
    return Timeout(nanoseconds=nanoseconds(delay))
