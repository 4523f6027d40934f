"""Watches on a notification: ring operations that wait for its bits.

A signal's bits go to every watch that is interested in them; bits that no watch wants stay in the notification.
Invariant I-RING-5: a watch is on the list exactly while its record is PENDING, or claimed and about to be taken off.
Locks: Notification.lock (Rank.NOTIFICATION) guards the list; rings are posted to inside, operations end outside.
"""
from compiler.prelude import ptr, requires, u8, u64
from kernel.abi.errors import Status
from kernel.abi.ring import SubmissionFlags
from kernel.complete import finish
from kernel.complete.latch import post_event
from kernel.complete.ring_block import Record, RecordState
from kernel.core import schedule
from kernel.objects.notification_block import Notification


def add_watch(notification: ptr[Notification], record: ptr[Record]) -> tuple[u64, bool]:
    """Returns the bits that a one-shot watch has found set at once, or True when the record now waits. No bits and
    False: none are set, and it is not to wait.

    Requires: the record is the caller's; it has a reference on the notification.
    """
    with notification.lock:
        following = notification.watches
        record.previous = None
        record.next = following
        if following is not None:
            following.previous = record
        # Full: pairs with signal(), which sets bits first and looks for watches after.
        notification.watches = record
        notification.interest.store(notification.interest.load("relaxed") | record.words[0], "seq_cst")
        bits = notification.bits.fetch_and(~record.words[0], "seq_cst") & record.words[0]
        if bits == 0 and record.flags & u8(SubmissionFlags.NO_WAIT) != 0:
            _unlink(notification, record)
            return 0, False
        if bits == 0:
            record.state.store(RecordState.PENDING, "release")
            return 0, True
        if is_persistent(record):
            record.state.store(RecordState.PENDING, "release")
            thread = post_event(record, bits)
            if thread is not None:
                schedule.make_ready(thread)
            return 0, True
        _unlink(notification, record)
        return bits, False


def remove_watch(notification: ptr[Notification], record: ptr[Record]) -> None:
    """Takes a claimed record off the list."""
    with notification.lock:
        _unlink(notification, record)


def deliver(notification: ptr[Notification]) -> None:
    """Hands the bits that are set to the watches that want them. Those of a watch that is being ended stay."""
    ended: ptr[Record] | None = None
    taken: u64 = 0
    with notification.lock:
        interest = notification.interest.load("relaxed")
        bits = notification.bits.fetch_and(~interest, "acq_rel") & interest
        record = notification.watches
        while record is not None and bits != 0:
            following = record.next
            mine = bits & record.words[0]
            if mine != 0 and is_persistent(record):
                taken |= mine
                thread = post_event(record, mine)
                if thread is not None:
                    schedule.make_ready(thread)
            elif mine != 0 and finish.claim(record):
                taken |= mine
                _unlink(notification, record)
                record.folded_bits = mine
                record.next = ended
                ended = record
            record = following
        if bits & ~taken != 0:
            _ = notification.bits.fetch_or(bits & ~taken, "release")
    _end(ended, Status.OK)


def end_watches(notification: ptr[Notification]) -> None:
    """The notification has been destroyed: so are all watches."""
    ended: ptr[Record] | None = None
    with notification.lock:
        record = notification.watches
        while record is not None:
            following = record.next
            if finish.claim(record):
                _unlink(notification, record)
                record.next = ended
                ended = record
            record = following
    _end(ended, Status.DESTROYED)


def is_persistent(record: ptr[Record]) -> bool:
    return record.flags & u8(SubmissionFlags.PERSISTENT) != 0


def _end(first: ptr[Record] | None, status: Status) -> None:
    record = first
    started: ptr[Record] | None = None
    while record is not None:
        following = record.next
        record.next = None
        started = finish.finish_only(record, status, 0 if is_persistent(record) else record.folded_bits, started)
        record = following
    finish.start_all(started)


@requires("notification.lock")
def _unlink(notification: ptr[Notification], record: ptr[Record]) -> None:
    following = record.next
    previous = record.previous
    if following is not None:
        following.previous = previous
    if previous is not None:
        previous.next = following
    else:
        notification.watches = following
    # The record's next use may be in a queue of another kind.
    record.next = None
    record.previous = None
    interest: u64 = 0
    other = notification.watches
    while other is not None:
        interest |= other.words[0]
        other = other.next
    notification.interest.store(interest, "relaxed")
