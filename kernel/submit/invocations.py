"""Invocations that follow in a chain: they work with their caller's thread and memory, so they wait for that thread.

Whoever ends the operation before one may be any CPU, so the invocation is put off: it is PENDING on its ring's list
`due`, and is carried out by the ring's thread on its way to user mode, or where it waits in ring_enter. Until then it
can be ended like any other operation that waits. A thread that waits for a call looks at once and hears EVENTS; one
that waits for the answer to a call in registers, or for a verdict, looks when it has got it.
Locks: Ring.lock guards the list.
"""
from compiler.prelude import ptr, u64
from kernel.abi.errors import Status
from kernel.arch.x86_64 import mailbox
from kernel.complete import finish
from kernel.complete.post import wake_for_invocation
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import context, schedule
from kernel.core.chain import append, unlink
from kernel.core.thread_block import INVOCATIONS_DUE, Thread
from kernel.submit import operations
from kernel.submit.attachment import arm_deadline


def start() -> None:
    operations.put_off_invocation = _put_off
    operations.withdraw_invocation = _withdraw
    context.carry_out = carry_out


def carry_out(thread: ptr[Thread]) -> None:
    """Does what is due. Requires: the thread is this CPU's, its memory in force, its registers complete; no locks."""
    _ = thread.conditions.fetch_and(~u64(INVOCATIONS_DUE), "acq_rel")
    while True:
        ring = thread.ring
        record = None if ring is None else _take(ring)
        if record is None:
            break
        operations.begin(record)
        mailbox.poll()


def _put_off(record: ptr[Record]) -> None:
    """Requires: the record is CLAIMED."""
    ring = record.ring
    thread = ptr[Thread](ring.thread)
    if record.deadline_ns != 0:
        arm_deadline(record)
    woken: ptr[Thread] | None = None
    with ring.lock:
        # The ring's end takes it from its thread first, then ends whatever is PENDING.
        has_ended = thread.ring != ring
        if not has_ended:
            record.is_queued = True
            ring.due = append(ring.due, record)
            record.state.store(RecordState.PENDING, "seq_cst")
            woken = wake_for_invocation(ring)
    if has_ended:
        finish.finish(record, Status.CLOSED, 0)
    if woken is not None:
        schedule.make_ready(woken)


def _withdraw(record: ptr[Record]) -> None:
    """Requires: the record is CLAIMED."""
    ring = record.ring
    with ring.lock:
        if record.is_queued:
            _unlink(ring, record)


def _take(ring: ptr[Ring]) -> ptr[Record] | None:
    """The first that nobody is ending, CLAIMED."""
    with ring.lock:
        record = ring.due
        while record is not None:
            _unlink(ring, record)
            if finish.claim(record):
                return record
            record = ring.due
    return None


def _unlink(ring: ptr[Ring], record: ptr[Record]) -> None:
    record.is_queued = False
    ring.due = unlink(ring.due, record)
