"""Each CPU's run queue, and what is charged and asked there at every switch.

Not here: what the queue's threads are told to do (schedule.py), the order in it (run_queue.py).
"""
from collections.abc import Callable

from compiler.prelude import (
    addr,
    asm_x64,
    const,
    export,
    fence,
    inline,
    naked,
    offsetof,
    panic,
    percpu,
    percpu_address,
    ptr,
    u32,
    u64,
    wrap_add,
    wrap_sub,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.entry import LOWER_HALF_BITS
from kernel.arch.x86_64.registers import read_time_stamp
from kernel.core.online import first_online, is_online
from kernel.core.run_queue import IDLE, RunQueue
from kernel.core.thread_block import CAPPED, Thread, Wait, cpu_of, may_run_on
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_LENGTH = const(offsetof(RunQueue, "length"))


def _no_cap(thread: ptr[Thread], ticks: u64) -> None:
    panic("a thread had a cap before there was anything to enforce it")


note_capped: Callable[[ptr[Thread], u64], None] = _no_cap   # charges its accounts (core/throttle.py)
are_caps_used: bool = False             # whether any account has ever had a cap (objects/account.py)
_queue: percpu[RunQueue] = RunQueue(lock=SpinLock(rank=Rank.RUN_QUEUE))


def queue_of(index: u32) -> ptr[RunQueue]:
    return ptr[RunQueue](wrap_add(cpu.bases[index], percpu_address(_queue)))


def this_queue() -> ptr[RunQueue]:
    return ptr[RunQueue](wrap_add(cpu.base, percpu_address(_queue)))


def least_loaded(thread: ptr[Thread]) -> u32:
    """The CPU with the least to do of those on which the thread may run."""
    best = first_online()
    least: u32 = 0xFFFF_FFFF
    for index in range(cpu.known_cpus):
        if is_online(index) and may_run_on(thread, index):
            queue = queue_of(index)
            load = queue.length.load("relaxed") + u32(queue.running.load("relaxed") != IDLE)
            if load < least:
                best = index
                least = load
    return best


def idle_ticks(index: u32) -> u64:
    """How long a CPU has idled, up to now."""
    queue = queue_of(index)
    total = queue.idle_time.load("acquire")
    return total + read_time_stamp() - queue.since if queue.running.load("relaxed") == IDLE else total


def ticks_of(thread: ptr[Thread]) -> u64:
    """How long a thread has run, up to now: one that runs alone is charged seldom. Never less than was told before.

    What its CPU does between the last charge and the note that the thread waits or is ready may be counted too.
    """
    ticks = _count_ticks(thread)
    told = thread.told_ticks.load("relaxed")
    while told < ticks:
        told, is_told = thread.told_ticks.compare_exchange(told, ticks, "relaxed")
        if is_told:
            return ticks
    return told


def _count_ticks(thread: ptr[Thread]) -> u64:
    """A CPU that has stopped running a thread keeps its frame for a while: the thread is ready or waits then."""
    while True:
        home = cpu_of(thread)
        frame = ptr[u64](wrap_add(cpu.bases[home], percpu_address(cpu.frame)))
        charged = thread.cpu_time
        fence("acquire")                # pairs with charge(): what has been charged is not counted again
        running = wrap_sub(read_time_stamp(), queue_of(home).since)
        is_off = thread.is_ready or thread.wait.load("acquire") != Wait.NONE
        if is_off or frame[0] != u64(addr(thread.registers)):
            return thread.cpu_time
        fence("acquire")
        if thread.cpu_time == charged and cpu_of(thread) == home:
            # Its CPU may have begun to count anew after the time stamp was read, or count a little ahead of this one.
            return charged if running >> 63 != 0 else charged + running


def charge(thread: ptr[Thread]) -> None:
    """Charges the time since the last switch to the thread that this CPU runs."""
    ticks = _take_ticks()
    thread.cpu_time = wrap_add(thread.cpu_time, ticks)
    if thread.conditions.load("relaxed") & CAPPED != 0:
        note_capped(thread, ticks)


@inline
def _take_ticks() -> u64:
    """The time since the last switch. Whoever reads it from elsewhere finds it taken before it is charged."""
    now = read_time_stamp()
    ticks = wrap_sub(now, _queue.since)
    _queue.since = now
    fence("release")
    return ticks


def charge_capped(thread: ptr[Thread]) -> None:
    """In the middle of its run, so that a thread whose account has a cap is stopped in time."""
    if thread.conditions.load("relaxed") & CAPPED != 0:
        charge(thread)


@inline
def charge_direct(thread: ptr[Thread]) -> None:
    """The same for a thread that has no cap."""
    thread.cpu_time = wrap_add(thread.cpu_time, _take_ticks())


def note_request() -> None:
    """The mailbox's handler for RESCHEDULE, and the end of an alarm: whoever leaves the kernel next looks."""
    cpu.attention = 1


def note_level(level: u32) -> None:
    """For a direct switch: the level of the thread that this CPU is about to run (I-CORE-5)."""
    _queue.running.store(level, "relaxed")


@inline
def is_nobody_ready() -> bool:
    return _queue.ready.load("relaxed") == 0


def is_first(priority: u32) -> bool:
    """Whether a thread of this priority may go before all that are ready on this CPU: none has a higher one, and if
    one has the same, the end of the slice is awaited."""
    above = _queue.ready.load("relaxed") >> u64(priority & 63)
    return above == 0 or above == 1 and _queue.is_ticking


def note_cap(thread: ptr[Thread]) -> bool:
    """Returns whether the thread's account or one above has a cap on CPU time, which is noted in its conditions."""
    if not are_caps_used:
        return False
    has_cap = False
    account = thread.header.account
    while account is not None and not has_cap:
        has_cap = account.cpu_share.load("relaxed") != 0
        account = account.header.account
    if has_cap != (thread.conditions.load("relaxed") & CAPPED != 0):
        _ = thread.conditions.fetch_xor(CAPPED, "relaxed")
    return has_cap


@export("yield_at_once")
@naked
@asm_x64
def yield_at_once() -> None:
    """From the door, all registers but the gs base still the user's: a yield goes back at once if nobody is ready."""
    cmp(dword[gs, _queue, _LENGTH], 0)
    raw("jne enter_system_call")
    mov(rdx, rcx)
    shr(rdx, LOWER_HALF_BITS)
    raw("jne enter_system_call")
    xor(eax, eax)
    raw("jmp leave_at_once")
