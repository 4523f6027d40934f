"""Benchmarks of the kernel's core: calls, switches, threads, exceptions."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT, OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import Verdict
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadState
from userspace.benches.samples import SAMPLES, WARM_UP, begin, measure_empty, note, tell, tell_value, ticks
from userspace.guest_tests.clone import make_child
from userspace.guest_tests.threads import STACK_BYTES, ask, await_state, do, expect, finish, make, spawn, stack_of
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_ROUNDS = const(SAMPLES + WARM_UP)
_THREADS = const(1000)
_CHILD_CHANNEL = const(1 << 32 | 1)     # the first handle of a process that had none

_channel: u64 = 0
_handles: array[u64, _THREADS] = zeroed()
_counter: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    _measure_empty()
    _null_syscall()
    _mint_close()
    _call_reply("call_reply_direct", True)
    _call_reply("call_reply_same_process", False)
    _context_switch()
    _thread_lifecycle()
    _thread_bytes()
    _fault_round_trip()
    _cross_cpu_wake()
    return 0


def _measure_empty() -> None:
    begin()
    for _ in range(_ROUNDS):
        first = ticks()
        note(ticks() - first)
    measure_empty()


def _null_syscall() -> None:
    begin()
    for number in range(_ROUNDS):
        first = ticks()
        yield_now()
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("null_syscall")


def _mint_close() -> None:
    begin()
    for number in range(_ROUNDS):
        first = ticks()
        _, handle = invoke(ROOT_ACCOUNT, Method.MINT, Right.INSPECT, 0)
        _ = close(handle)
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("mint_close")


def _serve(channel: u64) -> None:
    message = Message()
    while True:
        _, _ = reply_receive(channel, addr(message))


def _call_reply(name: str, is_apart: bool) -> None:
    """Four words there and back, user stubs of both sides included."""
    status, channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    if is_apart:
        process, thread = make_child(_serve, _CHILD_CHANNEL, stack_of(1) + STACK_BYTES)
        status, handle = invoke(channel, Method.COPY_TO, process, Right.RECEIVE)
        expect(status, Status.OK, "copy to the server")
        do(thread, Method.THREAD_START)
    else:
        process = u64(0)
        thread = make(1, _serve, channel)
        do(thread, Method.THREAD_START)
    message = Message()
    begin()
    for number in range(_ROUNDS):
        first = ticks()
        _ = call(channel, addr(message))
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell(name)
    if is_apart:
        do(process, Method.PROCESS_KILL, 0)
    else:
        finish(thread)


def _yield_for_ever(index: u64) -> None:
    while True:
        yield_now()


def _context_switch() -> None:
    """Two threads of one process on one CPU yield to one another: two switches."""
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    other = make(1, _yield_for_ever)
    do(other, Method.THREAD_SET_AFFINITY, 0, 1)
    do(other, Method.THREAD_START)
    begin()
    for number in range(_ROUNDS):
        first = ticks()
        yield_now()
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("yield_round_trip")
    finish(other)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)


def _end(index: u64) -> None:
    exit_thread(0)


def _thread_lifecycle() -> None:
    """Creation, start, run to its exit, close; the stack is there already."""
    begin()
    for number in range(u64(_ROUNDS)):
        first = ticks()
        handle = spawn(1, _end)
        while ask(handle, Method.THREAD_STATE) != u64(ThreadState.ENDED):
            yield_now()
        _ = close(handle)
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("thread_lifecycle")


def _thread_bytes() -> None:
    before = ask(INSPECT, Method.INSPECT_FREE_FRAMES)
    for index in range(u64(_THREADS)):
        _handles[index] = make(1, _end)
    after = ask(INSPECT, Method.INSPECT_FREE_FRAMES)
    tell_value("thread_bytes", (before - after) * 4096 // _THREADS)
    for index in range(u64(_THREADS)):
        finish(_handles[index])


@asm_x64
def _read_null() -> None:
    mov(rax, [0x10])


def _fault_for_ever(index: u64) -> None:
    while True:
        _read_null()


def _fault_round_trip() -> None:
    """A page fault, a handler in another thread that lets the thread go on, seen by the handler."""
    status, channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    thread = make(1, _fault_for_ever)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, channel)
    do(thread, Method.THREAD_START)
    message = Message()
    status, _ = reply_receive(channel, addr(message))
    expect(status, Status.OK, "an exception")
    begin()
    for number in range(_ROUNDS):
        message.word0 = u64(Verdict.RESUME)
        first = ticks()
        _, _ = reply_receive(channel, addr(message))
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("fault_round_trip")
    finish(thread)


def _cross_cpu_wake() -> None:
    """A call to a server that waits on another CPU, and back."""
    status, channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    thread = make(1, _serve, channel)
    status, _ = invoke(thread, Method.THREAD_SET_AFFINITY, 0, 2)
    if status != Status.OK:
        return
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    message = Message()
    begin()
    for number in range(_ROUNDS):
        first = ticks()
        _ = call(channel, addr(message))
        last = ticks()
        if number >= WARM_UP:
            note(last - first)
    tell("cross_cpu_call")
