"""Tasks that wait for a time, by deadline. The kernel knows of the first only, as the deadline of the loop's wait."""
from compiler.prelude import addr, const, f64, offsetof, ptr, struct, u64, zeroed
from kernel.core.timers import NEVER as _NEVER
from kernel.core.timers import Timer, TimerQueue, add, first_deadline, remove, take_due
from userspace.lib.asyncio.task import TaskBase, cancel, make_ready, park, running
from userspace.lib.time import monotonic_ns, nanoseconds

NEVER = const(_NEVER)


@struct
class Sleeper:
    """Lies in the frame of whoever sleeps."""
    timer: Timer
    task: ptr[TaskBase]
    cancels: bool                       # the task is cancelled, not only woken


_TIMER = const(offsetof(Sleeper, "timer"))
_queue: TimerQueue = zeroed()


def first_ns() -> u64:
    return first_deadline(addr(_queue))


def wake_due(now_ns: u64) -> None:
    while True:
        timer = take_due(addr(_queue), now_ns)
        if timer is None:
            return
        sleeper = ptr[Sleeper](u64(timer) - _TIMER)
        if sleeper.cancels:
            _ = cancel(sleeper.task)
        else:
            make_ready(sleeper.task)


async def sleep_until(deadline_ns: u64) -> None:
    sleeper: Sleeper = zeroed()
    sleeper.task = running()
    start_timer(addr(sleeper), deadline_ns)
    try:
        while sleeper.timer.is_queued:
            await park()
    finally:
        stop_timer(addr(sleeper))


def start_timer(sleeper: ptr[Sleeper], deadline_ns: u64) -> None:
    sleeper.timer.deadline_ns = deadline_ns
    add(addr(_queue), addr(sleeper.timer))


def stop_timer(sleeper: ptr[Sleeper]) -> None:
    if sleeper.timer.is_queued:
        remove(addr(_queue), addr(sleeper.timer))


async def sleep_ns(duration_ns: u64) -> None:
    if duration_ns == 0:
        make_ready(running())
        await park()
    else:
        await sleep_until(monotonic_ns() + duration_ns)


async def sleep(delay: f64) -> None:
    """asyncio.sleep: seconds. 0 gives every other ready task a turn."""
    await sleep_ns(nanoseconds(delay))
