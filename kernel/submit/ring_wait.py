"""The wait in ring_enter: for unread completions, until a deadline.

It is interrupted for invocations that the thread has to carry out itself (invocations.py), and goes on behind them.
Locks: Ring.lock.
"""
from typing import NoReturn

from compiler.prelude import addr, const, inline, offsetof, ptr, u64
from kernel.abi.errors import Status
from kernel.arch.x86_64 import clock
from kernel.arch.x86_64.entry import resume_user, run_on_kernel_stack
from kernel.complete.latch import look_at_head
from kernel.complete.post import end_wait
from kernel.complete.queue import unread
from kernel.complete.ring_block import Ring
from kernel.core import alarm, calls, context, schedule, wait
from kernel.core.attention import attend
from kernel.core.thread_block import WAIT_INTERRUPTED, WAIT_STEP, Thread, Wait, current_thread
from kernel.core.timers import NEVER, Timer
from kernel.submit.invocations import carry_out

_TIMER = const(offsetof(Ring, "timer"))


def start() -> None:
    context.enter_with_a_look = _enter


@inline
def begin(ring: ptr[Ring], thread: ptr[Thread], deadline_ns: u64) -> u64:
    """This CPU's thread waits for `wanted` completions from here on; 0 is no deadline. Returns what its `wait` is.

    Requires: Ring.lock. The caller looks for a killer and leaves the CPU when that is free.
    """
    ring.timer.deadline_ns = deadline_ns if deadline_ns != 0 else NEVER
    if deadline_ns != 0:
        ring.timer.action = _time_out
        alarm.start_timer(addr(ring.timer))
    return _publish(ring, thread)


@inline
def _publish(ring: ptr[Ring], thread: ptr[Thread]) -> u64:
    thread.waits += WAIT_STEP
    word = thread.waits | u64(Wait.RING)
    ring.waiting = word
    wait.publish(thread, word)
    return word


def _time_out(timer: ptr[Timer]) -> None:
    """The deadline of a wait. The wait may have ended meanwhile, and another one begun."""
    ring = ptr[Ring](u64(timer) - _TIMER)
    woken: ptr[Thread] | None = None
    with ring.lock:
        if ring.timer.deadline_ns <= clock.now_ns():
            woken = end_wait(ring, Status.TIMEOUT)
    if woken is not None:
        schedule.make_ready(woken)


def _enter() -> NoReturn:
    """Whatever called this is over: a CPU may come here again and again before it is in user mode."""
    run_on_kernel_stack(u64(_enter_with_a_look))


def _enter_with_a_look() -> NoReturn:
    thread = current_thread()
    carry_out(thread)
    if thread.conditions.fetch_and(~u64(WAIT_INTERRUPTED)) & WAIT_INTERRUPTED != 0:
        _go_on(thread)
    context.do_what_is_due(thread)
    attend()
    resume_user()


def _go_on(thread: ptr[Thread]) -> None:
    """Returns if there is nothing to wait for any more."""
    while True:
        ring = thread.ring
        if ring is None:
            thread.registers.rax = u64(Status.DESTROYED)
            return
        status: Status = Status.OK
        with ring.lock:
            look_at_head(ring)
            if ring.due is None:
                if ring.is_broken:
                    status = Status.BROKEN
                elif unread(ring) < ring.wanted:
                    if ring.timer.deadline_ns > clock.now_ns():
                        word = _publish(ring, thread)
                        break
                    status = Status.TIMEOUT
                _ = end_wait(ring, status)
                thread.registers.rax = u64(status)
                return
        carry_out(thread)
    calls.look_for_killer(thread, word)
    schedule.leave()
