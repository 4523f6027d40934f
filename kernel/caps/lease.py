"""Leases: scopes that end with one store, and everything in them with it.

A capability notes the index of its lease's record and the record's epoch. The epoch is odd while the lease is in force
and goes up by one when it ends and when the record begins another lease, so what was noted never becomes true again.
Records are never given back as memory; nothing needs a reference on one.
What is in use for longer than a system call under a lease (a mapping, an interrupt) hangs on the record's list as a Use
and is taken back after the end, in slices.
Pure: tested on the host. Pages come from callers, zeroed.
Invariants: I-CAP-7: a lease is in force only while all its ancestors are. I-CAP-8: no use is added to a lease that has
ended.
Locks: LeaseRecord.lock (Rank.LEASE) guards the uses; _lock (Rank.LEASES) the free records.
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import array, atomic, const, fence, guarded_by, ptr, requires, sizeof, struct, u32, u64
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

RECORDS_PER_PAGE = const(64)
_PAGES = const(1024)
MAX_DEPTH = const(4)


class UseKind(IntEnum):
    """Says who takes a use back: set_taker() in objects/lease.py."""
    NONE = 0
    MAPPING = 1
    PORTS = 2               # a grant of I/O ports
    OPERATION = 3           # of a ring, that waits
    CALL = 4                # in registers, that is queued
    RECEIVE = 5             # by a thread
    COPY = 6                # of a ring: the Memory that is written


@struct
class Use:
    """A use that outlives a system call; the first field of what it is about."""
    next: ptr[Use] | None
    previous: ptr[Use] | None
    epoch: u64
    lease: u32              # 0 while it hangs on no list
    kind: u32               # UseKind


@struct(size=64)
class LeaseRecord:
    epoch: atomic[u64]      # odd: in force
    parent_epoch: atomic[u64]
    parent: atomic[u32]
    depth: u32
    lock: SpinLock
    with guarded_by("lock"):
        uses: ptr[Use] | None
    next_free: u32
    children: atomic[u32]   # that have been begun under it


_lock: SpinLock = SpinLock(rank=Rank.LEASES)
_pages: array[atomic[u64], _PAGES] = array(0 for _ in range(_PAGES))
_records: atomic[u32] = 0               # that exist; record 0 stands for "no lease"
_first_free: u32 = 0


def is_in_force(lease: u32, epoch: u64) -> bool:
    """Whether a lease and all its ancestors still are what they were when the epoch was noted."""
    while lease != 0:
        record = find(lease)
        if record.epoch.load("acquire") != epoch:
            return False
        parent = record.parent.load("relaxed")
        parent_epoch = record.parent_epoch.load("relaxed")
        # Pairs with end(): had the record begun another lease, its epoch would have moved before.
        fence("acquire")
        if record.epoch.load("relaxed") != epoch:
            return False
        lease = parent
        epoch = parent_epoch
    return True


def begin(parent: u32, parent_epoch: u64) -> tuple[u32, u64]:
    """Begins a lease under another, or under none (0). Returns its index and epoch; index 0 when there is no record.

    Requires: can_nest(parent).
    """
    global _first_free
    with _lock:
        lease = _first_free
        if lease == 0:
            return 0, 0
        _first_free = find(lease).next_free
    record = find(lease)
    record.depth = 1 if parent == 0 else find(parent).depth + 1
    record.parent.store(parent, "relaxed")
    record.parent_epoch.store(parent_epoch, "relaxed")
    record.children.store(0, "relaxed")
    if parent != 0:
        _ = find(parent).children.fetch_add(1, "relaxed")
    epoch = record.epoch.load("relaxed") + 1
    record.epoch.store(epoch, "release")
    return lease, epoch


def can_nest(parent: u32) -> bool:
    return parent == 0 or find(parent).depth < MAX_DEPTH


def end(lease: u32, epoch: u64) -> bool:
    """Ends a lease with one store. Returns False when it had ended already."""
    return find(lease).epoch.cas(epoch, epoch + 1, "seq_cst")


def recycle(lease: u32) -> None:
    """Makes the record of an ended lease free for another. Requires: no use is left on it."""
    global _first_free
    record = find(lease)
    with record.lock:
        assert record.epoch.load("relaxed") & 1 == 0 and record.uses is None
    with _lock:
        record.next_free = _first_free
        _first_free = lease


def add_use(use: ptr[Use], lease: u32, epoch: u64) -> bool:
    """Hangs a use on its lease's list. Returns False when the lease has ended: the use must not begin."""
    if lease == 0:
        use.lease = 0
        return True
    record = find(lease)
    with record.lock:
        if not is_in_force(lease, epoch):
            return False
        use.lease = lease
        use.epoch = epoch
        use.previous = None
        use.next = record.uses
        following = record.uses
        if following is not None:
            following.previous = use
        record.uses = use
    return True


def remove_use(use: ptr[Use]) -> bool:
    """Takes a use off its list because it is over. Returns False when the end of the lease has taken it already."""
    lease = use.lease
    if lease == 0:
        return False
    record = find(lease)
    with record.lock:
        if use.lease == 0:
            return False
        _unlink(record, use)
    return True


def take_ended_use(lease: u32, ended: u32) -> ptr[Use] | None:
    """Takes one use off a lease that is, or nests in, one that has ended; None when there is none."""
    record = find(lease)
    with record.lock:
        use = record.uses
        if use is None or not is_within(lease, ended) or is_in_force(lease, use.epoch):
            return None
        _unlink(record, use)
        return use


def is_unused(lease: u32) -> bool:
    """Whether an ended lease has nothing to take back: what was under way when it ended is over or has been refused."""
    record = find(lease)
    with record.lock:
        return record.uses is None and record.children.load("relaxed") == 0


def is_within(lease: u32, ancestor: u32) -> bool:
    """Whether a lease is another or nests in it. Means nothing once the record serves another lease."""
    while lease != 0:
        if lease == ancestor:
            return True
        lease = find(lease).parent.load("relaxed")
    return False


def has_children(lease: u32) -> bool:
    """Whether another lease was ever begun under it."""
    return find(lease).children.load("relaxed") != 0


def record_count() -> u32:
    return _records.load("acquire")


def needs_page() -> bool:
    with _lock:
        return _first_free == 0


def can_grow() -> bool:
    return _records.load("relaxed") < RECORDS_PER_PAGE * _PAGES


def add_records(page: u64) -> None:
    """Adds a zeroed page of records. Requires: can_grow(), and only one CPU at a time."""
    global _first_free
    first = _records.load("relaxed")
    _pages[first // RECORDS_PER_PAGE].store(page, "relaxed")
    _records.store(first + RECORDS_PER_PAGE, "release")
    index = first + RECORDS_PER_PAGE
    with _lock:
        while index > max(first, 1):
            index -= 1
            record = find(index)
            record.lock.rank = Rank.LEASE
            record.next_free = _first_free
            _first_free = index


def find(lease: u32) -> ptr[LeaseRecord]:
    page = _pages[lease // RECORDS_PER_PAGE].load("relaxed")
    return ptr[LeaseRecord](page + u64(lease % RECORDS_PER_PAGE) * sizeof(LeaseRecord))


@requires("record.lock")
def _unlink(record: ptr[LeaseRecord], use: ptr[Use]) -> None:
    following = use.next
    previous = use.previous
    if following is not None:
        following.previous = previous
    if previous is not None:
        previous.next = following
    else:
        record.uses = following
    use.lease = 0


assert sizeof(LeaseRecord) == 64
