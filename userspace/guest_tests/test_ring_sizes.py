"""Rings of every size, and rings that do not take every operation."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, u8, u16, u64, zeroed
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.ring import Completion, Operation, Submission, SubmissionFlags, places_for
from kernel.abi.thread import ThreadState
from userspace.guest_tests.messages import come_to_rest
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_enter

_CASES = const(3)
_PLACE = const(0x2000_0000)
_STRIDE = const(0x100_0000)
_SIZES = const(8)
_FAR = const(1 << 62)

_sizes: array[u64, _SIZES] = array(1, 2, 31, 32, 63, 64, 500, 1023)
_rings: u64 = 0
_capacity: u64 = 0
_problem: atomic[u64] = 0               # the line of the check that failed, in the thread's own count


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("every_size")
    for size in _sizes:
        _try(size, _fill_and_empty, 0)
    begin("forbidden_operations")
    _try(8, _meet_forbidden, 1 << Operation.TIMER | 1 << Operation.CALL)
    begin("nothing_is_left")
    come_to_rest()
    before = ask(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.RINGS)
    _try(1023, _leave_in_flight, 0)
    come_to_rest()
    check_equal(ask(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.RINGS), before, "rings charged")
    end()


def _try(capacity: u64, run: Callable[[u64], None], forbidden: u64) -> None:
    global _rings, _capacity
    _rings += 1
    _capacity = capacity
    _problem.store(0)
    thread = make(0, run)
    status, _ = invoke(thread, Method.THREAD_CREATE_RING, _PLACE + _rings * _STRIDE, capacity, forbidden)
    check_numbered(u64(status), Status.OK, "ring of capacity", capacity)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.ENDED)
    check_numbered(_problem.load(), 0, "problem with capacity", capacity)
    check_equal(u64(close(thread)), Status.OK, "close")


def _note(is_right: bool, problem: u64) -> None:
    if not is_right and _problem.load() == 0:
        _problem.store(problem)


def _fill_and_empty(index: u64) -> None:
    """As many operations as there are slots, cancelled in one call each; then the queue full of what ends at once."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + _rings * _STRIDE, _capacity)
    slots = places_for(_capacity)
    _note(not _submit(addr(ring), Operation.TIMER, slots, _FAR) or _expect(addr(ring), slots, Status.BAD_SLOT), 1)
    for slot in range(_capacity):
        _note(_submit(addr(ring), Operation.TIMER, slots - 1 - slot, _FAR), 2)
    _note(not _submit(addr(ring), Operation.TIMER, 0, _FAR), 3)
    for slot in range(_capacity):
        entry = Submission(operation=Operation.CANCEL, user_data=9999, word0=slots - 1 - slot, word1=slots - 1 - slot)
        ring.submission_tail = ring.kernel_page.submission_head.value.load()
        _ = ring.submit(addr(entry))
        status, _ = ring_enter(1, 2, 0)
        _note(status == Status.OK, 4)
        _note(_expect(addr(ring), slots - 1 - slot, Status.CANCELLED), 5)
        _note(_expect(addr(ring), 9999, Status.OK), 6)
    for turn in range(u64(5)):
        for slot in range(_capacity):
            entry = Submission(operation=Operation.NOP, user_data=slot)
            _note(ring.submit(addr(entry)), 7)
        status, taken = ring_enter(_capacity, _capacity, 0)
        _note(status == Status.OK and taken == _capacity, 8)
        for slot in range(_capacity):
            _note(_expect(addr(ring), slot, Status.OK), 9)
    exit_thread(0)


def _submit(ring: ptr[Ring], operation: u64, slot: u64, deadline_ns: u64) -> bool:
    """Returns whether the kernel has taken the entry."""
    entry = Submission(operation=u8(operation), slot=u16(slot), user_data=slot, deadline_ns=deadline_ns)
    _ = ring.submit(addr(entry))
    _, taken = ring_enter(1, 0, 0)
    return taken == 1


def _expect(ring: ptr[Ring], user_data: u64, status: u64) -> bool:
    found: Completion = zeroed()
    return ring.next_completion(addr(found)) and found.user_data == user_data and u64(found.status) == status


def _meet_forbidden(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + _rings * _STRIDE, _capacity)
    _ = _submit(addr(ring), Operation.TIMER, 1, _FAR)
    _note(_expect(addr(ring), 1, Status.NO_RIGHT), 1)
    _ = _submit(addr(ring), Operation.CALL, 2, 0)
    _note(_expect(addr(ring), 2, Status.NO_RIGHT), 2)
    _ = _submit(addr(ring), Operation.SEND, 3, 0)
    _note(_expect(addr(ring), 3, Status.BAD_HANDLE), 3)
    entry = Submission(operation=Operation.NOP, flags=SubmissionFlags.LINK, slot=4, user_data=4)
    _ = ring.submit(addr(entry))
    entry = Submission(operation=Operation.TIMER, slot=5, user_data=5, deadline_ns=1)
    _ = ring.submit(addr(entry))
    _, _ = ring_enter(2, 2, 0)
    _note(_expect(addr(ring), 5, Status.NO_RIGHT) and _expect(addr(ring), 4, Status.OK), 4)
    exit_thread(0)


def _leave_in_flight(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + _rings * _STRIDE, _capacity)
    for slot in range(_capacity):
        _note(_submit(addr(ring), Operation.TIMER, slot, _FAR - slot), 1)
    exit_thread(0)
