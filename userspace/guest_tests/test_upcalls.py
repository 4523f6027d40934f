"""Upcalls from outside: none lost, none nested, the interrupted code none the wiser."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, u8, u16, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, Operation, Submission, SubmissionFlags
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadState
from kernel.abi.upcall import Reason
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import await_state, do, finish, make
from userspace.lib import upcalls
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_cancel, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(11)
_SIGNALS = const(2_000)
_SIGNALLERS = const(3)
_FIRST_SLOT = const(10)                 # of the watches on what they signal
_TIMER_NAME = const(5)
_SLOT = const(3)
_SOON_NS = const(3_000_000)
_INTERVAL_NS = const(1_000_000)
_UPCALL_RETURN = const(Call.UPCALL_RETURN)

_ring: Ring = zeroed()
_notification: u64 = 0
_notifications: array[u64, _SIGNALLERS] = zeroed()
_events: atomic[u64] = 0
_calls: atomic[u64] = 0
_inside: atomic[u64] = 0
_nested: atomic[u64] = 0
_reasons: atomic[u64] = 0                # of all upcalls since it was cleared


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(_ring), ring)
    plan(_CASES)
    begin("not_armed")
    _not_armed()
    begin("interrupts_a_loop")
    _interrupts_a_loop()
    begin("counts_exactly")
    _counts_exactly()
    begin("masked")
    _masked()
    begin("critical_range")
    _critical_range()
    begin("timer_reason")
    _timer_reason()
    begin("preempted_reason")
    _preempted_reason()
    begin("interval")
    _interval()
    begin("delay")
    _delay()
    begin("bad_reasons")
    check_equal(u64(upcalls.arm(addr(_ring), _handle, OWN_THREAD, 8)), Status.BAD_ARGUMENT, "arm for an unknown reason")
    begin("bad_frame")
    _bad_frame()
    end()


def _drain() -> None:
    completion: Completion = zeroed()
    while _ring.take(addr(completion)):
        if completion.status == Status.OK and completion.user_data != _TIMER_NAME:
            _ = _events.fetch_add(completion.badge)


def _handle() -> None:
    _ = _reasons.fetch_or(_ring.user_page.upcall.frame.reasons)
    if _inside.exchange(1) != 0:
        _ = _nested.fetch_add(1)
    _ = _calls.fetch_add(1)
    _drain()
    _inside.store(0)


def _signal() -> None:
    _, _ = invoke(_notification, Method.NOTIFICATION_SIGNAL, 1)


def _not_armed() -> None:
    check_equal(_upcall_return(), Status.BAD_CALL, "return without an upcall")
    global _notification
    _notification = _watch_another(_SLOT)
    _signal()
    check_equal(_calls.load(), 0, "upcalls")
    _drain()
    check_equal(_events.load(), 1, "events")
    check_equal(u64(upcalls.arm(addr(_ring), _handle)), Status.OK, "arm")


def _watch_another(slot: u64) -> u64:
    """A new notification that the ring watches; the slot is the watch's user_data, too."""
    status, notification = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    check_equal(u64(status), Status.OK, "a notification")
    entry = Submission(
        operation=u8(Operation.WATCH), slot=u16(slot), flags=u8(SubmissionFlags.PERSISTENT), user_data=slot,
        capability=notification, word0=1,
    )
    check(_ring.submit(addr(entry)), "submission")
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")
    return notification


def _interrupts_a_loop() -> None:
    """Another thread signals while this one computes and makes no system call."""
    before = _calls.load()
    thread = make(0, _signal_later)
    do(thread, Method.THREAD_START)
    steps: u64 = 0
    value: u64 = 1
    while _calls.load() == before:
        value = value * 5 % 1_000_003
        steps += 1
    expected: u64 = 1
    for _ in range(steps):
        expected = expected * 5 % 1_000_003
    check_equal(value, expected, "what the loop computed")
    check_equal(_events.load(), 2, "events")
    await_state(thread, ThreadState.ENDED)
    check_equal(u64(close(thread)), Status.OK, "close")


def _signal_later(index: u64) -> None:
    for _ in range(u64(20)):
        yield_now()
    _signal()
    exit_thread(0)


def _counts_exactly() -> None:
    """Events from three threads, on as many CPUs as there are. Each has a notification of its own: two signals of one
    bit at a time are one event."""
    _events.store(0)
    threads: array[u64, _SIGNALLERS] = zeroed()
    for index in range(u64(_SIGNALLERS)):
        _notifications[index] = _watch_another(_FIRST_SLOT + index)
    for index in range(u64(_SIGNALLERS)):
        threads[index] = make(index, _signal_much)
        do(threads[index], Method.THREAD_START)
    while _events.load() < _SIGNALLERS * _SIGNALS:
        if _nested.load() != 0:
            break
    for index in range(u64(_SIGNALLERS)):
        await_state(threads[index], ThreadState.ENDED)
        check_equal(u64(close(threads[index])), Status.OK, "close")
        check_equal(u64(ring_cancel(_FIRST_SLOT + index, _FIRST_SLOT + index)), Status.OK, "cancel")
        check_equal(u64(close(_notifications[index])), Status.OK, "close")
    check_equal(_events.load(), _SIGNALLERS * _SIGNALS, "events")
    check_equal(_nested.load(), 0, "upcalls inside an upcall")


