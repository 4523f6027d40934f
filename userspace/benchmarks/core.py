"""What the kernel's core costs: calls, switches, threads, exceptions. Both sides' stubs are counted."""
from compiler.prelude import addr, asm_x64, const, u64
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.fault import Verdict
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadState
from userspace.benchmarks.clock import measure
from userspace.guest_tests.clone import make_child
from userspace.guest_tests.threads import STACK_BYTES, await_state, do, finish, make, spawn, stack_of
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_ROUNDS = const(200)
_CEILING = const(40)
_CHILD_CHANNEL = const(1 << 32 | 1)     # the first handle of a process that had none

_channel: u64 = 0


def measure_core() -> None:
    _call_between_processes()
    _call_inside_a_process()
    _yield_round_trip()
    measure("thread_lifecycle", _live_once, _ROUNDS, 1)
    _fault_round_trip()
    _call_across_cpus()


def _new_channel() -> None:
    global _channel
    _, _channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, _CEILING)


def _serve(channel: u64) -> None:
    message = Message()
    while True:
        _, _ = reply_receive(channel, addr(message))


def _call_once() -> None:
    message = Message()
    _ = call(_channel, addr(message))


def _call_between_processes() -> None:
    _new_channel()
    process, thread = make_child(_serve, _CHILD_CHANNEL, stack_of(1) + STACK_BYTES)
    do(_channel, Method.COPY_TO, process, Right.RECEIVE)
    do(thread, Method.THREAD_START)
    measure("call_reply_direct", _call_once, _ROUNDS, 1)
    do(process, Method.PROCESS_KILL, 0)


def _call_inside_a_process() -> None:
    _new_channel()
    server = make(1, _serve, _channel)
    do(server, Method.THREAD_START)
    measure("call_reply_same_process", _call_once, _ROUNDS, 1)
    finish(server)


def _yield_for_ever(index: u64) -> None:
    while True:
        yield_now()


def _yield_round_trip() -> None:
    """To another thread of the process on this CPU and back: two switches."""
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    other = make(1, _yield_for_ever)
    do(other, Method.THREAD_SET_AFFINITY, 0, 1)
    do(other, Method.THREAD_START)
    measure("yield_round_trip", yield_now, _ROUNDS, 1)
    finish(other)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)


def _end(index: u64) -> None:
    exit_thread(0)


def _live_once() -> None:
    """Created, started, run to its exit while this thread yields, closed; the stack is there already."""
    handle = spawn(1, _end)
    yield_now()
    _ = close(handle)


@asm_x64
def _read_null() -> None:
    mov(rax, [0x10])


def _fault_for_ever(index: u64) -> None:
    while True:
        _read_null()


def _let_go_on() -> None:
    message = Message(word0=u64(Verdict.RESUME))
    _, _ = reply_receive(_channel, addr(message))


def _fault_round_trip() -> None:
    """A page fault, its handler in another thread, which lets the thread go on."""
    _new_channel()
    thread = make(1, _fault_for_ever)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    do(thread, Method.THREAD_START)
    measure("fault_round_trip", _let_go_on, _ROUNDS, 1)
    finish(thread)


def _call_across_cpus() -> None:
    """To a server that waits on another CPU, and back."""
    _new_channel()
    server = make(1, _serve, _channel)
    if _may_run_on(server, 2):
        do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
        do(server, Method.THREAD_START)
        await_state(server, ThreadState.WAITING)
        measure("call_across_cpus", _call_once, _ROUNDS, 1)
    finish(server)


def _may_run_on(thread: u64, mask: u64) -> bool:
    status, _ = invoke(thread, Method.THREAD_SET_AFFINITY, 0, mask)
    return u64(status) == 0
