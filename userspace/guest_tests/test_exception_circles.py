"""Exceptions that nobody could ever answer end their process: its own channel, circles, and leases that have ended."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, const, export, u64
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import Verdict
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.thread import ThreadState
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.report import begin, check_equal, end, plan
from userspace.guest_tests.threads import STACK_BYTES, ask, await_state, do, expect, stack_of
from userspace.lib.channel import Message, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke

_CASES = const(9)
_PAGE_FAULT = const(14)
_FIRST_HANDLE = const(1 << 32 | 1)      # of a child's table
_FINISHED = const(5)


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("lease_of_a_thread_s_channel")
    _lease_of_a_thread_s_channel()
    begin("lease_of_a_process_s_channel")
    _lease_of_a_process_s_channel()
    begin("only_thread_asks_itself")
    _only_thread_asks_itself()
    begin("both_threads_ask_themselves")
    _both_threads_ask_themselves()
    begin("other_thread_answers")
    _other_thread_answers()
    begin("other_thread_ends")
    _other_thread_ends()
    begin("right_given_up")
    _right_given_up()
    begin("right_moved")
    _right_moved()
    begin("two_processes_ask_each_other")
    _two_processes_ask_each_other()
    end()


@asm_x64
def _read_page_1000() -> None:
    mov(rax, 0x1010)
    mov(rax, [rax])


@asm_x64
def _halt_for_ever() -> None:
    label("again")
    raw("pause")
    jmp("again")


def _fault(argument: u64) -> None:
    _read_page_1000()
    exit_thread(1)


def _spin(argument: u64) -> None:
    _halt_for_ever()


def _answer_and_finish(channel: u64) -> None:
    """Has the one who asked ended with its process, but first answers, which resumes it to ask again."""
    message = Message()
    _, _ = reply_receive(channel, addr(message))
    message.word0 = u64(Verdict.RESUME)
    _, _ = reply_receive(channel, addr(message))
    message.word0 = u64(Verdict.KILL)
    _, _ = reply_receive(0, addr(message))
    exit_thread(_FINISHED)


def _make_channel() -> tuple[u64, u64]:
    """With every right, and one to send only."""
    status, channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 0)
    expect(status, Status.OK, "creation of a channel")
    status, sender = invoke(channel, Method.MINT, Right.SEND, 1)
    expect(status, Status.OK, "mint")
    return channel, sender


def _make_faulty(stack: u64) -> tuple[u64, u64]:
    return make_child(_fault, 0, stack_of(stack) + STACK_BYTES)


def _add_thread(process: u64, stack: u64, function: Callable[[u64], None]) -> u64:
    status, thread = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, process, u64(function), stack_of(stack) + STACK_BYTES - 8,
        _FIRST_HANDLE,
    )
    expect(status, Status.OK, "creation of a thread")
    return thread


def _close_all(first: u64, second: u64, third: u64 = 0, fourth: u64 = 0, fifth: u64 = 0) -> None:
    handles: array[u64, 5] = array(first, second, third, fourth, fifth)
    for handle in handles:
        if handle != 0:
            expect(close(handle), Status.OK, "close")


def _expect_end(process: u64) -> None:
    cause, status = await_end(process)
    check_equal(cause, u64(ExitCause.EXCEPTION), "cause of the end")
    check_equal(status, _PAGE_FAULT, "status of the end")
    expect(close(process), Status.OK, "close")


def _lease_of_a_thread_s_channel() -> None:
    """In force the channel is asked, ended it is not, although the handler is there."""
    channel, sender = _make_channel()
    status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
    expect(status, Status.OK, "creation of a lease")
    status, leased = invoke(channel, Method.MINT, Right.SEND, 2, lease)
    expect(status, Status.OK, "mint")
    process, thread = _make_faulty(1)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, leased)
    do(thread, Method.THREAD_START)
    message = Message()
    status, badge = reply_receive(channel, addr(message))
    check_equal(badge, 2, "badge of the channel under the lease")
    do(lease, Method.LEASE_END)
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    _expect_end(process)
    _close_all(thread, leased, lease, sender, channel)


def _lease_of_a_process_s_channel() -> None:
    """The process above is asked instead."""
    channel, sender = _make_channel()
    status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
    expect(status, Status.OK, "creation of a lease")
    status, leased = invoke(channel, Method.MINT, Right.SEND, 2, lease)
    expect(status, Status.OK, "mint")
    do(OWN_PROCESS, Method.PROCESS_SET_EXCEPTION_CHANNEL, sender)
    process, thread = _make_faulty(1)
    do(process, Method.PROCESS_SET_EXCEPTION_CHANNEL, leased)
    do(lease, Method.LEASE_END)
    do(thread, Method.THREAD_START)
    message = Message()
    status, badge = reply_receive(channel, addr(message))
    check_equal(badge, 1, "badge of the parent's channel")
    message.word0 = u64(Verdict.KILL)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    _expect_end(process)
    do(OWN_PROCESS, Method.PROCESS_SET_EXCEPTION_CHANNEL, 0)
    _close_all(thread, leased, lease, sender, channel)


def _make_self_handling() -> tuple[u64, u64, u64]:
    """A process that alone can receive what its first thread's exceptions become; the channel is its first handle."""
    channel, sender = _make_channel()
    process, thread = _make_faulty(1)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, sender)
    do(channel, Method.MOVE_TO, process)
    return process, thread, sender


