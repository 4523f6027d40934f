"""The ring and its operation records, as memory.

A record stands for an operation from its acceptance to its final completion; the user names it by its slot. `state` is
changed by compare-exchange: whoever takes a record from PENDING to CLAIMED, and nobody else, ends the operation.
Invariants: I-RING-3: a record is FREE before its final completion is visible. I-RING-4: accepted = completed + silent +
in flight, at any moment when the ring's lock is free.
Locks: Ring.lock (Rank.RING) guards the indices, the counters, the latched list and the waiter; the lock of the object
an operation waits on guards `next` and `previous`.
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import array, atomic, ptr, struct, u8, u16, u32, u64
from kernel.abi.ring import KernelPage, UserPage
from kernel.caps.object import Object
from kernel.core.timers import Timer
from kernel.sync.spinlock import SpinLock


class RecordState(IntEnum):
    FREE = 0
    LINKED = 1              # waits for the operation before it in its chain
    PENDING = 2             # waits for an object or a deadline
    CLAIMED = 3             # somebody is ending it
    BOUND = 4               # ends by itself, soon (deferral.py)


@struct
class Record:
    state: atomic[u32]
    operation: u8
    flags: u8
    slot: u16
    length: u32
    user_data: u64
    capability: u64
    words: array[u64, 4]
    deadline_ns: u64                    # 0 is none
    timer: Timer                        # while the operation has a deadline
    ring: ptr[Ring]
    target: ptr[Object] | None          # with a reference of the record's own
    epoch: u64                          # of the lease of the capability it waits under
    lease: u32
    # Events that came while a completion of this watch was unread.
    posted: u32                         # index of the unread completion
    is_latched: bool
    folded: u64                         # events since
    folded_bits: u64
    next: ptr[Record] | None            # on the object's list
    previous: ptr[Record] | None
    next_linked: ptr[Record] | None
    next_latched: ptr[Record] | None


@struct
class Ring:
    header: Object
    lock: SpinLock
    submission_head: u32                # entries taken
    completion_tail: u32                # completions posted
    completion_head: u32                # completions that the user had read when we last looked
    reserved: u32                       # completions promised and not yet posted
    capacity: u32                       # completions that may be promised or unread; one more belongs to CANCEL
    is_broken: bool
    has_upcalls: bool                   # its thread is to be told of completions wherever it is
    user_place: u64                     # address of the user's page in its thread's process
    flags: u32                          # what the kernel's page says
    latched: ptr[Record] | None         # watches with an unread completion
    thread: ptr[Object] | None          # whose ring it is
    waiting: u64                        # the thread's `wait` while it waits in ring_enter, else 0
    wanted: u32                         # unread completions that end the wait
    timer: Timer                        # the deadline of that wait
    accepted: u64
    completed: u64                      # final completions posted
    silent: u64
    in_flight: u32
    pages: array[ptr[Object], 2]        # the Memory behind each of the two pages
    kernel_page: ptr[KernelPage]        # both in the physical window
    user_page: ptr[UserPage]
    records: ptr[Record]                # SLOTS of them
