"""The ring and its operation records, as memory.

A record stands for an operation from its acceptance to its final completion; the user names it by its slot. `state` is
changed by compare-exchange: whoever takes a record from PENDING to CLAIMED, and nobody else, ends the operation.
Invariants: I-RING-3: a record is FREE before its final completion is visible. I-RING-4: accepted = completed + silent +
in flight, at any moment when the ring's lock is free.
I-RING-7: a record is used again only under Ring.lock, so whoever holds it and finds a record PENDING that is the one it
means can claim that one.
Locks: Ring.lock (Rank.RING) guards the indices, the counters, the lists of latched watches and short receives, the
answers and the waiter; the lock of the object an operation waits on guards `next`, `previous` and `is_queued`.
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import array, atomic, ptr, struct, u8, u16, u32, u64
from kernel.abi.ring import Completion, KernelPage, Submission, UserPage
from kernel.caps.answer import Answer
from kernel.caps.lease import Use
from kernel.caps.object import Object
from kernel.core.timers import Timer
from kernel.core.work_block import Work
from kernel.sync.spinlock import SpinLock


class RecordState(IntEnum):
    FREE = 0
    LINKED = 1              # waits for the operation before it in its chain
    PENDING = 2             # waits for an object or a deadline
    CLAIMED = 3             # somebody is ending it
    BOUND = 4               # ends by itself, soon (deferral.py)
    MOVING = 5              # on its way from one side of a channel to the other, or being copied for; soon CLAIMED, or
    #                         PENDING again


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
    use: Use                            # of the lease of the capability that it waits under
    lease: u32                          # which one, or 0
    is_counted: bool                    # among the operations of the slot that `capability` names
    is_late: bool                       # somebody had the request when it ended: its effect is unknown
    # A call or message, or a receive (core/ring_calls.py).
    is_queued: bool                     # on its channel's list; an invocation: on its ring's
    level: u8
    slot_count: u8                      # places in the capability table for what may come
    slots: array[u32, 4]
    left: u32                           # messages that a receive still waits for; 0: no end
    has_place: bool                     # a receive that is not on its last message: one is reserved for the next
    is_short: bool                      # a receive that waits for a place or an answer of its ring
    serial: u64                         # of the call, on its ring
    order: u64                          # when it was queued, among all calls of the channel
    badge: u64
    holder: u64                         # address of the Answer: owed to a received call, or to be owed by a receive
    # A copy (submit/copying.py).
    copied: u64                         # bytes so far
    written: ptr[Object] | None         # the Memory that is written, with a reference, while it goes on
    written_use: Use                    # of the lease of that capability
    written_lease: u32                  # which one, or 0
    is_at_work: bool                    # `work` is in the queue of a CPU, with a reference on the ring
    work: Work
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
class RingAnswer:
    """What the ring's user owes, or will when its receive gets a call."""
    answer: Answer
    generation: u32
    is_owed: bool                       # the user has its token
    is_raising: bool                    # its caller waits: the ring's thread is raised to `ceiling`
    ceiling: u32                        # of the channel that the call came through
    next_free: u32                      # index of the next free one, plus 1


@struct
class Ring:
    header: Object
    lock: SpinLock
    submission_head: u32                # entries taken
    completion_tail: u32                # completions posted
    completion_head: u32                # completions that the user had read when we last looked
    reserved: u32                       # completions promised and not yet posted
    places: u32                         # in each queue, and slots: a power of two
    capacity: u32                       # completions that may be promised or unread; one more belongs to CANCEL
    is_broken: bool
    has_upcalls: bool                   # its thread is to be told of completions wherever it is
    is_delay_over: bool                 # so that a few unread completions are enough
    waits_for_delay: bool               # what `upcall_timer` is about, else the interval
    told: u32                           # reasons of the next upcall besides COMPLETION
    forbidden: u32                      # operations that it does not take, a bit each
    upcall_timer: Timer                 # on which an upcall is due that was not delivered
    upcall_ns: u64                      # when the last one came or ended
    user_place: u64                     # address of the user's page in its thread's process
    flags: u32                          # what the kernel's page says
    latched: ptr[Record] | None         # watches with an unread completion
    short: ptr[Record] | None           # receives that lack a place or an answer, linked by next_latched
    due: ptr[Record] | None             # invocations that its thread is to carry out (submit/invocations.py)
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
    buffer: ptr[Object] | None          # Memory with the pieces of messages, with a reference
    buffer_frames: u64                  # address of its FrameSet
    buffer_offset: u64
    buffer_lease: u32                   # of the capability that it was set with
    buffer_epoch: u64
    completions: ptr[Completion]        # places of them
    submissions: ptr[Submission]
    records: ptr[Record]                # as many as places
    answers: ptr[RingAnswer]            # likewise
    free_answer: u32                    # index of the first that nobody uses, plus 1; 0: none
    owed: u32                           # answers that are owed
    raising: u32                        # those of them that raise the thread
    at_ceiling: u32                     # those of them with the highest ceiling
    ceiling: u32                        # which that is, else 0
