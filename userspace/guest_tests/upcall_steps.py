"""Masked code, the unmask sequence and a critical range, gone through again and again while somebody outside stops the
machine at any of their instructions and asks for an event there (tests/guest/test_upcall_steps.py).

The thread that goes through them has CPU 0, the one that signals CPU 1. The debugger writes into `_request` where
CPU 0 stands and lets CPU 1 alone run until it has signalled. So it is known of every event whether an upcall could come
there: if so it must come before that instruction, if not the event must be found by whoever unmasks.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, naked, spin_hint, struct, u8, u16, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, Operation, Submission, SubmissionFlags
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, do, make
from userspace.lib import upcalls
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import exit_thread, invoke

_CASES = const(1)
_MOST_EVENTS = const(2)                 # in one round
_FIRST_SLOT = const(3)                  # of the watches
_RANGE_BYTES = const(24)                # of _count_up() up to its return
_COUNTED = const(7)
_OVER = const(1)                        # instead of a place: no more rounds


@struct
class Event:
    place: u64                          # the instruction before which it came
    is_masked: bool                     # no upcall can come there
    by_upcall: u64                      # how often the handler was told
    by_drain: u64                       # how often who unmasked was told


_ring: Ring = zeroed()
_notifications: array[u64, _MOST_EVENTS] = zeroed()     # one for each event: a second signal of the same would fold
_request: atomic[u64] = 0               # written by the debugger
_is_over: atomic[u64] = 0
_signals: atomic[u64] = 0               # of this round
_events: array[Event, _MOST_EVENTS] = zeroed()
_places: array[u64, _MOST_EVENTS] = zeroed()    # where the upcalls of this round came
_calls: u64 = 0
_is_inside: bool = False
_nested: u64 = 0
_computed: u64 = 0
_rounds: u64 = 0                        # in which events came
_masked: u64 = 0                        # events that came where no upcall could
_open: u64 = 0                          # events that came where one could


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("an_event_at_each_instruction")
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    open_ring(addr(_ring), ring)
    for number in range(u64(_MOST_EVENTS)):
        _watch(number)
    block = addr(_ring.user_page.upcall)
    block.critical_low = u64(_count_up)
    block.critical_high = u64(_count_up) + _RANGE_BYTES
    check_equal(u64(upcalls.arm(addr(_ring), _handle)), Status.OK, "arm")
    thread = make(0, _signal_when_asked)
    do(thread, Method.THREAD_SET_AFFINITY, 0, 2)
    do(thread, Method.THREAD_START)
    while _is_over.load() == 0:
        _go_through()
        _check_round()
    check(_masked != 0, "events where no upcall could come")
    check(_open != 0, "events where one could come")
    end()


def _watch(number: u64) -> None:
    _notifications[number] = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    entry = Submission(
        operation=u8(Operation.WATCH), slot=u16(_FIRST_SLOT + number), flags=u8(SubmissionFlags.PERSISTENT),
        user_data=_FIRST_SLOT + number, capability=_notifications[number], word0=1,
    )  # fmt: skip
    check(_ring.submit(addr(entry)), "submission")
    check_equal(u64(_ring.enter(1, 0)), Status.OK, "enter")


def _go_through() -> None:
    global _computed
    value: u64 = 0
    _begin_round()
    upcalls.mask(addr(_ring))
    value += 3
    upcalls.unmask(addr(_ring), _drain)
    value = _count_up(value)
    upcalls.mask(addr(_ring))
    upcalls.unmask(addr(_ring), _drain)
    _end_round()
    _computed = value


def _signal_when_asked(index: u64) -> None:
    while True:
        place = _request.exchange(0)
        if place == 0:
            spin_hint()
            continue
        if place == _OVER:
            _is_over.store(1)
            exit_thread(0)
        number = _signals.load()
        block = addr(_ring.user_page.upcall)
        _events[number].place = place
        _events[number].is_masked = block.disabled.load() != 0 or block.critical_low <= place < block.critical_high
        _signals.store(number + 1)
        _, _ = invoke(_notifications[number], Method.NOTIFICATION_SIGNAL, 1)
        _tell_signalled()


def _handle() -> None:
    global _calls, _nested, _is_inside
    if _is_inside:
        _nested += 1
    _is_inside = True
    if _calls < _MOST_EVENTS:
        _places[_calls] = _ring.user_page.upcall.frame.registers.rip
    _calls += 1
    bits = _take()
    for number in range(u64(_MOST_EVENTS)):
        _events[number].by_upcall += bits >> number & 1
    _is_inside = False


def _drain() -> None:
    bits = _take()
    for number in range(u64(_MOST_EVENTS)):
        _events[number].by_drain += bits >> number & 1


def _take() -> u64:
    """The events that nobody was told of yet, a bit for each."""
    bits: u64 = 0
    completion: Completion = zeroed()
    while _ring.take(addr(completion)):
        bits += u64(1) << (completion.user_data - _FIRST_SLOT)
    return bits


def _check_round() -> None:
    """Whether each event of the round came once, by the right way and at the right place; then all is cleared."""
    global _calls, _rounds, _masked, _open
    signals = _signals.load()
    check_numbered(_computed, 3 + _COUNTED, "what was computed in round", _rounds)
    check_numbered(_nested, 0, "upcalls in an upcall in round", _rounds)
    upcalls_due: u64 = 0
    for number in range(signals):
        event = addr(_events[number])
        check_numbered(event.by_upcall + event.by_drain, 1, "how often the event was told of that came at", event.place)
        if event.is_masked:
            _masked += 1
        else:
            _open += 1
            check_numbered(event.by_upcall, 1, "by upcalls the event was told of that came at", event.place)
            check_numbered(_places[upcalls_due], event.place, "the place of the upcall that came at", event.place)
            upcalls_due += 1
    if upcalls_due == 0:
        for number in range(signals):
            check_numbered(_events[number].by_drain, 1, "by unmasking the event was told of", _events[number].place)
    check_numbered(_calls, upcalls_due, "upcalls in round", _rounds)
    if signals != 0:
        _rounds += 1
    _calls = 0
    _events[0] = zeroed()
    _events[1] = zeroed()
    _signals.store(0)


@naked
@asm_x64
def _count_up(value: u64) -> u64:
    """Three bytes each, then the return, which lies behind the range."""
    inc(rdi)
    inc(rdi)
    inc(rdi)
    inc(rdi)
    inc(rdi)
    inc(rdi)
    inc(rdi)
    mov(rax, rdi)
    ret()


@naked
@asm_x64
def _begin_round() -> None:
    """Where the debugger takes over CPU 0."""
    ret()


@naked
@asm_x64
def _end_round() -> None:
    """Where it lets go."""
    ret()


@naked
@asm_x64
def _tell_signalled() -> None:
    """Where the debugger stops CPU 1."""
    ret()
