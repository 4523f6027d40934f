"""What rings cost that wait: timers, notifications and calls between processes, events across CPUs. Both sides are
counted.

A watch is persistent and armed once; each side takes a completion a round and waits in its ring for the next.
"""
from collections.abc import Callable

from compiler.prelude import addr, atomic, const, ptr, spin_hint, u8, u16, u32, u64, zeroed
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.ring import (
    ACCEPTED_SHIFT,
    COMPLETION_CAPACITY,
    COMPLETION_PLACES,
    COPIED_SHIFT,
    MESSAGE_BYTES,
    SLOTS,
    CompletionFlags,
    Operation,
    Submission,
    SubmissionFlags,
)
from userspace.benchmarks.clock import measure
from userspace.guest_tests.clone import make_child
from userspace.guest_tests.report import check_equal
from userspace.guest_tests.threads import STACK_BYTES, ask, do, finish, make, stack_of
from userspace.lib.memory import create_memory
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke, ring_enter, yield_now

_ROUNDS = const(200)
_BIT = const(1)
_SLOT = const(7)
_CEILING = const(40)
_OTHER_RING = const(0x2000_0000)
_THIRD_RING = const(0x2001_0000)
_LONG_AGO_NS = const(1)
# The first handles of a process that had none, in the order in which they are given.
_CHILD_HEARS = const(1 << 32 | 1)
_CHILD_TELLS = const(1 << 32 | 2)
_CHILD_BUFFER = const(1 << 32 | 2)
_BUFFER_BYTES = const(MESSAGE_BYTES * (SLOTS + COMPLETION_PLACES))

_ring: ptr[Ring] | None = None
_to_other: u64 = 0
_to_us: u64 = 0
_channel: u64 = 0
_heard: atomic[u64] = 0                 # events that a thread on the other CPU has taken


def measure_events(ring: ptr[Ring], has_two_cpus: bool) -> None:
    """`ring` is the thread's own; a watch stays in it."""
    global _ring, _to_other, _to_us
    _ring = ring
    _to_other = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _to_us = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    measure("timer", _wait_for_timer, _ROUNDS, 1)
    if has_two_cpus:
        _across_cpus()
    else:
        _watch(ring, _to_us)
        _between_processes()
        _call_through_rings()


def _wait_for_timer() -> None:
    """Set for a moment that has passed, so that no idling is counted."""
    entry = Submission(operation=u8(Operation.TIMER), deadline_ns=_LONG_AGO_NS)
    ring = _own_ring()
    _ = ring.submit(addr(entry))
    _, _ = ring_enter(1, 1, 0)
    ring.done_with(ring.unread())


def _between_processes() -> None:
    process, thread = make_child(_answer_for_ever, _OTHER_RING, stack_of(2) + STACK_BYTES)
    do(_to_other, Method.COPY_TO, process, Right.WAIT)
    do(_to_us, Method.COPY_TO, process, Right.SIGNAL)
    do(thread, Method.THREAD_CREATE_RING, _OTHER_RING, COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    yield_now()
    measure("notify_round_trip", _tell_and_wait, _ROUNDS, 1)
    do(process, Method.PROCESS_KILL, 0)


def _tell_and_wait() -> None:
    _, _ = invoke(_to_other, Method.NOTIFICATION_SIGNAL, _BIT)
    _take_event(_own_ring())


def _answer_for_ever(place: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), place)
    _watch(addr(ring), _CHILD_HEARS)
    while True:
        _take_event(addr(ring))
        _, _ = invoke(_CHILD_TELLS, Method.NOTIFICATION_SIGNAL, _BIT)


