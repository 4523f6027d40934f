"""Orders in which a full completion queue gets room and fills again: the reservations of kernel/complete/queue.py,
kernel/complete/latch.py and kernel/submit/enter.py, and variants that are wrong on purpose.

A persistent watch has two of the three places from the beginning. The ring's thread submits three more operations, one
of them silent, and reads; two CPUs signal.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, u8, u16, u64, wrap_sub
from kernel.abi.errors import Status
from kernel.abi.ring import Completion, Operation, Submission, SubmissionFlags
from kernel.complete.post import post
from kernel.complete.queue import accept_completion_head, unread
from kernel.objects import notification as notifications
from kernel.submit.enter import ring_enter
from tests.host.explore import ring_state as state
from tests.host.explore.explorer import Scenario, explore

_CAPACITY = const(3)
_PERSISTENT = const(1)                  # user data
_WATCH = const(2)
_NOP = const(3)
_SILENT = const(4)
_EVENT_BITS = const(3)                  # of the persistent watch; the next one is the other's

_completion: Completion = Completion()
_bits: u64 = 0                          # that the persistent watch has told
_events: u64 = 0
_watches: u64 = 0                       # completions of each
_nops: u64 = 0


def explore_places(most: u64) -> tuple[u64, bool]:
    return _explore(_submit_and_read, most)


def explore_early_room(most: u64) -> tuple[u64, bool]:
    """A thread that takes a place for free once it has been read, before the watch whose place it was has it back."""
    return _explore(_accept_early, most)


def explore_head_without_renewal(most: u64) -> tuple[u64, bool]:
    """A thread that notes what has been read and does not see to the watches whose completions that were."""
    return _explore(_note_head_alone, most)


def _explore(thread: Callable[[], None], most: u64) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(thread, _signal_first, _signal_second, thread), count=3, is_right=_is_right,
        holds=_holds,
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _bits, _events, _watches, _nops
    state.prepare(_CAPACITY)
    state.watch(0, u8(SubmissionFlags.PERSISTENT), _PERSISTENT, _EVENT_BITS)
    _bits = 0
    _events = 0
    _watches = 0
    _nops = 0


def _holds() -> bool:
    """There is no cancel, so the place that is kept for one stays free."""
    is_held = state.ring.lock.taken.load("relaxed") != 0
    has_place = is_held or state.ring.reserved + unread(addr(state.ring)) <= _CAPACITY
    return state.adds_up() and state.is_free_before_visible() and has_place


def _is_right() -> bool:
    """With room for all, everything has been taken, and each operation has ended as it should."""
    for _ in range(u64(3)):
        _enter_and_read()
    ring = addr(state.ring)
    return (
        ring.submission_head == state.user.submission_tail
        and ring.accepted == 3 + _nops
        and ring.completed == 1 + _nops
        and ring.silent == 1
        and ring.in_flight == 1
        and _watches == 1
        and _nops >= 1
        and _bits == _EVENT_BITS
        and 1 <= _events <= 2
        and state.records[0].folded == 0
    )


def _signal_first() -> None:
    notifications.signal(addr(state.notification), 1)
    notifications.signal(addr(state.notification), _EVENT_BITS + 1)


def _signal_second() -> None:
    notifications.signal(addr(state.notification), 2)


def _submit_and_read() -> None:
    _write(Operation.NOP, 0, _NOP)
    _write(Operation.NOP, SubmissionFlags.SILENT, _SILENT)
    _write(Operation.WATCH, 0, _WATCH)
    _enter_and_read()
    _enter_and_read()


def _write(operation: Operation, flags: u64, user_data: u64) -> None:
    entry = Submission(operation=u8(operation), flags=u8(flags), slot=u16(user_data - 1), user_data=user_data)
    entry.capability = state.handle
    entry.word0 = _EVENT_BITS + 1
    _ = state.user.submit(addr(entry))


def _enter_and_read() -> None:
    _ = ring_enter(addr(state.ring), state.PLACES, 0, 0)
    while state.read(addr(_completion)):
        _note()


def _note() -> None:
    global _bits, _events, _watches, _nops
    if _completion.user_data == _PERSISTENT:
        _bits |= _completion.word0
        _events += _completion.badge
    _watches += u64(_completion.user_data == _WATCH)
    _nops += u64(_completion.user_data == _NOP)


def _accept_early() -> None:
    """Two more NOPs, if there seems to be room for their completions."""
    if state.user.next_completion(addr(_completion)):
        _note()
    ring = addr(state.ring)
    for _ in range(u64(2)):
        with ring.lock:
            head = ring.user_page.completion_head.value.load("acquire")
            if ring.reserved + wrap_sub(ring.completion_tail, head) < _CAPACITY:
                ring.accepted += 1
                ring.completed += 1
                ring.reserved += 1
                _ = post(ring, _NOP, Status.OK, 0, 0, 0)
    _submit_and_read()


def _note_head_alone() -> None:
    _submit_and_read()
    while state.user.next_completion(addr(_completion)):
        _note()
    with state.ring.lock:
        _ = accept_completion_head(addr(state.ring), state.user.completion_head)
