"""Upcalls: sent when completions come in, delivered when their thread is about to run in user mode.

Everything in the block may change at any moment: each word is read once, and the worst it can do is send its own
thread astray, to a fault of its own.
Invariant I-RING-6: a thread whose ring got a completion while upcalls were armed has UPCALL_DUE set until it is next
about to run in user mode; what cannot be delivered then is in `pending`.
"""
from typing import NoReturn

from compiler.prelude import addr, atomic, const, offsetof, ptr, u32, u64, wrap_sub
from kernel.abi.errors import Status
from kernel.abi.ring import UserPage
from kernel.abi.upcall import REASONS, Reason, UpcallBlock
from kernel.arch.x86_64 import clock
from kernel.arch.x86_64.entry import resume_user
from kernel.arch.x86_64.frame import Registers
from kernel.complete.latch import look_at_head
from kernel.complete.post import send_upcall
from kernel.complete.queue import unread
from kernel.complete.ring_block import Ring
from kernel.core import alarm, context
from kernel.core.attention import attend
from kernel.core.thread_block import (
    TELLS_PREEMPTION,
    UPCALL_DUE,
    WAS_PREEMPTED,
    Thread,
    current_thread,
    is_program_counter,
)
from kernel.core.timers import Timer
from kernel.objects.registers import install, snapshot

_BLOCK = const(offsetof(UserPage, "upcall"))
_UPCALL_TIMER = const(offsetof(Ring, "upcall_timer"))
_LONGEST_NS = const(1 << 62)


def start() -> None:
    context.deliver_upcall = deliver


def arm(thread: ptr[Thread], reasons: u64) -> Status:
    """Errors: BAD_ARGUMENT; BUSY, when the thread has no ring."""
    ring = thread.ring
    if reasons & ~u64(REASONS) != 0:
        return Status.BAD_ARGUMENT
    if ring is None:
        return Status.BUSY
    with ring.lock:
        ring.has_upcalls = reasons != 0
    if reasons & Reason.PREEMPTED != 0:
        _ = thread.conditions.fetch_or(TELLS_PREEMPTION)
    else:
        _ = thread.conditions.fetch_and(~u64(TELLS_PREEMPTION | WAS_PREEMPTED))
    return Status.OK


def deliver(thread: ptr[Thread]) -> None:
    """Requires: the thread is this CPU's, its registers are complete, and all of them are loaded before it goes on."""
    conditions = thread.conditions.fetch_and(~u64(UPCALL_DUE | WAS_PREEMPTED), "acq_rel")
    ring = thread.ring
    if ring is None or not ring.has_upcalls:
        return
    with ring.lock:
        look_at_head(ring)
        there = unread(ring)
        tail = ring.completion_tail
        if conditions & WAS_PREEMPTED != 0:
            ring.told |= Reason.PREEMPTED
    block = addr(ring.user_page.upcall)
    if ring.is_broken or not _is_due(ring, block, there):
        return
    counter = thread.registers.rip
    if block.disabled.load("acquire") != 0 or block.critical_low <= counter < block.critical_high:
        block.pending.store(1, "release")
        return
    if not _keep_interval(ring, block.interval_ns):
        return
    reasons = _take_reasons(ring, there)
    snapshot(thread, addr(block.frame.registers))
    block.frame.reasons = reasons
    block.frame.completion_tail = u64(tail)
    block.disabled.store(1, "release")
    entry = ptr[atomic[u64]](addr(block.entry)).load("relaxed")      # once: it is checked
    thread.registers = Registers(
        # An entry that does not exist becomes a jump to nowhere, which the thread's handler is told of.
        rip=entry if is_program_counter(entry) else u64(0),
        rsp=wrap_sub(block.stack_top & ~u64(15), 8),
        rdi=ring.user_place + _BLOCK, rsi=reasons, rdx=u64(tail),
    )  # fmt: skip


def return_from_upcall() -> Status:
    """Goes on where the upcall came, if what the frame says can be. Errors: BAD_CALL, BAD_ARGUMENT."""
    thread = current_thread()
    ring = thread.ring
    if ring is None or not ring.has_upcalls:
        return Status.BAD_CALL
    block = addr(ring.user_page.upcall)
    status = install(thread, addr(block.frame.registers))
    if status != Status.OK:
        return status
    if block.interval_ns != 0:
        ring.upcall_ns = clock.now_ns()
    context.load_bases(thread)
    block.disabled.store(0, "release")
    if block.pending.exchange(0, "acq_rel") != 0:
        deliver(thread)
    _resume()


def _resume() -> NoReturn:
    attend()
    resume_user()


def _is_due(ring: ptr[Ring], block: ptr[UpcallBlock], there: u32) -> bool:
    """Whether there is enough to tell; if it will be after the delay, the timer is set for that."""
    if ring.told & Reason.PREEMPTED != 0 or there != 0 and ring.is_delay_over:
        return True
    if there >= max(block.threshold, 1):
        return True
    delay = block.delay_ns
    if there != 0 and delay != 0:
        ring.waits_for_delay = True
        _try_again(ring, delay)
    return False


def _keep_interval(ring: ptr[Ring], interval: u64) -> bool:
    """Returns False when the last upcall is too fresh: this one comes by the timer then."""
    if interval == 0:
        return True
    now = clock.now_ns()
    passed = now - ring.upcall_ns
    if passed < interval and ring.told & Reason.PREEMPTED == 0:
        ring.waits_for_delay = ring.is_delay_over
        _try_again(ring, interval - passed)
        return False
    ring.upcall_ns = now
    return True


def _take_reasons(ring: ptr[Ring], there: u32) -> u64:
    with ring.lock:
        reasons = u64(ring.told)
        ring.told = 0
        ring.is_delay_over = False
    return reasons | Reason.COMPLETION if there != 0 else reasons & ~u64(Reason.TIMER)


def _try_again(ring: ptr[Ring], after_ns: u64) -> None:
    """Looks at the block again after a time, or when the timer that runs already has ended."""
    if ring.upcall_timer.is_queued:
        return
    ring.upcall_timer.deadline_ns = clock.now_ns() + min(after_ns, _LONGEST_NS)
    ring.upcall_timer.action = _note_time
    alarm.start_timer(addr(ring.upcall_timer))


def _note_time(timer: ptr[Timer]) -> None:
    ring = ptr[Ring](u64(timer) - _UPCALL_TIMER)
    with ring.lock:
        ring.is_delay_over = ring.waits_for_delay
        send_upcall(ring)
