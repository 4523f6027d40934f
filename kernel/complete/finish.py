"""The end of an operation: its record is freed, its final completion posted, the next of its chain started.

Whoever ends an operation has claimed its record and taken it off its object's list before.
Locks: takes Ring.lock; called with no lock of a higher rank.
"""
from collections.abc import Callable

from compiler.prelude import addr, panic, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import CompletionFlags, SubmissionFlags
from kernel.complete.latch import end_events
from kernel.complete.post import post, take_waiter
from kernel.complete.queue import give_up_reservation
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import alarm, schedule
from kernel.core.destruction import release


def _no_start(record: ptr[Record]) -> None:
    panic("an operation was started before there was anything to start it")


start_record: Callable[[ptr[Record]], None] = _no_start     # begins a linked operation (submit/operations.py)


def claim(record: ptr[Record]) -> bool:
    """Returns True for the one who from now on has to end the operation."""
    return record.state.cas(RecordState.PENDING, RecordState.CLAIMED, "acq_rel")


def finish(record: ptr[Record], status: Status, result: u64) -> None:
    """Ends a claimed operation. Its chain goes on when it ended OK, and is cancelled otherwise."""
    following = _end(record, status, result)
    while following is not None:
        if status == Status.OK:
            start_record(following)
            return
        following = _end(following, Status.CANCELLED, 0)


def _end(record: ptr[Record], status: Status, result: u64) -> ptr[Record] | None:
    """Returns the next operation of the chain, claimed for the caller."""
    ring = record.ring
    target = record.target
    if record.timer.is_queued:
        _ = alarm.stop_timer(addr(record.timer))
    with ring.lock:
        following = record.next_linked
        # Under the lock, where a cancel takes a record out of its chain.
        if following is not None and not following.state.cas(RecordState.LINKED, RecordState.CLAIMED, "acq_rel"):
            following = None
        _complete(ring, record, status, result)
        thread = take_waiter(ring)
    if target is not None:
        release(target)
    if thread is not None:
        schedule.make_ready(thread)
    return following


def _complete(ring: ptr[Ring], record: ptr[Record], status: Status, result: u64) -> None:
    """Frees the record and posts its final completion. Requires: Ring.lock; its target and timer are seen to."""
    user_data = record.user_data
    submitted = record.flags
    count: u64 = 0
    bits = result
    flags: u32 = 0
    if submitted & u8(SubmissionFlags.PERSISTENT) != 0:
        end_events(ring, record)
        count = record.folded
        if count != 0:
            flags = CompletionFlags.COALESCED
            bits |= record.folded_bits
    record.target = None
    record.next_linked = None
    ring.in_flight -= 1
    record.state.store(RecordState.FREE, "release")
    if submitted & u8(SubmissionFlags.SILENT) != 0 and status == Status.OK:
        ring.silent += 1
        give_up_reservation(ring)
    else:
        ring.completed += 1
        _ = post(ring, user_data, u64(status), flags, count, bits)
