"""What the kernel's core costs: calls, switches, threads, exceptions. Both sides' stubs are counted."""
from compiler.prelude import addr, array, asm_x64, atomic, const, spin_hint, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.fault import Verdict
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadState
from userspace.benchmarks.clock import SAMPLES, measure, report, start_mark, stop_mark, time_stamp
from userspace.guest_tests.clone import make_child
from userspace.guest_tests.threads import STACK_BYTES, ask, await_state, do, finish, make, spawn, stack_of
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_ROUNDS = const(200)
_PAIR_ROUNDS = const(5_000)             # long beside the turns in which the emulator runs its CPUs
_CEILING = const(40)
_CHILD_CHANNEL = const(1 << 32 | 1)     # the first handle of a process that had none

_channel: u64 = 0
_other_channel: u64 = 0
_other_calls: atomic[u64] = 0


def measure_core(has_two_cpus: bool) -> None:
    """This thread stays on the first CPU."""
    _call_between_processes()
    _call_inside_a_process()
    if has_two_cpus:
        _call_across_cpus()
        _pairs()
    else:
        _yield_round_trip()
        _switch_between_processes()
        measure("thread_lifecycle", _live_once, _ROUNDS, 1)
    # Last: this thread owes an answer afterwards, and so has the channel's priority.
    _fault_round_trip()


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
    other = make(1, _yield_for_ever)
    do(other, Method.THREAD_START)
    measure("yield_round_trip", yield_now, _ROUNDS, 1)
    finish(other)


def _switch_between_processes() -> None:
    """A yield to another process's thread, page tables and all."""
    process, thread = make_child(_yield_for_ever, 0, stack_of(1) + STACK_BYTES)
    do(thread, Method.THREAD_START)
    measure("context_switch", yield_now, _ROUNDS, 2)
    do(process, Method.PROCESS_KILL, 0)


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
    do(server, Method.THREAD_SET_AFFINITY, 0, 2)
    do(server, Method.THREAD_START)
    await_state(server, ThreadState.WAITING)
    measure("call_across_cpus", _call_once, _ROUNDS, 1)
    finish(server)


def _pairs() -> None:
    """Calls of a pair by itself, and beside another pair on the other CPU, whose calls are counted as well."""
    global _other_channel
    _new_channel()
    server = make(1, _serve, _channel)
    do(server, Method.THREAD_SET_AFFINITY, 0, 1)
    do(server, Method.THREAD_START)
    _measure_pair("pair_alone")
    _other_channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, _CEILING)
    other_server = make(2, _serve, _other_channel)
    other_client = make(3, _call_for_ever)
    others: array[u64, 2] = array(other_server, other_client)
    for thread in others:
        do(thread, Method.THREAD_SET_AFFINITY, 0, 2)
        do(thread, Method.THREAD_START)
    while _other_calls.load("relaxed") == 0:
        spin_hint()
    _measure_pair("pair_beside_another")
    finish(other_client)
    finish(other_server)
    finish(server)


def _measure_pair(name: str) -> None:
    """Like measure(), but what the other pair does meanwhile counts too."""
    samples: array[u64, SAMPLES] = zeroed()
    for sample in range(u64(SAMPLES)):
        start_mark()
        begin = time_stamp()
        others = _other_calls.load("relaxed")
        for _ in range(_PAIR_ROUNDS):
            _call_once()
        calls = _PAIR_ROUNDS + _other_calls.load("relaxed") - others
        samples[sample] = (time_stamp() - begin) * 100 // calls
        stop_mark()
    report(name, 1, 1, samples[:])


def _call_for_ever(index: u64) -> None:
    message = Message()
    while True:
        _ = call(_other_channel, addr(message))
        _other_calls.store(_other_calls.load("relaxed") + 1, "relaxed")
