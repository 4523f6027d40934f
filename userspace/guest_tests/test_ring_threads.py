"""Rings of several threads: events counted exactly, wakes not lost, and what a killed thread's ring leaves behind."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.abi.ring import (
    COMPLETION_CAPACITY,
    MOST_PLACES,
    OPERATION_NUMBERS,
    Completion,
    Operation,
    Submission,
    SubmissionFlags,
)
from kernel.abi.thread import ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(6)
_RINGS = const(0x2000_0000)             # where rings are mapped, _RING_STRIDE apart
_RING_STRIDE = const(0x10000)
_WATCHERS = const(3)
_SIGNALS = const(20_000)
_TURNS = const(100_000)                 # of each of two threads
_TURNS_FULL = const(5_000_000)
_BIT = const(1)
_STOP = const(2)
_FAR = const(1 << 62)
_ROUNDS = const(200)

_notifications: array[u64, 4] = zeroed()
_counted: array[atomic[u64], 4] = zeroed()
_ready: atomic[u64] = 0
_rings_at_start: u64 = 0
_turns: u64 = 0
_places: u64 = 0                        # rings mapped so far: pages of rings that are gone stay mapped


@export("main")
def main(ring: u64) -> u64:
    global _rings_at_start, _turns
    _turns = rounds(_TURNS, _TURNS_FULL)
    _rings_at_start = _count(ObjectKind.RING)
    plan(_CASES)
    begin("refusals")
    _refusals()
    begin("events_are_counted")
    _events_are_counted()
    begin("wakes_are_not_lost")
    _wakes_are_not_lost()
    begin("killed_while_waiting")
    _killed(True)
    begin("killed_while_running")
    _killed(False)
    begin("many_lives")
    _many_lives()
    end()


def _new_place() -> u64:
    global _places
    _places += 1
    return _RINGS + _places * _RING_STRIDE


def _make_notification() -> u64:
    status, handle = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    check_equal(u64(status), Status.OK, "a notification")
    return handle


def _count(kind: u64) -> u64:
    return ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)


def _refusals() -> None:
    thread = make(0, _leave_at_once)
    place = _new_place()
    _expect_refusal(thread, place + 1, COMPLETION_CAPACITY, Status.BAD_ARGUMENT)
    _expect_refusal(thread, place, 0, Status.BAD_ARGUMENT)
    _expect_refusal(thread, place, MOST_PLACES, Status.BAD_ARGUMENT)
    _expect_refusal(thread, 0, COMPLETION_CAPACITY, Status.BAD_ADDRESS)
    _expect_refusal(thread, u64(1) << 47, COMPLETION_CAPACITY, Status.BAD_ADDRESS)
    _expect_refusal(thread, place, COMPLETION_CAPACITY, Status.BAD_ARGUMENT, 1 << Operation.NOP)
    _expect_refusal(thread, place, COMPLETION_CAPACITY, Status.BAD_ARGUMENT, 1 << OPERATION_NUMBERS)
    do(thread, Method.THREAD_CREATE_RING, place, COMPLETION_CAPACITY)
    _expect_refusal(thread, _new_place(), COMPLETION_CAPACITY, Status.BUSY)
    other = make(1, _leave_at_once)
    _expect_refusal(other, place, COMPLETION_CAPACITY, Status.ALREADY_MAPPED)
    _end(thread)
    _end(other)


def _expect_refusal(thread: u64, place: u64, capacity: u64, wanted: Status, forbidden: u64 = 0) -> None:
    status, _ = invoke(thread, Method.THREAD_CREATE_RING, place, capacity, forbidden)
    check_equal(u64(status), u64(wanted), "creation of a ring")


def _leave_at_once(index: u64) -> None:
    exit_thread(0)


def _end(thread: u64) -> None:
    do(thread, Method.THREAD_KILL, 9)
    await_state(thread, ThreadState.ENDED)
    check_equal(u64(close(thread)), Status.OK, "close")


_ring_places: array[u64, 4] = zeroed()


def _events_are_counted() -> None:
    """Every signal is a single event for every watch, however many are folded into one completion."""
    threads: array[u64, _WATCHERS] = zeroed()
    _ready.store(0)
    _notifications[0] = _make_notification()
    for index in range(u64(_WATCHERS)):
        _counted[index].store(0)
        threads[index] = make(index, _watch_events)
        _ring_places[index] = _new_place()
        do(threads[index], Method.THREAD_CREATE_RING, _ring_places[index], 2)
        do(threads[index], Method.THREAD_START)
    while _ready.load() != _WATCHERS:
        yield_now()
    for _ in range(_SIGNALS):
        do(_notifications[0], Method.NOTIFICATION_SIGNAL, _BIT)
    do(_notifications[0], Method.NOTIFICATION_SIGNAL, _STOP)
    for index in range(u64(_WATCHERS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(_counted[index].load(), _SIGNALS + 1, "events", index)
        check_equal(u64(close(threads[index])), Status.OK, "close")
    check_equal(u64(close(_notifications[0])), Status.OK, "close")


def _watch_events(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_places[index])
    entry = Submission(
        operation=u8(Operation.WATCH), flags=u8(SubmissionFlags.PERSISTENT), capability=_notifications[0],
        word0=_BIT | _STOP,
    )
    _ = ring.submit(addr(entry))
    _ = ring.enter(1, 0)
    _ = _ready.fetch_add(1)
    seen: u64 = 0
    while seen & _STOP == 0:
        _ = ring.enter(0, 1)
        completion: Completion = zeroed()
        while ring.take(addr(completion)):
            _ = _counted[index].fetch_add(completion.badge)
            seen |= completion.word0
    exit_thread(0)


def _wakes_are_not_lost() -> None:
    """Two threads signal each other in turn: a lost wake would end the game."""
    threads: array[u64, 2] = zeroed()
    for index in range(u64(2)):
        _notifications[index] = _make_notification()
        _counted[index].store(0)
    for index in range(u64(2)):
        threads[index] = make(index, _play)
        _ring_places[index] = _new_place()
        do(threads[index], Method.THREAD_CREATE_RING, _ring_places[index], 1)
        do(threads[index], Method.THREAD_START)
    do(_notifications[0], Method.NOTIFICATION_SIGNAL, _BIT)
    while _counted[0].load() + _counted[1].load() != 2 * _turns:
        yield_now()
    for index in range(u64(2)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(_counted[index].load(), _turns, "turns", index)
        check_equal(u64(close(threads[index])), Status.OK, "close")
        check_equal(u64(close(_notifications[index])), Status.OK, "close")


def _play(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_places[index])
    for _ in range(_turns):
        entry = Submission(operation=u8(Operation.WATCH), capability=_notifications[index], word0=_BIT)
        _ = ring.submit(addr(entry))
        _ = ring.enter(1, 1)
        completion: Completion = zeroed()
        if not ring.next_completion(addr(completion)) or completion.status != Status.OK:
            exit_thread(1)
        _ = _counted[index].fetch_add(1)
        _, _ = invoke(_notifications[1 - index], Method.NOTIFICATION_SIGNAL, _BIT)
    exit_thread(0)


def _killed(is_waiting: bool) -> None:
    """What a killed thread had in flight ends with it, and nothing of its ring is left."""
    _ready.store(0)
    _notifications[0] = _make_notification()
    thread = make(0, _wait_for_ever if is_waiting else _run_for_ever)
    _ring_places[0] = _new_place()
    do(thread, Method.THREAD_CREATE_RING, _ring_places[0], COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    while _ready.load() == 0:
        yield_now()
    if is_waiting:
        await_state(thread, ThreadState.WAITING)
    _end(thread)
    do(_notifications[0], Method.NOTIFICATION_SIGNAL, _BIT)
    check_equal(u64(close(_notifications[0])), Status.OK, "close")
    _await_count(ObjectKind.RING, _rings_at_start)
    _await_count(ObjectKind.NOTIFICATION, 0)


def _await_count(kind: u64, wanted: u64) -> None:
    for _ in patience():
        if _count(kind) == wanted:
            return
        yield_now()
    check_equal(_count(kind), wanted, "objects that are left")


def _fill(ring: ptr[Ring]) -> None:
    """Operations of each kind that waits, a chain among them."""
    link = u8(SubmissionFlags.LINK)
    entries: array[Submission, 5] = array(
        Submission(operation=u8(Operation.TIMER), slot=0, deadline_ns=_FAR),
        Submission(operation=u8(Operation.WATCH), slot=1, capability=_notifications[0], word0=4),
        Submission(
            operation=u8(Operation.WATCH), slot=2, flags=u8(SubmissionFlags.PERSISTENT), capability=_notifications[0],
            word0=_BIT, deadline_ns=_FAR,
        ),
        Submission(operation=u8(Operation.TIMER), slot=3, flags=link, deadline_ns=_FAR),
        Submission(operation=u8(Operation.NOP), slot=4),
    )
    for index in range(u64(5)):
        _ = ring.submit(addr(entries[index]))


def _wait_for_ever(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_places[index])
    _fill(addr(ring))
    _ = _ready.fetch_add(1)
    _ = ring.enter(5, 5)
    exit_thread(1)


def _run_for_ever(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_places[index])
    _fill(addr(ring))
    _ = ring.enter(5, 0)
    _ = _ready.fetch_add(1)
    while True:
        _ = ring.enter(0, 0)


def _many_lives() -> None:
    for life in range(u64(_ROUNDS)):
        thread = make(life % 2, _leave_at_once)
        do(thread, Method.THREAD_CREATE_RING, _new_place(), 1 + life % COMPLETION_CAPACITY)
        do(thread, Method.THREAD_START)
        await_state(thread, ThreadState.ENDED)
        check_equal(u64(close(thread)), Status.OK, "close")
    _await_count(ObjectKind.RING, _rings_at_start)
