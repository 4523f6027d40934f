"""ring_enter: take entries from a ring, start them, and wait for completions.

Each of the user's indices is loaded once per look. An entry is taken only when its completion has a place; the others
stay where they are and the call tells so (STALLED). Entries that end at once are taken in runs under one hold of the
lock; an operation that touches other objects begins when the lock is free.
"""
from compiler.prelude import addr, array, const, inline, ptr, struct, u8, u32, u64, wrap_add, wrap_sub
from kernel.abi.errors import Status
from kernel.abi.ring import (
    MAX_CHAIN,
    OPERATION_NUMBERS,
    OPERATIONS,
    Operation,
    RingFlags,
    SubmissionFlags,
)
from kernel.arch.x86_64 import clock, mailbox
from kernel.complete import messages
from kernel.complete.latch import look_at_head
from kernel.complete.post import break_ring, clear_flag, post, send_upcall, set_flag, write_completion
from kernel.complete.queue import (
    give_up_reservation,
    reserve,
    reserve_for_cancel,
    submissions_waiting,
    unread,
)
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import calls, schedule
from kernel.core.thread_block import Thread, current_thread
from kernel.submit import invocations, ring_wait
from kernel.submit.cancel import cancel
from kernel.submit.entry_words import (
    cancelled_slot,
    cancelled_user_data,
    first_word,
    flags_of,
    keep,
    operation_of,
    slot_of,
    user_data,
)
from kernel.submit.operations import begin

_ENTRIES_PER_LOOK = const(16)           # between two looks at requests from other CPUs
_PLAIN = const(0xFFFF)                  # operation and flags in the first word: zero for a plain no-op
_ALLOWED: array[u8, OPERATION_NUMBERS] = array(flags for flags in OPERATIONS)


@struct
class Batch:
    """What one call has taken so far, and the chain that it is putting together."""
    left: u64
    taken: u64
    is_full: bool                       # no place for the next completion
    is_cancelled: bool                  # an entry of the open chain was refused: the rest of it is cancelled
    length: u32                         # of the open chain
    head: ptr[Record] | None
    last: ptr[Record] | None
    closed: ptr[Record] | None          # a chain that is to begin
    cancel_entry: u64                   # or the submission of a cancel that is due


def ring_enter(ring: ptr[Ring], entries: u64, completions: u64, deadline_ns: u64) -> tuple[Status, u64]:
    """Takes up to `entries`, then waits for `completions` unread ones. Returns how many entries were taken.

    It never waits for more completions than are unread or in flight.
    Errors: BROKEN, STALLED, TIMEOUT.
    """
    batch = Batch()
    thread = current_thread()
    word: u64 = 0                       # what the thread waits by, once it does
    with ring.lock:
        if not _look(ring, entries, addr(batch)):
            return Status.BROKEN, 0
        needs_more = batch.left != 0 and _take_run(ring, addr(batch))
        if not needs_more and ring.short is None:
            status = _status_of(ring, addr(batch))
            if _has_enough(ring, completions):
                return status, batch.taken
            if ring.due is None:
                word = _begin_wait(ring, thread, addr(batch), completions, deadline_ns)
                if word == 0:
                    return Status.TIMEOUT, batch.taken
    if word == 0:
        _take_rest(ring, addr(batch))
        status, word = _wait(ring, thread, addr(batch), completions, deadline_ns)
        if word == 0:
            return status, batch.taken
    calls.look_for_killer(thread, word)
    schedule.leave()


def _look(ring: ptr[Ring], entries: u64, batch: ptr[Batch]) -> bool:
    """Reads the user's indices. Returns False for a broken ring. Requires: Ring.lock."""
    if ring.is_broken:
        return False
    # Pairs with the user's releasing store of the tail: the entries below it are complete.
    tail = ring.user_page.submission_tail.value.load("acquire")
    waiting, is_possible = submissions_waiting(ring, tail)
    if not is_possible:
        break_ring(ring)
    look_at_head(ring)
    batch.left = min(u64(waiting), entries)
    return not ring.is_broken


def _has_enough(ring: ptr[Ring], completions: u64) -> bool:
    """Whether there is nothing to wait for: never for more than is unread or in flight."""
    there = unread(ring)
    return u64(there) >= min(completions, u64(there + ring.in_flight))


