"""Ring indices: the kernel's own copies, and the checks of what the user wrote.

Pure: tested on the host. Nothing here reads the user's page; callers load each word once and pass it in.
Invariants: I-RING-1: reserved + unread <= capacity + 1, so a post finds a free place. I-RING-2: a ring whose user
indices contradicted the kernel's is broken for good, and no entry of it is read again.
Locks: callers hold Ring.lock.
"""
from compiler.prelude import ptr, u32, wrap_add, wrap_sub
from kernel.complete.ring_block import Ring


def submissions_waiting(ring: ptr[Ring], submission_tail: u32) -> tuple[u32, bool]:
    """How many entries the user has written and the kernel not taken, and whether the index can be true."""
    waiting = wrap_sub(submission_tail, ring.submission_head)
    return waiting, waiting <= ring.places


def accept_completion_head(ring: ptr[Ring], completion_head: u32) -> bool:
    """Notes how far the user has read. Returns False when the index went back or past what was posted."""
    if wrap_sub(completion_head, ring.completion_head) > unread(ring):
        return False
    ring.completion_head = completion_head
    return True


def unread(ring: ptr[Ring]) -> u32:
    return wrap_sub(ring.completion_tail, ring.completion_head)


def reserve(ring: ptr[Ring]) -> bool:
    """Promises one completion. Returns False when there is no room for it."""
    if ring.reserved + unread(ring) >= ring.capacity:
        return False
    ring.reserved += 1
    return True


def reserve_for_cancel(ring: ptr[Ring]) -> bool:
    """The same with the place that is kept for cancellation, so that a full ring can be emptied."""
    if ring.reserved + unread(ring) > ring.capacity:
        return False
    ring.reserved += 1
    return True


def give_up_reservation(ring: ptr[Ring]) -> None:
    assert ring.reserved != 0, "a reservation was given up that nobody had made"
    ring.reserved -= 1


def take_reserved_place(ring: ptr[Ring]) -> u32:
    """Turns a reservation into the index of the completion to write; advance_tail() makes it the user's."""
    assert ring.reserved != 0, "a completion was posted that nobody had reserved"
    ring.reserved -= 1
    return ring.completion_tail


def advance_tail(ring: ptr[Ring]) -> u32:
    ring.completion_tail = wrap_add(ring.completion_tail, 1)
    return ring.completion_tail


def has_passed(ring: ptr[Ring], index: u32) -> bool:
    """Whether the user has read the completion of this index."""
    return wrap_sub(wrap_sub(ring.completion_head, index), 1) < 0x8000_0000
