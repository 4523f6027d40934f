"""Rings from outside: operations, chains, deadlines, cancellation, folded events, and what a broken ring does."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u8, u16, u32, u64, zeroed
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import (
    COMPLETION_CAPACITY,
    SLOTS,
    Completion,
    CompletionFlags,
    Operation,
    Submission,
    SubmissionFlags,
)
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke, ring_enter

_CASES = const(14)
_FAR = const(1 << 62)                   # a deadline that does not come
_SOON = const(300_000_000)              # nanoseconds after the boot

_ring: Ring = zeroed()


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(_ring), ring)
    plan(_CASES)
    begin("bad_entries")
    _bad_entries()
    begin("stalled_keeps_entries")
    _stalled_keeps_entries()
    begin("timer")
    _timer()
    begin("timer_cancel")
    _timer_cancel()
    begin("enter_deadline")
    _enter_deadline()
    begin("watch_once")
    _watch_once()
    begin("watch_deadline")
    _watch_deadline()
    begin("watch_folds")
    _watch_folds()
    begin("watch_destroyed")
    _watch_destroyed()
    begin("chain")
    _chain()
    begin("chain_cancelled")
    _chain_cancelled()
    begin("silent")
    _silent()
    begin("invoke")
    _invoke()
    begin("broken")
    _broken()
    end()


def _submit(operation: u64, slot: u64, flags: u64, handle: u64, word0: u64, deadline_ns: u64 = 0) -> None:
    entry = Submission(
        operation=u8(operation), slot=u16(slot), flags=u8(flags), user_data=100 + slot, capability=handle, word0=word0,
        deadline_ns=deadline_ns,
    )
    check(_ring.submit(addr(entry)), "submission")


def _expect(slot: u64, status: u64) -> u64:
    """The next completion is of this slot and has this status. Returns its first word."""
    found: Completion = zeroed()
    check(_ring.next_completion(addr(found)), "a completion is there")
    check_equal(found.user_data, 100 + slot, "completion of slot")
    check_equal(u64(found.status), status, "status")
    return found.word0


def _expect_none() -> None:
    found: Completion = zeroed()
    check(not _ring.next_completion(addr(found)), "no completion is there")


def _cancel(slot: u64) -> None:
    entry = Submission(operation=Operation.CANCEL, user_data=99, word0=slot, word1=100 + slot)
    check(_ring.submit(addr(entry)), "submission")
    check_equal(u64(_ring.enter(1, 1)), Status.OK, "enter")


def _expect_cancel(status: u64) -> None:
    found: Completion = zeroed()
    check(_ring.next_completion(addr(found)), "the cancel has completed")
    check_equal(found.user_data, 99, "completion of the cancel")
    check_equal(u64(found.status), status, "status of the cancel")


def _make_notification() -> u64:
    status, handle = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    check_equal(u64(status), Status.OK, "a notification")
    return handle


def _signal(handle: u64, bits: u64) -> None:
    status, _ = invoke(handle, Method.NOTIFICATION_SIGNAL, bits)
    check_equal(u64(status), Status.OK, "signal")


def _close(handle: u64) -> None:
    check_equal(u64(close(handle)), Status.OK, "close")


def _bad_entries() -> None:
    _submit(77, 0, 0, 0, 0)
    _submit(Operation.NOP, 1, 0x80, 0, 0)
    _submit(Operation.TIMER, SLOTS, 0, 0, 0, _FAR)
    _submit(Operation.TIMER, 3, 0, 0, 0, 0)
    _submit(Operation.WATCH, 4, 0, 12345, 1)
    check_equal(u64(_ring.enter(5, 5)), Status.OK, "enter")
    _ = _expect(0, Status.BAD_OPERATION)
    _ = _expect(1, Status.BAD_OPERATION)
    _ = _expect(SLOTS, Status.BAD_SLOT)
    _ = _expect(3, Status.BAD_ARGUMENT)
    _ = _expect(4, Status.BAD_HANDLE)


def _stalled_keeps_entries() -> None:
    for slot in range(u64(COMPLETION_CAPACITY) + 1):
        _submit(Operation.NOP, slot, 0, 0, 0)
    status, taken = ring_enter(100, 0, 0)
    check_equal(u64(status), Status.STALLED, "enter")
    check_equal(taken, COMPLETION_CAPACITY, "entries taken")
    for slot in range(u64(COMPLETION_CAPACITY)):
        _ = _expect(slot, Status.OK)
    _expect_none()
    check_equal(u64(_ring.enter(100, 1)), Status.OK, "enter again")
    _ = _expect(COMPLETION_CAPACITY, Status.OK)


def _timer() -> None:
    _submit(Operation.TIMER, 0, 0, 0, 0, 1)
    _submit(Operation.TIMER, 1, 0, 0, 0, _SOON)
    check_equal(u64(_ring.enter(2, 2)), Status.OK, "enter")
    _ = _expect(0, Status.OK)
    _ = _expect(1, Status.OK)


def _timer_cancel() -> None:
    _submit(Operation.TIMER, 5, 0, 0, 0, _FAR)
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")
    _submit(Operation.TIMER, 5, 0, 0, 0, _FAR)
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")
    _ = _expect(5, Status.BUSY)
    _cancel(5)
    _ = _expect(5, Status.CANCELLED)
    _expect_cancel(Status.OK)
    _cancel(5)
    _expect_cancel(Status.NO_SUCH)


def _enter_deadline() -> None:
    _submit(Operation.TIMER, 0, 0, 0, 0, _FAR)
    status, taken = ring_enter(1, 1, _SOON + 20_000_000)
    check_equal(u64(status), Status.TIMEOUT, "enter")
    check_equal(taken, 1, "entries taken")
    _cancel(0)
    _ = _expect(0, Status.CANCELLED)
    _expect_cancel(Status.OK)


def _watch_once() -> None:
    handle = _make_notification()
    _submit(Operation.WATCH, 2, 0, handle, 6)
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")
    _signal(handle, 1)
    _expect_none()
    _signal(handle, 12)
    check_equal(_expect(2, Status.OK), 4, "bits")
    _submit(Operation.WATCH, 2, 0, handle, 9)
    check_equal(u64(_ring.enter(1, 1)), Status.OK, "enter")
    check_equal(_expect(2, Status.OK), 9, "bits that were set before")
    _close(handle)


def _watch_deadline() -> None:
    handle = _make_notification()
    _submit(Operation.WATCH, 2, 0, handle, 1, _SOON + 40_000_000)
    check_equal(u64(_ring.enter(1, 1)), Status.OK, "enter")
    _ = _expect(2, Status.TIMEOUT)
    _close(handle)


def _watch_folds() -> None:
    handle = _make_notification()
    _submit(Operation.WATCH, 7, u64(SubmissionFlags.PERSISTENT), handle, 0xFF)
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")
    for bit in range(u64(5)):
        _signal(handle, u64(1) << bit)
    check_equal(_expect(7, Status.OK), 1, "bits of the first event")
    _expect_none()
    check(_ring.kick(), "kick")
    found: Completion = zeroed()
    check(_ring.next_completion(addr(found)), "the folded events are there")
    check_equal(u64(found.flags), CompletionFlags.MORE | CompletionFlags.COALESCED, "flags")
    check_equal(found.badge, 4, "number of events")
    check_equal(found.word0, 0x1E, "bits of the folded events")
    _signal(handle, 0x20)
    check_equal(_expect(7, Status.OK), 0x20, "bits of an event after all was read")
    _signal(handle, 0x40)
    _signal(handle, 0x80)
    check_equal(u64(_ring.enter(0, 0)), Status.OK, "enter")
    check_equal(_expect(7, Status.OK), 0x40, "bits of the next event")
    _cancel(7)
    check_equal(_expect(7, Status.OK), 0x80, "bits that were folded until the cancel entered the kernel")
    _ = _expect(7, Status.CANCELLED)
    _expect_cancel(Status.OK)
    _close(handle)


def _watch_destroyed() -> None:
    handle = _make_notification()
    _submit(Operation.WATCH, 1, 0, handle, 1)
    _submit(Operation.WATCH, 2, u64(SubmissionFlags.PERSISTENT), handle, 2)
    check_equal(u64(_ring.enter(2, 0)), Status.OK, "enter")
    status, _ = invoke(handle, Method.DESTROY)
    check_equal(u64(status), Status.OK, "destroy")
    _ = _expect(1, Status.DESTROYED)
    _ = _expect(2, Status.DESTROYED)
    _close(handle)


def _chain() -> None:
    handle = _make_notification()
    link = u64(SubmissionFlags.LINK)
    _submit(Operation.SIGNAL, 0, link, handle, 3)
    _submit(Operation.TIMER, 1, link, 0, 0, _SOON + 60_000_000)
    _submit(Operation.WATCH, 2, 0, handle, 3)
    check_equal(u64(_ring.enter(3, 3)), Status.OK, "enter")
    _ = _expect(0, Status.OK)
    _ = _expect(1, Status.OK)
    check_equal(_expect(2, Status.OK), 3, "bits")
    _close(handle)


def _chain_cancelled() -> None:
    link = u64(SubmissionFlags.LINK)
    _submit(Operation.SIGNAL, 0, link, 0, 1)
    _submit(Operation.NOP, 1, link, 0, 0)
    _submit(Operation.NOP, 2, 0, 0, 0)
    check_equal(u64(_ring.enter(3, 3)), Status.OK, "enter")
    _ = _expect(0, Status.BAD_HANDLE)
    _ = _expect(1, Status.CANCELLED)
    _ = _expect(2, Status.CANCELLED)
    _submit(Operation.TIMER, 3, link, 0, 0, _FAR)
    _submit(Operation.NOP, 4, link, 0, 0)
    _submit(Operation.NOP, 5, 0, 0, 0)
    check_equal(u64(_ring.enter(3, 0)), Status.OK, "enter")
    _cancel(4)
    _ = _expect(4, Status.CANCELLED)
    _ = _expect(5, Status.CANCELLED)
    _expect_cancel(Status.OK)
    _cancel(3)
    _ = _expect(3, Status.CANCELLED)
    _expect_cancel(Status.OK)


def _silent() -> None:
    silent = u64(SubmissionFlags.SILENT)
    for turn in range(u64(100)):
        _submit(Operation.NOP, turn % SLOTS, silent, 0, 0)
        check_numbered(u64(_ring.enter(1, 0)), Status.OK, "enter", turn)
    _expect_none()
    _submit(Operation.SIGNAL, 0, silent, 0, 1)
    check_equal(u64(_ring.enter(1, 1)), Status.OK, "enter")
    _ = _expect(0, Status.BAD_HANDLE)


def _invoke() -> None:
    handle = _make_notification()
    _signal(handle, 42)
    entry = Submission(
        operation=Operation.INVOKE, slot=6, length=u32(Method.NOTIFICATION_PEEK), user_data=106, capability=handle
    )
    check(_ring.submit(addr(entry)), "submission")
    check_equal(u64(_ring.enter(1, 1)), Status.OK, "enter")
    check_equal(_expect(6, Status.OK), 42, "bits")
    _close(handle)


def _broken() -> None:
    _ring.user_page.submission_tail.value.store(_ring.submission_tail + 1000, "release")
    check_equal(u64(_ring.enter(1, 0)), Status.BROKEN, "enter with a tail that cannot be")
    _ring.user_page.submission_tail.value.store(_ring.submission_tail, "release")
    check_equal(u64(_ring.enter(1, 0)), Status.BROKEN, "enter after that")
