"""Threads killed in every state, a little sooner or later each time: all of them end, and nothing of them is left."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import asm_x64, const, export, naked, u64
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadState
from userspace.guest_tests.calls import snapshot, wait_for, walk
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, do, expect
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(8)
_WHERE = const(0x1000)                  # as stack: none is used
_CALL = const(Call.CALL)
_REPLY_RECEIVE = const(Call.REPLY_RECEIVE)
_YIELD = const(Call.YIELD)
_INVOKE = const(Call.INVOKE)
_SIGNAL = const(Method.NOTIFICATION_SIGNAL)
_SLOWEST = const(5)                     # turns that a thread has before it is killed, at most


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL)
    sender = ask(channel, Method.MINT, Right.SEND, 1)
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    begin("not_started")
    _race(_spin, 0, 0, False, False)
    begin("running")
    _race(_spin, 0, 0, True, False)
    begin("in_the_kernel")
    _race(_signal, notification, 0, True, False)
    begin("yielding")
    _race(_yield, 0, 0, True, False)
    begin("suspended")
    _race(_spin, 0, 0, True, True)
    begin("calling")
    _race(_call, sender, 0, True, False)
    begin("receiving")
    _race(_receive, channel, 0, True, False)
    begin("faulting")
    _race(_fault, 0, sender, True, False)
    end()


@naked
@asm_x64
def _spin(argument: u64) -> None:
    label("again")
    raw("pause")
    jmp("again")


@naked
@asm_x64
def _yield(argument: u64) -> None:
    label("again")
    mov(eax, _YIELD)
    syscall()
    jmp("again")


@naked
@asm_x64
def _signal(notification: u64) -> None:
    label("again")
    mov(eax, _INVOKE)
    mov(esi, _SIGNAL)
    mov(edx, 1)
    xor(r10d, r10d)
    xor(r8d, r8d)
    xor(r9d, r9d)
    syscall()
    jmp("again")


@naked
@asm_x64
def _call(channel: u64) -> None:
    xor(r9d, r9d)
    mov(eax, _CALL)
    syscall()
    ud2()


@naked
@asm_x64
def _receive(channel: u64) -> None:
    mov(eax, _REPLY_RECEIVE)
    syscall()
    ud2()


@naked
@asm_x64
def _fault(argument: u64) -> None:
    ud2()


def _race(function: Callable[[u64], None], argument: u64, exceptions: u64, is_started: bool, is_stopped: bool) -> None:
    before = snapshot()
    for number in range(rounds(1_250, 12_500)):
        turns = number % _SLOWEST if is_started else u64(0)
        thread = _make(function, argument, exceptions)
        if is_started:
            do(thread, Method.THREAD_START)
        for _ in range(turns):
            yield_now()
        if is_stopped:
            do(thread, Method.THREAD_SUSPEND)
        if not _end(thread):
            check_numbered(0, 1, "a killed thread does not end, in round", number)
            return
    wait_for(before)
    check_numbered(snapshot(), before, "what is left", 0)
    walk(0)


def _make(function: Callable[[u64], None], argument: u64, exceptions: u64) -> u64:
    status, thread = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(function), _WHERE, argument
    )
    expect(status, Status.OK, "creation of a thread")
    if exceptions != 0:
        do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, exceptions)
    return thread


def _end(thread: u64) -> bool:
    """Returns False when it does not."""
    do(thread, Method.THREAD_KILL, 1)
    for _ in patience():
        if ask(thread, Method.THREAD_STATE) == u64(ThreadState.ENDED):
            expect(close(thread), Status.OK, "close")
            return True
        yield_now()
    return False
