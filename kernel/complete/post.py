"""Posting completions: into the ring's page, in the order in which the user will read them.

Locks: callers hold Ring.lock.
"""
from compiler.prelude import addr, ptr, u16, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import COMPLETION_PLACES, RingFlags
from kernel.complete.queue import Ring, advance_tail, take_reserved_place


def post(ring: ptr[Ring], user_data: u64, status: Status, result: u64) -> None:
    """Posts a completion without a message. Requires: a reservation."""
    index = take_reserved_place(ring)
    entry = addr(ring.kernel_page.completions[index % COMPLETION_PLACES])
    entry.user_data = user_data
    entry.status = u16(status)
    entry.flags = 0
    entry.sequence = index
    entry.badge = 0
    entry.reply = 0
    entry.word0 = result
    # Pairs with the user's acquiring load of the tail: the entry is complete before it is visible.
    ring.kernel_page.completion_tail.value.store(advance_tail(ring), "release")


def break_ring(ring: ptr[Ring]) -> None:
    """The user's indices contradict ours: the ring is of no more use to anyone."""
    ring.is_broken = True
    set_flag(ring, RingFlags.BROKEN)


def set_flag(ring: ptr[Ring], flag: RingFlags) -> None:
    _ = ring.kernel_page.flags.value.fetch_or(u32(flag), "release")


def clear_flag(ring: ptr[Ring], flag: RingFlags) -> None:
    _ = ring.kernel_page.flags.value.fetch_and(~u32(flag), "release")
