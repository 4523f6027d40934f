"""ring_enter: take entries from a ring, start them, and wait for completions.

Each of the user's indices is loaded once per call. An entry is taken only when its completion has a place; the others
stay where they are and the call tells so (STALLED).
"""
from compiler.prelude import addr, ptr, u32, u64, wrap_add
from kernel.abi.errors import Status
from kernel.abi.ring import SUBMISSION_PLACES, RingFlags
from kernel.complete.post import break_ring, clear_flag, set_flag
from kernel.complete.queue import Ring, accept_completion_head, reserve, submissions_waiting
from kernel.submit.operations import start_operation


def ring_enter(ring: ptr[Ring], most: u64) -> tuple[Status, u64]:
    """Takes up to `most` entries. Returns how many were taken.

    It never waits: every operation completes at once, so nothing is in flight that could complete later.
    Errors: BROKEN, STALLED.
    """
    with ring.lock:
        if ring.is_broken:
            return Status.BROKEN, 0
        # Pairs with the user's releasing store of the tail: the entries below it are complete.
        tail = ring.user_page.submission_tail.value.load("acquire")
        head = ring.user_page.completion_head.value.load("acquire")
        waiting, is_possible = submissions_waiting(ring, tail)
        if not is_possible or not accept_completion_head(ring, head):
            break_ring(ring)
            return Status.BROKEN, 0
        wanted = min(u64(waiting), most)
        taken = _take(ring, wanted)
        if taken < wanted:
            set_flag(ring, RingFlags.STALLED)
            return Status.STALLED, taken
        clear_flag(ring, RingFlags.STALLED)
        return Status.OK, taken


def _take(ring: ptr[Ring], wanted: u64) -> u64:
    taken: u64 = 0
    while taken < wanted and reserve(ring):
        place = ring.submission_head % SUBMISSION_PLACES
        start_operation(ring, u64(addr(ring.user_page.submissions[place])))
        ring.submission_head = wrap_add(ring.submission_head, 1)
        taken += 1
    ring.kernel_page.submission_head.value.store(u32(ring.submission_head), "release")
    return taken
