"""A queue of timers by deadline: a pairing heap of nodes that lie in the objects that wait.

Adding is O(1), taking the first and removing any are O(log n) on average, and nothing is allocated.
Pure: tested on the host.
Invariants: I-CORE-7: a timer's deadline is not before its parent's. `previous` is the parent for a first child and the
elder sibling for the others.
"""
from __future__ import annotations

from collections.abc import Callable

from compiler.prelude import atomic, const, ptr, struct, u32, u64

NEVER = const(0xFFFF_FFFF_FFFF_FFFF)


@struct
class Timer:
    deadline_ns: u64
    action: Callable[[ptr[Timer]], None]
    child: ptr[Timer] | None
    next: ptr[Timer] | None
    previous: ptr[Timer] | None
    cpu: atomic[u32]                    # in whose queue it is (alarm.py)
    is_queued: bool                     # also on its way from one queue to another; read without a lock for a hint


@struct
class TimerQueue:
    first: ptr[Timer] | None = None


def first_deadline(queue: ptr[TimerQueue]) -> u64:
    first = queue.first
    return NEVER if first is None else first.deadline_ns


def add(queue: ptr[TimerQueue], timer: ptr[Timer]) -> None:
    """Requires: the timer is in no queue, its deadline is set."""
    timer.child = None
    timer.next = None
    timer.previous = None
    timer.is_queued = True
    first = queue.first
    queue.first = timer if first is None else _join(first, timer)


def take_due(queue: ptr[TimerQueue], now_ns: u64) -> ptr[Timer] | None:
    """Takes out the first timer if its deadline has come."""
    first = queue.first
    if first is None or first.deadline_ns > now_ns:
        return None
    remove(queue, first)
    return first


def take_any(queue: ptr[TimerQueue]) -> ptr[Timer] | None:
    """Takes out a timer that is about to be added to another queue."""
    first = queue.first
    if first is not None:
        _unlink(queue, first)
    return first


def remove(queue: ptr[TimerQueue], timer: ptr[Timer]) -> None:
    """Requires: the timer is in this queue."""
    _unlink(queue, timer)
    timer.is_queued = False


def _unlink(queue: ptr[TimerQueue], timer: ptr[Timer]) -> None:
    previous = timer.previous
    orphans = _join_all(timer.child)
    if previous is None:
        queue.first = orphans
    else:
        following = timer.next
        child = previous.child
        if child is not None and u64(child) == u64(timer):
            previous.child = following
        else:
            previous.next = following
        if following is not None:
            following.previous = previous
        first = queue.first
        if orphans is not None and first is not None:
            queue.first = _join(first, orphans)


def _join(one: ptr[Timer], other: ptr[Timer]) -> ptr[Timer]:
    """Makes the later of two roots the first child of the earlier one, which is returned."""
    root = one
    child = other
    if other.deadline_ns < one.deadline_ns:
        root = other
        child = one
    eldest = root.child
    child.next = eldest
    child.previous = root
    if eldest is not None:
        eldest.previous = child
    root.child = child
    root.next = None
    root.previous = None
    return root


def _join_all(eldest: ptr[Timer] | None) -> ptr[Timer] | None:
    """Joins siblings into one heap: pairs from left to right, then the pairs from right to left."""
    pairs: ptr[Timer] | None = None             # linked through `next`, last pair first
    rest = eldest
    while rest is not None:
        one = rest
        other = one.next
        rest = None if other is None else other.next
        pair = one if other is None else _join(one, other)
        pair.next = pairs
        pairs = pair
    heap: ptr[Timer] | None = None
    while pairs is not None:
        pair = pairs
        pairs = pair.next
        pair.next = None
        pair.previous = None
        heap = pair if heap is None else _join(heap, pair)
    return heap