def _signal_much(index: u64) -> None:
    for _ in range(_SIGNALS):
        _, _ = invoke(_notifications[index], Method.NOTIFICATION_SIGNAL, 1)
    exit_thread(0)


def _masked() -> None:
    _events.store(0)
    before = _calls.load()
    upcalls.mask(addr(_ring))
    for _ in range(u64(10)):
        _signal()
    check_equal(_calls.load(), before, "upcalls while masked")
    check_equal(u64(_ring.user_page.upcall.pending.load()), 1, "pending")
    upcalls.unmask(addr(_ring), _drain)
    check_equal(_events.load(), 10, "events")
    unmasked = _calls.load()
    _signal()
    check_equal(_calls.load(), unmasked + 1, "upcalls when unmasked")


def _critical_range() -> None:
    _events.store(0)
    before = _calls.load()
    block = addr(_ring.user_page.upcall)
    block.critical_low = 0x1000
    block.critical_high = 0x7000_0000_0000
    _signal()
    check_equal(_calls.load(), before, "upcalls in the critical range")
    check_equal(u64(block.pending.load()), 1, "pending")
    block.critical_high = 0
    upcalls.unmask(addr(_ring), _drain)
    check_equal(_events.load(), 1, "events")


def _timer_reason() -> None:
    """A timer of the ring interrupts a loop: what a scheduler of tasks lives by."""
    before = _calls.load()
    _reasons.store(0)
    _submit_timer()
    steps: u64 = 0
    while _calls.load() == before:
        steps += 1
    check_equal(_reasons.load(), Reason.COMPLETION | Reason.TIMER, "reasons")
    _reasons.store(0)
    _signal()
    check_equal(_reasons.load(), Reason.COMPLETION, "reasons")


def _submit_timer() -> None:
    entry = Submission(
        operation=u8(Operation.TIMER), slot=5, user_data=_TIMER_NAME, deadline_ns=monotonic_ns() + _SOON_NS
    )
    check(_ring.submit(addr(entry)), "submission")
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")


def _preempted_reason() -> None:
    """Another thread of the same CPU takes its turn."""
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    _ = upcalls.arm(addr(_ring), _handle, OWN_THREAD, Reason.COMPLETION | Reason.PREEMPTED)
    _reasons.store(0)
    thread = make(0, _compute)
    do(thread, Method.THREAD_SET_AFFINITY, 0, 1)
    do(thread, Method.THREAD_START)
    steps: u64 = 0
    while _reasons.load() & Reason.PREEMPTED == 0:
        steps += 1
    check_equal(_nested.load(), 0, "upcalls inside an upcall")
    finish(thread)
    _ = upcalls.arm(addr(_ring), _handle)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)


def _compute(index: u64) -> None:
    steps: u64 = 0
    while True:
        steps += 1 if steps < 1000 else u64(0)


def _interval() -> None:
    """However many events come, upcalls keep their distance; the last of them tells of the rest."""
    block = addr(_ring.user_page.upcall)
    _events.store(0)
    block.interval_ns = _INTERVAL_NS
    before = _calls.load()
    begun = monotonic_ns()
    for _ in range(_SIGNALS):
        _signal()
    steps: u64 = 0
    while _events.load() != _SIGNALS:
        steps += 1
    passed = monotonic_ns() - begun
    calls = _calls.load() - before
    block.interval_ns = 0
    check(calls <= passed // _INTERVAL_NS + 2, "no more upcalls than intervals")
    check_equal(_nested.load(), 0, "upcalls inside an upcall")


def _delay() -> None:
    """Fewer events than the threshold are told of after the delay."""
    block = addr(_ring.user_page.upcall)
    _events.store(0)
    block.threshold = 8
    block.delay_ns = _SOON_NS
    before = _calls.load()
    _signal()
    steps: u64 = 0
    while _calls.load() == before:
        steps += 1
    block.threshold = 0
    block.delay_ns = 0
    check_equal(_events.load(), 1, "events")


def _bad_frame() -> None:
    block = addr(_ring.user_page.upcall)
    counters: array[u64, 3] = array(0x0000_8000_0000_0000, 0xFFFF_FFFF_8000_0000, 0x0000_7FFF_FFFF_F000)
    for counter in counters:
        block.frame.registers.rip = counter
        check_equal(_upcall_return(), Status.BAD_ARGUMENT, "return to nowhere")


@asm_x64
def _upcall_return() -> u64:
    mov(eax, _UPCALL_RETURN)
    syscall()