def _status_of(ring: ptr[Ring], batch: ptr[Batch]) -> Status:
    """What a call says whose wait is over."""
    if batch.is_full:
        set_flag(ring, RingFlags.STALLED)
        return Status.STALLED
    clear_flag(ring, RingFlags.STALLED)
    return Status.OK


@inline
def _begin_wait(ring: ptr[Ring], thread: ptr[Thread], batch: ptr[Batch], completions: u64, deadline_ns: u64) -> u64:
    """Returns by which word the thread waits from here on, 0 if it does not, since the deadline has passed.

    Requires: Ring.lock; nothing is due; there is something to wait for.
    """
    ring.wanted = u32(min(completions, u64(unread(ring) + ring.in_flight)))
    if deadline_ns != 0 and deadline_ns <= clock.now_ns():
        return 0
    thread.registers.rdx = batch.taken
    return ring_wait.begin(ring, thread, deadline_ns)


def _take_rest(ring: ptr[Ring], batch: ptr[Batch]) -> None:
    """Begins what has been taken, and takes the entries that are left."""
    needs_more = True
    while needs_more:
        chain = batch.closed
        if chain is not None:
            begin(chain)
        elif batch.cancel_entry != 0:
            _cancel(ring, batch.cancel_entry)
            batch.cancel_entry = 0
        needs_more = batch.left != 0
        if needs_more:
            mailbox.poll()
            with ring.lock:
                needs_more = _take_run(ring, batch)
    if ring.short is not None:
        messages.resume(ring)


def _take_run(ring: ptr[Ring], batch: ptr[Batch]) -> bool:
    """Takes entries until one has to begin, or a cancel is due. Returns False when there is nothing more to do.

    Requires: Ring.lock.
    """
    looks: u64 = 0
    begun: ptr[Record] | None = None
    is_cancel = False
    while batch.left != 0 and looks < _ENTRIES_PER_LOOK and begun is None and not is_cancel:
        first = _take_plain(ring, batch)
        if batch.left == 0:
            _tell_head(ring)
            return False                # all were no-ops, and no chain was open
        entry = _entry_at(ring, ring.submission_head)
        if not _reserve(ring, first):
            batch.is_full = True
            batch.left = 0
            begun = _close_chain(batch)
            break
        is_cancel = _take(ring, batch, entry, first)
        ring.submission_head = wrap_add(ring.submission_head, 1)
        batch.left -= 1
        batch.taken += 1
        looks += 1
        if batch.left == 0 or flags_of(first) & u8(SubmissionFlags.LINK) == 0:
            begun = _close_chain(batch)
    _tell_head(ring)
    batch.closed = begun
    return begun is not None or is_cancel or batch.left != 0


def _tell_head(ring: ptr[Ring]) -> None:
    ring.kernel_page.submission_head.value.store(ring.submission_head, "release")


def _entry_at(ring: ptr[Ring], index: u32) -> u64:
    return u64(addr(ring.submissions[index & (ring.places - 1)]))


def _take_plain(ring: ptr[Ring], batch: ptr[Batch]) -> u64:
    """Takes no-ops without flags for as long as there are any, and writes their completions with one store of the tail.

    Returns the first word of the entry that is something else; there is one unless nothing is left.
    """
    head = ring.submission_head
    entry = _entry_at(ring, head)
    first = first_word(entry)
    if batch.last is not None or batch.is_cancelled:
        return first
    room = ring.capacity - min(ring.capacity, ring.reserved + unread(ring))
    tail = ring.completion_tail
    end = wrap_add(tail, u32(min(u64(room), batch.left)))
    # The same all the time, which the compiler cannot know.
    submissions, completions, mask = ring.submissions, ring.completions, ring.places - 1
    while first & _PLAIN == 0 and tail != end:
        write_completion(addr(completions[tail & mask]), tail, user_data(entry))
        tail = wrap_add(tail, 1)
        head = wrap_add(head, 1)
        if tail == end and u64(room) >= batch.left:
            break
        entry = u64(addr(submissions[head & mask]))
        first = first_word(entry)
    taken = wrap_sub(tail, ring.completion_tail)
    if taken != 0:
        ring.submission_head = head
        ring.completion_tail = tail
        ring.kernel_page.completion_tail.value.store(tail, "release")
        ring.accepted += u64(taken)
        ring.completed += u64(taken)
        batch.taken += u64(taken)
        batch.left -= u64(taken)
        send_upcall(ring)
    return first