def _only_thread_asks_itself() -> None:
    process, thread, sender = _make_self_handling()
    do(thread, Method.THREAD_START)
    _expect_end(process)
    _close_all(thread, sender)


def _both_threads_ask_themselves() -> None:
    process, thread, sender = _make_self_handling()
    second = _add_thread(process, 2, _fault)
    do(second, Method.THREAD_SET_EXCEPTION_CHANNEL, sender)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(second, Method.THREAD_START)
    _expect_end(process)
    _close_all(second, thread, sender)


def _other_thread_answers() -> None:
    process, thread, sender = _make_self_handling()
    second = _add_thread(process, 2, _answer_and_finish)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(second, Method.THREAD_START)
    _expect_end(process)
    _close_all(second, thread, sender)


def _other_thread_ends() -> None:
    process, thread, sender = _make_self_handling()
    second = _add_thread(process, 2, _spin)
    do(second, Method.THREAD_START)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(second, Method.THREAD_KILL, 0)
    _expect_end(process)
    _close_all(second, thread, sender)


def _right_given_up() -> None:
    """While somebody else could receive the exception waits; then only its own process is left."""
    channel, sender = _make_channel()
    process, thread = _make_faulty(1)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, sender)
    do(channel, Method.COPY_TO, process, ALL_RIGHTS)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    expect(close(channel), Status.OK, "close")
    _expect_end(process)
    _close_all(thread, sender)


def _right_moved() -> None:
    channel, sender = _make_channel()
    process, thread = _make_faulty(1)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, sender)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(channel, Method.MOVE_TO, process)
    _expect_end(process)
    _close_all(thread, sender)


def _two_processes_ask_each_other() -> None:
    """The second fault closes the circle: its channel is passed over, its end closes the first one's channel."""
    channel_1, sender_1 = _make_channel()
    channel_2, sender_2 = _make_channel()
    process_1, thread_1 = _make_faulty(1)
    process_2, thread_2 = _make_faulty(2)
    do(thread_1, Method.THREAD_SET_EXCEPTION_CHANNEL, sender_2)
    do(thread_2, Method.THREAD_SET_EXCEPTION_CHANNEL, sender_1)
    do(channel_1, Method.MOVE_TO, process_1)
    do(channel_2, Method.MOVE_TO, process_2)
    do(thread_1, Method.THREAD_START)
    await_state(thread_1, ThreadState.WAITING)
    check_equal(ask(process_1, Method.PROCESS_STATE), 0, "state of a process whose exception waits")
    do(thread_2, Method.THREAD_START)
    _expect_end(process_2)
    _expect_end(process_1)
    _close_all(thread_1, thread_2, sender_1, sender_2)
