"""An upcall at every instruction: of masked code, of the unmask sequence, and of a critical range and its edges.

The thread is single-stepped by the trap flag. Its debug exceptions come to another thread, which signals before it lets
the next instruction run, so that an upcall is due exactly there. Whatever the moment: every event is counted, no upcall
comes inside another, none in the critical range, and the code computes what it would have.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, asm_x64, atomic, const, export, naked, u8, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import Verdict
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, finish, make, spawn
from userspace.lib import upcalls
from userspace.lib.channel import Message, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke

_CASES = const(3)
_DEBUG = const(1)                       # vector of the exception
_EVERY_STEP = const(0)
_NO_STEP = const(0xFFFF_FFFF)
_TRAP_FLAG = const(0x100)
_SLOT = const(3)
_PLACE = const(0x2000_0000)
_CAPACITY = const(31)
_RANGE_BYTES = const(24)                # of _count_up() up to its return
_COUNTED = const(7)
_MOST_SIGNALS = const(600)

_ring: Ring = zeroed()
_notification: u64 = 0
_channel: u64 = 0
_when: u64 = 0                          # at which step the signal comes, from 1; _EVERY_STEP: at each
_steps: atomic[u64] = 0
_signals: atomic[u64] = 0
_events: atomic[u64] = 0
_calls: atomic[u64] = 0
_inside: atomic[u64] = 0
_nested: atomic[u64] = 0
_in_range: atomic[u64] = 0              # upcalls that came in the critical range
_at_edge: atomic[u64] = 0               # upcalls that came where it ends
_computed: u64 = 0
_problem: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    global _notification, _channel
    plan(_CASES)
    begin("no_signal")
    _notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    stepper = spawn(1, _step)
    _run(_NO_STEP)
    steps = _steps.load()
    check(steps > 40, "steps of the sequence")
    check_equal(_signals.load(), 0, "signals")
    begin("at_each_step_alone")
    for step in range(u64(1), steps + 1):
        _run(step)
        check_numbered(_signals.load(), 1, "signals at step", step)
    check(_at_edge.load() == 1, "an upcall where the critical range ends")
    begin("at_every_step")
    _run(_EVERY_STEP)
    check(_signals.load() == _MOST_SIGNALS, "signals")
    check(_calls.load() != 0, "upcalls")
    finish(stepper)
    end()


def _run(when: u64) -> None:
    """One thread goes through the sequence once."""
    global _when, _problem
    _when = when
    _problem = 0
    _steps.store(0)
    _signals.store(0)
    _events.store(0)
    _calls.store(0)
    thread = make(0, _go_through)
    status, _ = invoke(thread, Method.THREAD_CREATE_RING, _PLACE, _CAPACITY)
    if status == Status.ALREADY_MAPPED:
        _unmap_ring()
        do(thread, Method.THREAD_CREATE_RING, _PLACE, _CAPACITY)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    open_ring(addr(_ring), _PLACE)
    check_equal(u64(upcalls.arm(addr(_ring), _handle, thread)), Status.OK, "arm")
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.ENDED)
    check_equal(u64(close(thread)), Status.OK, "close")
    check_numbered(_problem, 0, "problem with a signal at step", when)
    check_numbered(_computed, 3 + _COUNTED, "what was computed with a signal at step", when)
    check_numbered(_events.load(), _signals.load(), "events with a signal at step", when)
    check_numbered(_nested.load(), 0, "upcalls in an upcall with a signal at step", when)
    check_numbered(_in_range.load(), 0, "upcalls in the critical range with a signal at step", when)


def _unmap_ring() -> None:
    _, _ = invoke(OWN_PROCESS, Method.PROCESS_UNMAP, _PLACE, 8192)


def _go_through(index: u64) -> None:
    global _computed, _problem
    entry = Submission(
        operation=u8(Operation.WATCH), slot=_SLOT, flags=u8(SubmissionFlags.PERSISTENT), user_data=_SLOT,
        capability=_notification, word0=1,
    )
    _ = _ring.submit(addr(entry))
    if _ring.enter(1, 0) != Status.OK:
        _problem = 1
    block = addr(_ring.user_page.upcall)
    block.critical_low = u64(_count_up)
    block.critical_high = u64(_count_up) + _RANGE_BYTES
    value: u64 = 0
    _set_trap_flag()
    upcalls.mask(addr(_ring))
    value += 3
    upcalls.unmask(addr(_ring), _drain)
    value = _count_up(value)
    upcalls.mask(addr(_ring))
    upcalls.unmask(addr(_ring), _drain)
    _clear_trap_flag()
    _computed = value
    # What came while the flag was cleared comes as an upcall, before the next instruction.
    if block.disabled.load() != 0:
        _problem = 2
    exit_thread(0)


def _step(index: u64) -> None:
    """Lets the other thread run one instruction at a time."""
    message = Message()
    while True:
        status, _ = reply_receive(_channel, addr(message))
        if status != Status.OK or message.word0 & 0xFF != _DEBUG:
            exit_thread(1)
        step = _steps.fetch_add(1) + 1
        # At every step for ever, what is unmasked would find something pending for ever.
        if _when == _EVERY_STEP and step <= _MOST_SIGNALS or _when == step:
            _ = _signals.fetch_add(1)
            _, _ = invoke(_notification, Method.NOTIFICATION_SIGNAL, 1)
        message.word0 = Verdict.RESUME


def _drain() -> None:
    completion: Completion = zeroed()
    while _ring.take(addr(completion)):
        if completion.user_data == _SLOT:
            _ = _events.fetch_add(completion.badge)


def _handle() -> None:
    if _inside.exchange(1) != 0:
        _ = _nested.fetch_add(1)
    _ = _calls.fetch_add(1)
    counter = _ring.user_page.upcall.frame.registers.rip
    if u64(_count_up) <= counter < u64(_count_up) + _RANGE_BYTES:
        _ = _in_range.fetch_add(1)
    if counter == u64(_count_up) + _RANGE_BYTES:
        _ = _at_edge.fetch_add(1)
    _drain()
    _inside.store(0)


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


@asm_x64
def _set_trap_flag() -> None:
    pushfq()
    or_(qword[rsp], _TRAP_FLAG)
    popfq()


@asm_x64
def _clear_trap_flag() -> None:
    pushfq()
    and_(qword[rsp], ~_TRAP_FLAG)
    popfq()