def _reserve(ring: ptr[Ring], first: u64) -> bool:
    if operation_of(first) == Operation.CANCEL:
        return reserve_for_cancel(ring)
    if not reserve(ring):
        return False
    if _is_persistent(first) and not reserve(ring):
        give_up_reservation(ring)
        return False
    return True


def _take(ring: ptr[Ring], batch: ptr[Batch], entry: u64, first: u64) -> bool:
    """Takes one entry. Returns True for a cancel, which the caller carries out. Requires: Ring.lock, a reservation."""
    operation = operation_of(first)
    flags = flags_of(first)
    is_linked = batch.last is not None
    ring.accepted += 1
    if batch.is_cancelled:
        _refuse(ring, batch, entry, first, Status.CANCELLED)
    elif operation >= OPERATION_NUMBERS or flags & ~_ALLOWED[operation] != 0:
        _refuse(ring, batch, entry, first, Status.BAD_OPERATION)
    elif ring.forbidden >> u32(operation) & 1 != 0:
        _refuse(ring, batch, entry, first, Status.NO_RIGHT)
    elif operation == Operation.CANCEL:
        if not is_linked:
            batch.cancel_entry = entry
            ring.in_flight += 1         # without a record; until _cancel() completes it
            return True
        _refuse(ring, batch, entry, first, Status.BAD_OPERATION)
    else:
        _take_record(ring, batch, entry, first)
    return False


def _take_record(ring: ptr[Ring], batch: ptr[Batch], entry: u64, first: u64) -> None:
    slot = slot_of(first)
    if u32(slot) >= ring.places:
        _refuse(ring, batch, entry, first, Status.BAD_SLOT)
        return
    record = addr(ring.records[slot])
    if record.state.load("acquire") != RecordState.FREE:
        _refuse(ring, batch, entry, first, Status.BUSY)
        return
    if batch.length == MAX_CHAIN:
        _refuse(ring, batch, entry, first, Status.BAD_OPERATION)
        return
    keep(record, first, entry)
    record.target = None
    record.lease = 0
    record.is_counted = False
    record.is_late = False
    record.slot_count = 0
    record.serial = ring.accepted
    record.folded = 0
    record.folded_bits = 0
    record.is_latched = False
    record.next_linked = None
    ring.in_flight += 1
    batch.length += 1
    last = batch.last
    batch.last = record
    if last is None:
        batch.head = record
        record.state.store(RecordState.CLAIMED, "relaxed")
    else:
        last.next_linked = record
        record.state.store(RecordState.LINKED, "relaxed")


def _refuse(ring: ptr[Ring], batch: ptr[Batch], entry: u64, first: u64, status: Status) -> None:
    """Completes an entry that does not begin; what is linked to it is cancelled."""
    if _is_persistent(first):
        give_up_reservation(ring)
    ring.completed += 1
    _ = post(ring, user_data(entry), u64(status), 0, 0, 0)
    if flags_of(first) & u8(SubmissionFlags.LINK) != 0:
        batch.is_cancelled = True


def _close_chain(batch: ptr[Batch]) -> ptr[Record] | None:
    head = batch.head
    batch.head = None
    batch.last = None
    batch.length = 0
    batch.is_cancelled = False
    return head


def _is_persistent(first: u64) -> bool:
    return operation_of(first) == Operation.WATCH and flags_of(first) & u8(SubmissionFlags.PERSISTENT) != 0


def _cancel(ring: ptr[Ring], entry: u64) -> None:
    status = cancel(ring, cancelled_slot(entry), cancelled_user_data(entry))
    with ring.lock:
        ring.in_flight -= 1
        ring.completed += 1
        _ = post(ring, user_data(entry), u64(status), 0, 0, 0)


def _wait(
    ring: ptr[Ring], thread: ptr[Thread], batch: ptr[Batch], completions: u64, deadline_ns: u64
) -> tuple[Status, u64]:
    """Returns what the call says; or, if the second is not 0, by which word the thread waits from here on."""
    while True:
        with ring.lock:
            look_at_head(ring)
            if ring.is_broken:
                return Status.BROKEN, 0
            status = _status_of(ring, batch)
            if _has_enough(ring, completions):
                return status, 0
            if ring.due is None:
                return Status.TIMEOUT, _begin_wait(ring, thread, batch, completions, deadline_ns)
        invocations.carry_out(thread)
