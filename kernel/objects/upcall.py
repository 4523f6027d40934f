"""Upcalls: sent when completions come in, delivered when their thread is about to run in user mode.

Everything in the block may change at any moment: each word is read once, and the worst it can do is send its own
thread astray, to a fault of its own.
Invariant I-RING-6: a thread whose ring got a completion while upcalls were armed has UPCALL_DUE set until it is next
about to run in user mode; what cannot be delivered then is in `pending`.
"""
from typing import NoReturn

from compiler.prelude import addr, atomic, const, offsetof, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.ring import UserPage
from kernel.abi.upcall import Reason
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.entry import resume_user
from kernel.arch.x86_64.frame import Registers
from kernel.complete.latch import look_at_head
from kernel.complete.queue import unread
from kernel.core import context, schedule
from kernel.core.thread_block import UPCALL_DUE, Thread, current_thread, is_program_counter
from kernel.objects.registers import install, snapshot

_BLOCK = const(offsetof(UserPage, "upcall"))


def start() -> None:
    context.deliver_upcall = deliver


def arm(thread: ptr[Thread], is_armed: bool) -> Status:
    """Errors: BUSY, when the thread has no ring."""
    ring = thread.ring
    if ring is None:
        return Status.BUSY
    with ring.lock:
        ring.has_upcalls = is_armed
    return Status.OK


def deliver(thread: ptr[Thread]) -> None:
    """Requires: the thread is this CPU's, its registers are complete, and all of them are loaded before it goes on."""
    _ = thread.conditions.fetch_and(~u64(UPCALL_DUE), "acq_rel")
    ring = thread.ring
    if ring is None or not ring.has_upcalls:
        return
    with ring.lock:
        look_at_head(ring)
        there = unread(ring)
        tail = ring.completion_tail
    block = addr(ring.user_page.upcall)
    if ring.is_broken or there < max(block.threshold, 1):
        return
    counter = thread.registers.rip
    if block.disabled.load("acquire") != 0 or block.critical_low <= counter < block.critical_high:
        block.pending.store(1, "release")
        return
    block.frame.registers = snapshot(thread)
    block.frame.reasons = Reason.COMPLETION
    block.frame.completion_tail = u64(tail)
    block.disabled.store(1, "release")
    entry = ptr[atomic[u64]](addr(block.entry)).load("relaxed")      # once: it is checked
    thread.registers = Registers(
        # An entry that does not exist becomes a jump to nowhere, which the thread's handler is told of.
        rip=entry if is_program_counter(entry) else u64(0),
        rsp=(block.stack_top & ~u64(15)) - 8,
        rdi=ring.user_place + _BLOCK, rsi=Reason.COMPLETION, rdx=u64(tail),
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
    context.load_bases(thread)
    block.disabled.store(0, "release")
    if block.pending.exchange(0, "acq_rel") != 0:
        deliver(thread)
    _resume()


def _resume() -> NoReturn:
    while cpu.attention != 0:
        schedule.look()
    resume_user()
