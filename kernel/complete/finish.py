"""The end of an operation: its record is freed, its final completion posted, the next of its chain started.

Whoever ends an operation has claimed its record and taken it off its object's list before.
Locks: takes Ring.lock; called with no lock of a higher rank.
"""
from collections.abc import Callable

from compiler.prelude import addr, panic, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import CompletionFlags, Operation, SubmissionFlags
from kernel.abi.upcall import Reason
from kernel.caps import lease as leases
from kernel.caps import table
from kernel.complete.latch import end_events
from kernel.complete.post import post, post_message, take_waiter
from kernel.complete.queue import give_up_reservation, unread
from kernel.complete.receives import end_receive, owe_answer
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import alarm, schedule
from kernel.core.destruction import release
from kernel.core.message import Message
from kernel.core.thread_block import Thread
from kernel.sync import spinlock


def _no_start(record: ptr[Record]) -> None:
    panic("an operation was started before there was anything to start it")


start_record: Callable[[ptr[Record]], None] = _no_start     # begins a linked operation (submit/operations.py)


def claim(record: ptr[Record]) -> bool:
    """Returns True for the one who from now on has to end the operation."""
    return record.state.cas(RecordState.PENDING, RecordState.CLAIMED, "acq_rel")


def claim_settled(record: ptr[Record], is_meant: Callable[[ptr[Record], u64], bool], what: u64) -> bool:
    """As claim(), for an operation of a ring that may go on meanwhile: only while it is the one that is meant.

    Waits for who begins it, ends it or hands it over. Requires: the caller does none of these, and holds no lock.
    """
    ring = record.ring
    while True:
        with ring.lock:
            state = record.state.load("acquire")
            if state == RecordState.FREE or state == RecordState.LINKED or not is_meant(record, what):
                return False
            if claim(record):
                return True
        if state == RecordState.BOUND:
            return False
        spinlock.while_spinning()


def finish(record: ptr[Record], status: Status, result: u64) -> None:
    """Ends a claimed operation. Its chain goes on when it ended OK, and is cancelled otherwise.

    Requires: the caller holds no other operation that waited: what is begun may wait for that one.
    """
    start_all(finish_only(record, status, result, None))


def finish_with(record: ptr[Record], message: ptr[Message]) -> None:
    """The same, for an operation whose result is a message."""
    start_all(_end(record, Status.OK, 0, message))


def finish_only(
    record: ptr[Record], status: Status, result: u64, before: ptr[Record] | None
) -> ptr[Record] | None:
    """Ends a claimed operation. Returns the list `before` with what is to be begun next in front, for start_all()."""
    following = _end(record, status, result, None)
    while following is not None and status != Status.OK:
        following = _end(following, Status.CANCELLED, 0, None)
    if following is None:
        return before
    following.next = before
    return following


def start_all(first: ptr[Record] | None) -> None:
    """Begins linked operations; linked by `next`."""
    record = first
    while record is not None:
        following = record.next
        record.next = None
        start_record(record)
        record = following


def _end(
    record: ptr[Record], status: Status, result: u64, message: ptr[Message] | None
) -> ptr[Record] | None:
    """Returns the next operation of the chain, claimed for the caller."""
    ring = record.ring
    target = record.target
    if record.timer.is_queued:
        _ = alarm.stop_timer(addr(record.timer))
    if record.lease != 0:
        _ = leases.remove_use(addr(record.use))
    while record.slot_count != 0:
        record.slot_count -= 1
        table.give_back(addr(ptr[Thread](ring.thread).process.table), record.slots[record.slot_count])
    if record.is_counted:
        table.forget_operation(addr(ptr[Thread](ring.thread).process.table), record.capability)
    with ring.lock:
        following = record.next_linked
        # Under the lock, where a cancel takes a record out of its chain.
        if following is not None and not following.state.cas(RecordState.LINKED, RecordState.CLAIMED, "acq_rel"):
            following = None
        _complete(ring, record, status, result, message)
        thread = take_waiter(ring)
    if target is not None:
        release(target)
    if thread is not None:
        schedule.make_ready(thread)
    return following


def _complete(
    ring: ptr[Ring], record: ptr[Record], status: Status, result: u64, message: ptr[Message] | None
) -> None:
    """Frees the record and posts its final completion. Requires: Ring.lock; its target and timer are seen to."""
    user_data = record.user_data
    submitted = record.flags
    count: u64 = 0
    bits = result
    reply: u64 = 0
    flags: u32 = CompletionFlags.LATE if record.is_late else 0
    if record.operation == Operation.TIMER:
        ring.told |= Reason.TIMER
    elif record.operation == Operation.COPY:
        bits = record.copied
    elif record.operation == Operation.RECEIVE:
        if message is not None and message.is_call:
            reply = owe_answer(ring, record)
        end_receive(ring, record)
    if submitted & u8(SubmissionFlags.PERSISTENT) != 0:
        end_events(ring, record)
        count = record.folded
        if count != 0:
            flags = CompletionFlags.COALESCED
            bits |= record.folded_bits
    record.target = None
    record.lease = 0
    record.is_counted = False
    record.next_linked = None
    ring.in_flight -= 1
    record.state.store(RecordState.FREE, "release")
    if submitted & u8(SubmissionFlags.SILENT) != 0 and status == Status.OK:
        ring.silent += 1
        give_up_reservation(ring)
        # Nobody waits for a completion that does not come.
        ring.wanted = min(ring.wanted, unread(ring) + ring.in_flight)
        return
    ring.completed += 1
    if message is None:
        _ = post(ring, user_data, u64(status), flags, count, bits)
    else:
        post_message(ring, user_data, flags, message, reply)
