"""Posting completions, in the order in which the user will read them, and waking a thread that waits for them.

Locks: callers hold Ring.lock. A thread that a post has woken is made ready by the caller once the lock is free.
"""
from compiler.prelude import addr, inline, ptr, u16, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import HANDLES_SHIFT, Completion, CompletionFlags, RingFlags
from kernel.complete.message_buffer import put_bytes
from kernel.complete.queue import advance_tail, take_reserved_place, unread
from kernel.complete.ring_block import Ring
from kernel.core import alarm, calls, schedule, wait
from kernel.core.attention import note_due
from kernel.core.message import Message
from kernel.core.thread_block import (
    HAS_EVENTS,
    INVOCATIONS_DUE,
    UPCALL_DUE,
    WAIT_INTERRUPTED,
    Thread,
    Wait,
    cpu_of,
)


def post(ring: ptr[Ring], user_data: u64, status: u64, flags: u32, badge: u64, result: u64) -> u32:
    """Posts a completion without a message. Returns its index. Requires: a reservation."""
    index = take_reserved_place(ring)
    entry = completion_at(ring, index)
    entry.user_data = user_data
    entry.status = u16(status)
    entry.flags = u16(flags)
    entry.sequence = u16(index)
    entry.length = 0
    entry.badge = badge
    entry.reply = 0
    entry.word0 = result
    # Pairs with the user's acquiring load of the tail: the entry is complete before it is visible.
    ring.kernel_page.completion_tail.value.store(advance_tail(ring), "release")
    send_upcall(ring)
    return index


def post_message(
    ring: ptr[Ring], user_data: u64, flags: u32, message: ptr[Message], reply: u64
) -> None:
    """Posts a completion that brings a message. Requires: a reservation."""
    index = take_reserved_place(ring)
    entry = completion_at(ring, index)
    entry.user_data = user_data
    entry.status = u16(Status.OK)
    entry.flags = u16(flags | _flags_of(message))
    entry.sequence = u16(index)
    entry.length = put_bytes(ring, index, message)
    entry.badge = message.badge
    entry.reply = reply
    entry.word0 = message.words[0]
    entry.word1 = message.words[1]
    entry.word2 = message.words[2]
    entry.word3 = message.words[3]
    # Pairs with the user's acquiring load of the tail: the entry is complete before it is visible.
    ring.kernel_page.completion_tail.value.store(advance_tail(ring), "release")
    send_upcall(ring)


def _flags_of(message: ptr[Message]) -> u32:
    return CompletionFlags.CAPABILITIES | message.handles << HANDLES_SHIFT if message.handles != 0 else 0


@inline
def write_completion(entry: ptr[Completion], index: u32, user_data: u64) -> None:
    """A completion that says OK and nothing else, not yet the user's."""
    entry.user_data = user_data
    entry.status = 0
    entry.flags = 0
    entry.sequence = u16(index)
    entry.length = 0
    entry.badge = 0
    entry.reply = 0
    entry.word0 = 0


def completion_at(ring: ptr[Ring], index: u32) -> ptr[Completion]:
    return addr(ring.completions[index & (ring.places - 1)])


def take_waiter(ring: ptr[Ring]) -> ptr[Thread] | None:
    """The ring's thread, if it waited and now has what it waited for; the caller owns it and makes it ready."""
    if ring.waiting == 0:
        return _interrupt_server(ring)
    if unread(ring) < ring.wanted:
        return None
    return end_wait(ring, Status.OK)


def _interrupt_server(ring: ptr[Ring]) -> ptr[Thread] | None:
    """A thread that receives calls hears its ring too: its wait for a call ends with EVENTS (entry/direct.py)."""
    owner = ring.thread
    if owner is None or unread(ring) == 0:
        return None
    thread = ptr[Thread](owner)
    return thread if _end_receive(thread) else None


def _end_receive(thread: ptr[Thread]) -> bool:
    """Returns True for the one who then makes it ready."""
    if thread.received_from == 0:
        return False
    # Full: set before the wait is read; a receiver publishes its wait before it reads the condition.
    _ = thread.conditions.fetch_or(HAS_EVENTS, "seq_cst")
    return calls.end_receive(thread, Status.EVENTS)


def wake_for_invocation(ring: ptr[Ring]) -> ptr[Thread] | None:
    """Makes the ring's thread carry out what is due as soon as it can. Returns the thread if it waited for its ring or
    for a call; the caller owns it and makes it ready."""
    thread = ptr[Thread](ring.thread)
    # Full: set before the wait is read; whoever runs it again after a wait reads the condition.
    _ = thread.conditions.fetch_or(INVOCATIONS_DUE, "seq_cst")
    word = ring.waiting
    if word != 0:
        ring.waiting = 0
        if not wait.claim(thread, word):
            return None
        _ = thread.conditions.fetch_or(WAIT_INTERRUPTED)
        thread.registers.rax = u64(Status.OK)
        return thread
    if _end_receive(thread):
        return thread
    if thread.wait.load("seq_cst") == Wait.NONE:
        schedule.reschedule(cpu_of(thread))
    return None


def forget_wait(thread: ptr[Thread]) -> None:
    """A thread is sent elsewhere that had perhaps to wait on for its ring. Requires: it is held."""
    ring = thread.ring
    if thread.conditions.fetch_and(~u64(WAIT_INTERRUPTED)) & WAIT_INTERRUPTED != 0 and ring is not None:
        with ring.lock:
            _ = end_wait(ring, Status.OK)


def send_upcall(ring: ptr[Ring]) -> None:
    """Makes the ring's thread look at its upcall block before it next runs in user mode, if it wants upcalls."""
    if not ring.has_upcalls:
        return
    thread = ptr[Thread](ring.thread)
    if thread.conditions.fetch_or(UPCALL_DUE, "acq_rel") & UPCALL_DUE == 0:
        note_due(thread)


def end_wait(ring: ptr[Ring], status: Status) -> ptr[Thread] | None:
    """Ends the wait of the ring's thread with a status, unless somebody else was faster."""
    word = ring.waiting
    thread = ptr[Thread](ring.thread)
    ring.waiting = 0
    if ring.timer.is_queued:
        _ = alarm.stop_timer(addr(ring.timer))
    if word == 0 or not wait.claim(thread, word):
        return None
    thread.registers.rax = u64(status)
    return thread


def break_ring(ring: ptr[Ring]) -> None:
    """The user's indices contradict ours: the ring is of no more use to anyone."""
    ring.is_broken = True
    set_flag(ring, RingFlags.BROKEN)


def set_flag(ring: ptr[Ring], flag: RingFlags) -> None:
    if ring.flags & u32(flag) == 0:
        ring.flags |= u32(flag)
        ring.kernel_page.flags.value.store(ring.flags, "release")


def clear_flag(ring: ptr[Ring], flag: RingFlags) -> None:
    if ring.flags & u32(flag) != 0:
        ring.flags &= ~u32(flag)
        ring.kernel_page.flags.value.store(ring.flags, "release")