def _call_through_rings() -> None:
    """A call between processes: an entry and its completion, the answer, on either side."""
    global _channel
    _channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, _CEILING)
    process, thread = make_child(_serve_for_ever, _OTHER_RING, stack_of(2) + STACK_BYTES)
    _, buffer = create_memory(ROOT_ACCOUNT, _BUFFER_BYTES)
    _set_buffer(_own_ring(), buffer)
    _, buffer = create_memory(ROOT_ACCOUNT, _BUFFER_BYTES)
    do(_channel, Method.COPY_TO, process, Right.RECEIVE)
    do(buffer, Method.COPY_TO, process, u64(Right.READ | Right.WRITE))
    do(thread, Method.THREAD_CREATE_RING, _OTHER_RING, COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    yield_now()
    measure("call_reply_ring", _call_with_words, _ROUNDS, 1)
    measure("call_reply_ring_64", _call_with_bytes, _ROUNDS, 1)
    measure("call_reply_ring_capability", _call_with_capability, _ROUNDS, 1)
    do(process, Method.PROCESS_KILL, 0)


def _call_with_words() -> None:
    _call_once(0, 1, 0)


def _call_with_bytes() -> None:
    """64 there and 64 back."""
    _call_once(64, 1, 64)


def _call_with_capability() -> None:
    """There, where it is closed again."""
    _call_once(1 << COPIED_SHIFT, _to_other, 0)


def _call_once(length: u32, word0: u64, answer_bytes: u64) -> None:
    ring = _own_ring()
    entry = ring.stage(Operation.CALL, _SLOT + 1, 0, 1)
    assert entry is not None
    entry.length = length
    entry.capability = _channel
    _write_words(entry, word0, answer_bytes)
    ring.publish()
    _, _ = ring_enter(1, 1, 0)
    check_equal(u64(ring.completion(0).status), Status.OK, "a call")
    ring.done_with(1)


def _serve_for_ever(place: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), place)
    _set_buffer(addr(ring), _CHILD_BUFFER)
    receive = Submission(
        operation=u8(Operation.RECEIVE), slot=1, capability=_CHILD_HEARS, length=1 << ACCEPTED_SHIFT
    )
    _ = ring.submit(addr(receive))
    while True:
        _, _ = ring_enter(1, 1, 0)
        found = ring.completion(0)
        token = found.reply
        if found.flags & CompletionFlags.CAPABILITIES != 0:
            _ = close(found.word0)
        entry = ring.stage(Operation.REPLY, 2, u8(SubmissionFlags.SILENT), 2)
        assert entry is not None
        entry.length = u32(found.word1)
        ring.done_with(1)
        entry.capability = token
        _write_words(entry, 1, 2)
        ring.publish()


def _set_buffer(ring: ptr[Ring], memory: u64) -> None:
    entry = Submission(operation=u8(Operation.SET_BUFFER), slot=3, capability=memory)
    _ = ring.submit(addr(entry))
    _, _ = ring_enter(1, 1, 0)
    check_equal(u64(ring.completion(0).status), Status.OK, "a message buffer")
    ring.done_with(1)


def _write_words(entry: ptr[Submission], word0: u64, word1: u64) -> None:
    entry.word0 = word0
    entry.word1 = word1
    entry.word2 = 3
    entry.word3 = 4
    entry.deadline_ns = 0


def _across_cpus() -> None:
    """Both CPUs are counted, and with them the loop of whoever polls."""
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    poller = _start_elsewhere(2, _poll_for_ever, _OTHER_RING)
    measure("event_to_polling_cpu", _tell_and_poll, _ROUNDS, 1)
    finish(poller)
    sleeper = _start_elsewhere(3, _sleep_for_ever, _THIRD_RING)
    measure("wake_across_cpus", _tell_and_poll, _ROUNDS, 1)
    finish(sleeper)


def _start_elsewhere(index: u64, function: Callable[[u64], None], place: u64) -> u64:
    """A thread with a ring on the second CPU. Returns when it watches."""
    begun = _heard.load("acquire")
    thread = make(index, function, place)
    do(thread, Method.THREAD_SET_AFFINITY, 0, 2)
    do(thread, Method.THREAD_CREATE_RING, place, COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    while _heard.load("acquire") == begun:
        spin_hint()
    return thread


def _tell_and_poll() -> None:
    heard = _heard.load("acquire")
    _, _ = invoke(_to_other, Method.NOTIFICATION_SIGNAL, _BIT)
    while _heard.load("acquire") == heard:
        spin_hint()


def _poll_for_ever(place: u64) -> None:
    ring: Ring = zeroed()
    _begin_hearing(addr(ring), place)
    while True:
        while ring.unread() == 0:
            spin_hint()
        ring.done_with(ring.unread())
        _ = _heard.fetch_add(1, "release")


def _sleep_for_ever(place: u64) -> None:
    ring: Ring = zeroed()
    _begin_hearing(addr(ring), place)
    while True:
        _take_event(addr(ring))
        _ = _heard.fetch_add(1, "release")


def _begin_hearing(ring: ptr[Ring], place: u64) -> None:
    open_ring(ring, place)
    _watch(ring, _to_other)
    _ = _heard.fetch_add(1, "release")


def _watch(ring: ptr[Ring], notification: u64) -> None:
    entry = Submission(
        operation=u8(Operation.WATCH), flags=u8(SubmissionFlags.PERSISTENT), slot=u16(_SLOT), capability=notification,
        word0=_BIT,
    )  # fmt: skip
    _ = ring.submit(addr(entry))
    _, _ = ring_enter(1, 0, 0)


def _take_event(ring: ptr[Ring]) -> None:
    while ring.unread() == 0:
        _, _ = ring_enter(0, 1, 0)
    ring.done_with(ring.unread())


def _own_ring() -> ptr[Ring]:
    ring = _ring
    assert ring is not None
    return ring
