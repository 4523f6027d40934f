"""What each CPU's one alarm is set for: the end of the slice that runs, and the first of its timers.

An alarm that comes too early does no harm: it finds nothing due and is set again. A CPU that goes off line gives its
timers to another one.
Locks: one per CPU (Rank.TIMERS) guards its timers; actions are called without it.
Not here: the order of timers (timers.py), the clock (arch/x86_64/clock.py).
"""
from compiler.prelude import addr, const, guarded_by, percpu, percpu_address, ptr, struct, u32, u64, wrap_add
from kernel.arch.x86_64 import clock, cpu, mailbox
from kernel.core.online import first_online
from kernel.core.timers import NEVER, Timer, TimerQueue, add, first_deadline, remove, take_any, take_due
from kernel.sync import spinlock
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_AT_ONCE = const(32)                    # timers whose actions are called in one interrupt
_ON_ITS_WAY = const(0xFFFF_FFFF)        # as a timer's CPU, from one to another


@struct
class Alarm:
    lock: SpinLock
    with guarded_by("lock"):
        timers: TimerQueue
        count: u64                      # of timers
    slice_end_ns: u64
    set_for_ns: u64                     # NEVER while it is not set


_alarm: percpu[Alarm] = Alarm(lock=SpinLock(rank=Rank.TIMERS), slice_end_ns=NEVER, set_for_ns=NEVER)


def start() -> None:
    mailbox.handlers[mailbox.Request.TIMERS] = note_alarm


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
    _add(alarm, timer, cpu.index)
    if timer.deadline_ns < alarm.set_for_ns:
        _set(alarm, timer.deadline_ns)


def stop_timer(timer: ptr[Timer]) -> bool:
    """Returns False when its action has been or is being called."""
    while True:
        index = timer.cpu.load("acquire")
        if index == _ON_ITS_WAY:
            spinlock.while_spinning()
            continue
        alarm = _of(index)
        with alarm.lock:
            if timer.cpu.load("relaxed") == index:
                was_queued = timer.is_queued
                if was_queued:
                    remove(addr(alarm.timers), timer)
                    alarm.count -= 1
                return was_queued


def give_timers_away() -> None:
    """This CPU is off line: its timers are to go off on another one. Ends when it is on line again."""
    alarm = _mine()
    while True:
        target = first_online()
        if target == cpu.index:
            return
        with alarm.lock:
            timer = take_any(addr(alarm.timers))
            if timer is None:
                return
            alarm.count -= 1
            timer.cpu.store(_ON_ITS_WAY, "relaxed")
        _add(_of(target), timer, target)
        mailbox.post(target, mailbox.Request.TIMERS)


def timers_of(index: u32) -> u64:
    """How many timers a CPU has."""
    alarm = _of(index)
    with alarm.lock:
        return alarm.count


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


def _add(alarm: ptr[Alarm], timer: ptr[Timer], index: u32) -> None:
    with alarm.lock:
        add(addr(alarm.timers), timer)
        alarm.count += 1
        # Pairs with stop_timer(): from here on the timer is found in this queue.
        timer.cpu.store(index, "release")


def _take_due(alarm: ptr[Alarm], now_ns: u64) -> ptr[Timer] | None:
    with alarm.lock:
        timer = take_due(addr(alarm.timers), now_ns)
        if timer is not None:
            alarm.count -= 1
    return timer


def _set(alarm: ptr[Alarm], deadline_ns: u64) -> None:
    alarm.set_for_ns = deadline_ns
    clock.set_alarm(deadline_ns)


def _of(index: u32) -> ptr[Alarm]:
    return ptr[Alarm](wrap_add(cpu.bases[index], percpu_address(_alarm)))


def _mine() -> ptr[Alarm]:
    return ptr[Alarm](wrap_add(cpu.base, percpu_address(_alarm)))
