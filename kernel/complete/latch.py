"""Events on a watch: one completion for each, or folded into one while the last has not been read.

A persistent watch keeps two reservations: one for its last completion and one for events. An event turns the second
into an unread entry; when the user has read past that entry the watch reserves again, before anything else is
accepted, so that the place is there. Events in between are counted in the record. The user is asked (NEED_KICK) to
enter the ring after reading.
Locks: Ring.lock, inside the lock of the object that the event came from.
"""
from compiler.prelude import fence, inline, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import CompletionFlags, RingFlags
from kernel.complete.post import break_ring, clear_flag, post, set_flag, take_waiter
from kernel.complete.queue import accept_completion_head, give_up_reservation, has_passed
from kernel.complete.ring_block import Record, Ring
from kernel.core.thread_block import Thread


def post_event(record: ptr[Record], bits: u64) -> ptr[Thread] | None:
    """Tells a persistent watch of an event. Returns a thread to be made ready once the object's lock is free."""
    ring = record.ring
    with ring.lock:
        if not record.is_latched:
            _post(ring, record, 1, bits)
            return take_waiter(ring)
        record.folded += 1
        record.folded_bits |= bits
        set_flag(ring, RingFlags.NEED_KICK)
        # Pairs with the consumer's fence between its store of the head and its look at the flag.
        fence("seq_cst")
        look_at_head(ring)
        return take_waiter(ring)


@inline
def look_at_head(ring: ptr[Ring]) -> None:
    """Notes how far the user has read, and posts what was folded for those watches whose completion has been read."""
    head = ring.user_page.completion_head.value.load("acquire")
    if head != ring.completion_head:
        _accept_head(ring, head)


def _accept_head(ring: ptr[Ring], head: u32) -> None:
    if ring.is_broken:
        return
    if not accept_completion_head(ring, head):
        break_ring(ring)
        return
    record = ring.latched
    ring.latched = None
    while record is not None:
        following = record.next_latched
        if has_passed(ring, record.posted):
            _renew(ring, record)
        else:
            record.next_latched = ring.latched
            ring.latched = record
        record = following
    if ring.latched is None and ring.short is None:
        clear_flag(ring, RingFlags.NEED_KICK)


def end_events(ring: ptr[Ring], record: ptr[Record]) -> None:
    """For a persistent watch that ends: gives up its reservation for events, or its place in the list."""
    if not record.is_latched:
        give_up_reservation(ring)
        return
    record.is_latched = False
    ring.latched = without(ring.latched, record)


def without(first: ptr[Record] | None, record: ptr[Record]) -> ptr[Record] | None:
    """A list by next_latched, without a record that is in it. Returns the first one that is left."""
    if first == record:
        return record.next_latched
    before = first
    while before is not None and before.next_latched != record:
        before = before.next_latched
    if before is not None:
        before.next_latched = record.next_latched
    return first


def _renew(ring: ptr[Ring], record: ptr[Record]) -> None:
    record.is_latched = False
    ring.reserved += 1                  # the place of the completion that has been read
    if record.folded != 0:
        count, bits = record.folded, record.folded_bits
        record.folded = 0
        record.folded_bits = 0
        _post(ring, record, count, bits)


def _post(ring: ptr[Ring], record: ptr[Record], count: u64, bits: u64) -> None:
    flags: u32 = CompletionFlags.MORE | CompletionFlags.COALESCED if count > 1 else CompletionFlags.MORE
    record.posted = post(ring, record.user_data, u64(Status.OK), flags, count, bits)
    record.is_latched = True
    record.next_latched = ring.latched
    ring.latched = record
