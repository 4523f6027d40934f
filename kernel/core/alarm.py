"""What each CPU's one alarm is set for: the end of the slice that runs, and the first of its timers.

An alarm that comes too early does no harm: it finds nothing due and is set again.
Locks: one per CPU (Rank.TIMERS) guards its timers; actions are called without it.
Not here: the order of timers (timers.py), the clock (arch/x86_64/clock.py).
"""
from compiler.prelude import addr, const, percpu, percpu_address, ptr, struct, u64, wrap_add
from kernel.arch.x86_64 import clock, cpu
from kernel.core.timers import NEVER, Timer, TimerQueue, add, first_deadline, remove, take_due
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_AT_ONCE = const(32)                    # timers whose actions are called in one interrupt


@struct
class Alarm:
    lock: SpinLock
    timers: TimerQueue
    slice_end_ns: u64
    set_for_ns: u64                     # NEVER while it is not set


_alarm: percpu[Alarm] = Alarm(lock=SpinLock(rank=Rank.TIMERS), slice_end_ns=NEVER, set_for_ns=NEVER)


def set_slice_end(deadline_ns: u64) -> None:
    """NEVER when nobody waits for the end of the slice."""
    alarm = _mine()
    alarm.slice_end_ns = deadline_ns
    if deadline_ns < alarm.set_for_ns:
        _set(alarm, deadline_ns)


def start_timer(timer: ptr[Timer]) -> None:
    """Calls the timer's action on this CPU soon after its deadline, unless it is stopped before.

    Requires: it is not started; whoever starts and stops it takes turns.
    """
    alarm = _mine()
    timer.cpu = cpu.index
    with alarm.lock:
        add(addr(alarm.timers), timer)
    if timer.deadline_ns < alarm.set_for_ns:
        _set(alarm, timer.deadline_ns)


def stop_timer(timer: ptr[Timer]) -> bool:
    """Returns False when its action has been or is being called."""
    alarm = ptr[Alarm](wrap_add(cpu.bases[timer.cpu], percpu_address(_alarm)))
    with alarm.lock:
        was_queued = timer.is_queued
        if was_queued:
            remove(addr(alarm.timers), timer)
    return was_queued


def note_alarm() -> None:
    """The alarm's interrupt: calls the actions that are due, at most some at once, and sets the next alarm."""
    alarm = _mine()
    alarm.set_for_ns = NEVER
    now = clock.now_ns()
    for _ in range(_AT_ONCE):
        timer = _take_due(alarm, now)
        if timer is None:
            break
        timer.action(timer)
    with alarm.lock:
        deadline = first_deadline(addr(alarm.timers))
    if alarm.slice_end_ns > now:
        deadline = min(deadline, alarm.slice_end_ns)
    if deadline < alarm.set_for_ns:
        _set(alarm, deadline)


def _take_due(alarm: ptr[Alarm], now_ns: u64) -> ptr[Timer] | None:
    with alarm.lock:
        return take_due(addr(alarm.timers), now_ns)


def _set(alarm: ptr[Alarm], deadline_ns: u64) -> None:
    alarm.set_for_ns = deadline_ns
    clock.set_alarm(deadline_ns)


def _mine() -> ptr[Alarm]:
    return ptr[Alarm](wrap_add(cpu.base, percpu_address(_alarm)))
