"""Orders in which a cancel, an event, a deadline and a close end one operation, and another one begins in its slot:
kernel/submit/{cancel,attachment}.py, kernel/complete/finish.py, kernel/objects/watch.py, and variants that are wrong on
purpose.

The operation is a watch. Its ring's thread cancels it, reads what has come, and watches again in the same slot; the
deadline and the close are the first watch's.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, u64
from kernel.abi.errors import Status
from kernel.abi.ring import Completion
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.complete import finish
from kernel.complete.post import post
from kernel.complete.ring_block import RecordState
from kernel.objects import notification as notifications
from kernel.objects.watch import remove_watch
from kernel.submit import attachment, operations
from tests.host.explore import ring_state as state
from tests.host.explore.explorer import Scenario, explore

_FIRST = const(1)                       # user data of the watches, both in slot 0
_SECOND = const(_FIRST + state.PLACES)
_NONE = const(0xFFFF)                   # no status
_DUE_NS = const(1)

_completion: Completion = Completion()
_first: u64 = _NONE                     # status of the one completion
_second: u64 = _NONE
_cancel: u64 = _NONE
_is_wrong: bool = False


def explore_ends(most: u64) -> tuple[u64, bool]:
    return _explore(_cancel_and_go_on, _signal, _expire, 3, most)


def explore_ends_and_close(most: u64) -> tuple[u64, bool]:
    return _explore(_cancel_and_go_on, _signal, _expire, 4, most)


def explore_claim_in_two_steps(most: u64) -> tuple[u64, bool]:
    """A deadline that looks at the state and then takes the record."""
    return _explore(_cancel_and_go_on, _signal, _expire_in_two_steps, 3, most)


def explore_claim_of_any(most: u64) -> tuple[u64, bool]:
    """A deadline that takes whatever waits in the record by now."""
    return _explore(_cancel_and_go_on, _signal, _expire_any, 3, most)


def explore_cancel_without_wait(most: u64) -> tuple[u64, bool]:
    """A cancel that says TOO_LATE before the operation has completed."""
    return _explore(_cancel_hastily, _signal, _expire, 3, most)


def explore_visible_before_free(most: u64) -> tuple[u64, bool]:
    """An event whose completion the user sees while the record is still taken."""
    return _explore(_cancel_and_go_on, _signal_too_early, _expire, 3, most)


def _explore(
    thread: Callable[[], None], event: Callable[[], None], deadline: Callable[[], None], count: u64, most: u64
) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(thread, event, deadline, _close), count=count, is_right=_is_right, holds=_holds
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _first, _second, _cancel, _is_wrong
    state.prepare(3)
    state.watch(0, 0, _FIRST, 1)
    state.records[0].deadline_ns = _DUE_NS
    _first = _NONE
    _second = _NONE
    _cancel = _NONE
    _is_wrong = False


def _holds() -> bool:
    return state.adds_up() and state.is_free_before_visible()


def _is_right() -> bool:
    _read_all()
    return not _is_wrong and _are_ends_right() and _is_rest_right()


def _are_ends_right() -> bool:
    """The first watch ended once, and the cancel tells the truth about it."""
    match _first:
        case Status.CANCELLED:
            is_told = _cancel == Status.OK
        case Status.OK | Status.TIMEOUT | Status.CLOSED:
            is_told = _cancel == Status.TOO_LATE or _cancel == Status.NO_SUCH
        case _:
            is_told = False
    match _second:
        case Status.OK | Status.BAD_HANDLE | Status.CLOSED:
            return is_told
        case _:
            return is_told and _second == _NONE


def _is_rest_right() -> bool:
    """The event is told once or lies there still; what is in flight, and nothing else, is counted everywhere."""
    in_flight = u64(state.ring.in_flight)
    told = u64(_first == Status.OK) + u64(_second == Status.OK) + state.notification.bits.load("relaxed")
    return (
        told == 1
        and in_flight == u64(_second == _NONE)
        and state.notification.header.references.load("relaxed") == 1 + in_flight
        and table.has_operations(addr(state.process.table), state.handle) == (in_flight != 0)
    )


def _read_all() -> None:
    while state.read(addr(_completion)):
        _note(_completion.user_data, u64(_completion.status))


def _note(user_data: u64, status: u64) -> None:
    """Each comes once, the first watch's before the cancel's."""
    global _first, _second, _cancel, _is_wrong
    if user_data == state.CANCEL_DATA:
        _is_wrong |= _cancel != _NONE or _first == _NONE
        _cancel = status
    elif user_data == _FIRST:
        _is_wrong |= _first != _NONE
        _first = status
    else:
        _is_wrong |= _second != _NONE
        _second = status


def _cancel_and_go_on() -> None:
    state.cancel(0, _FIRST)
    _watch_again()


def _watch_again() -> None:
    _read_all()
    state.watch(0, 0, _SECOND, 1)
    _read_all()


def _signal() -> None:
    notifications.signal(addr(state.notification), 1)


def _expire() -> None:
    attachment.expire(addr(state.records[0]), _DUE_NS)


def _close() -> None:
    removed = Capability()
    if table.remove(addr(state.process.table), state.handle, addr(removed)):
        attachment.end_operations_of(addr(state.process), state.handle)


def _expire_in_two_steps() -> None:
    record = addr(state.records[0])
    if record.deadline_ns == _DUE_NS and record.state.load("acquire") == RecordState.PENDING:
        record.state.store(RecordState.CLAIMED, "release")
        operations.withdraw(record)
        finish.finish(record, Status.TIMEOUT, 0)


def _expire_any() -> None:
    record = addr(state.records[0])
    if finish.claim(record):
        operations.withdraw(record)
        finish.finish(record, Status.TIMEOUT, 0)


def _cancel_hastily() -> None:
    record = addr(state.records[0])
    status: Status = Status.TOO_LATE
    if finish.claim(record):
        attachment.end(record, Status.CANCELLED)
        status = Status.OK
    with state.ring.lock:
        state.ring.accepted += 1
        state.ring.completed += 1
        state.ring.reserved += 1
        _ = post(addr(state.ring), state.CANCEL_DATA, u64(status), 0, 0, 0)
    _watch_again()


def _signal_too_early() -> None:
    record = addr(state.records[0])
    if not finish.claim(record):
        _signal()
        return
    remove_watch(addr(state.notification), record)
    with state.ring.lock:
        state.ring.in_flight -= 1
        state.ring.completed += 1
        _ = post(addr(state.ring), record.user_data, Status.OK, 0, 0, 1)
        record.state.store(RecordState.FREE, "release")
    _ = state.notification.bits.fetch_and(0)
    table.forget_operation(addr(state.process.table), state.handle)
    _ = reference.drop(addr(state.notification.header))
