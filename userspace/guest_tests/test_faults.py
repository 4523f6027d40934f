"""Exceptions from outside: what a handler is told and may answer, who is asked, and what ends when nobody is there."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, asm_x64, atomic, const, export, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import ERROR_SHIFT, Verdict
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadRegisters, ThreadState
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import STACK_BYTES, ask, await_state, do, expect, finish, make, stack_of
from userspace.lib.channel import Message, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke

_CASES = const(9)
_BADGE = const(55)
_DIVISION = const(0)
_BREAKPOINT = const(3)
_INVALID = const(6)
_PROTECTION = const(13)
_PAGE_FAULT = const(14)
_ROUNDS = const(500)

_channel: u64 = 0
_sender: u64 = 0                        # badged, without RECEIVE
_runs: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("vectors_and_addresses")
    _vectors_and_addresses()
    begin("resume_with_registers")
    _resume_with_registers()
    begin("many_rounds")
    _many_rounds()
    begin("kill")
    _kill()
    begin("no_handler")
    _no_handler()
    begin("ask_the_parent")
    _ask_the_parent()
    begin("handler_gone")
    _handler_gone()
    begin("own_handler")
    _own_handler()
    begin("killed_while_asking")
    _killed_while_asking()
    end()


@asm_x64
def _divide() -> None:
    xor(eax, eax)
    xor(edx, edx)
    raw("div eax")


@asm_x64
def _break() -> None:
    int3()


@asm_x64
def _invalid() -> None:
    ud2()


@asm_x64
def _halt() -> None:
    hlt()


@asm_x64
def _read_page_1000() -> None:
    mov(rax, 0x1010)
    mov(rax, [rax])


@asm_x64
def _jump_nowhere() -> None:
    mov(rax, 0x0000_8000_0000_0000)
    jmp(rax)


def _run_divide(index: u64) -> None:
    _divide()
    exit_thread(1)


def _run_break(index: u64) -> None:
    _break()
    exit_thread(1)


def _run_invalid(index: u64) -> None:
    _invalid()
    exit_thread(1)


def _run_halt(index: u64) -> None:
    _halt()
    exit_thread(1)


def _run_read(index: u64) -> None:
    _read_page_1000()
    _ = _runs.fetch_add(1)
    exit_thread(2)


def _run_jump(index: u64) -> None:
    _jump_nowhere()
    exit_thread(1)


def _finish_well(index: u64) -> None:
    exit_thread(77)


def _read_for_ever(index: u64) -> None:
    while True:
        _read_page_1000()


def _open_channel() -> None:
    global _channel, _sender
    status, _channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    status, _sender = invoke(_channel, Method.MINT, Right.SEND, _BADGE)
    expect(status, Status.OK, "mint")


def _close_channel() -> None:
    expect(close(_sender), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _make_watched(function: Callable[[u64], None]) -> u64:
    thread = make(1, function)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    return thread


def _send_to(thread: u64, function: Callable[[u64], None]) -> None:
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    registers.rip = u64(function)
    registers.rsp = stack_of(1) + STACK_BYTES - 8
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))


def _expect_vector(function: Callable[[u64], None], vector: u64, error: u64, address: u64) -> None:
    """The handler is told, and sends the thread elsewhere."""
    thread = _make_watched(function)
    message = Message()
    status, badge = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    check_equal(badge, _BADGE, "badge")
    check_equal(message.word0, vector | error << ERROR_SHIFT, "vector and error code")
    check_equal(message.word1, address, "address")
    check(message.word3 <= stack_of(1) + STACK_BYTES and message.word3 > stack_of(1), "stack pointer")
    _send_to(thread, _finish_well)
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    await_state(thread, ThreadState.ENDED)
    check_equal(ask(thread, Method.THREAD_EXIT_STATUS), 77, "the thread went where it was sent")
    expect(close(thread), Status.OK, "close")


def _vectors_and_addresses() -> None:
    _open_channel()
    _expect_vector(_run_divide, _DIVISION, 0, 0)
    _expect_vector(_run_break, _BREAKPOINT, 0, 0)
    _expect_vector(_run_invalid, _INVALID, 0, 0)
    _expect_vector(_run_halt, _PROTECTION, 0, 0)
    _expect_vector(_run_read, _PAGE_FAULT, 4, 0x1010)
    _close_channel()


def _resume_with_registers() -> None:
    """The handler moves the program counter past the instruction (`mov rax, [rax]`, 3 bytes)."""
    _open_channel()
    before = _runs.load()
    thread = _make_watched(_run_read)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    check_equal(registers.rip, message.word2, "program counter")
    check_equal(registers.rax, 0x1010, "rax")
    registers.rip += 3
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    await_state(thread, ThreadState.ENDED)
    check_equal(_runs.load(), before + 1, "the thread went on")
    expect(close(thread), Status.OK, "close")
    _close_channel()


def _many_rounds() -> None:
    """Resumed as it is, the thread faults again."""
    _open_channel()
    thread = _make_watched(_read_for_ever)
    message = Message()
    for _ in range(_ROUNDS):
        status, _ = reply_receive(_channel, addr(message))
        if status != Status.OK or message.word1 != 0x1010:
            check_equal(message.word1, 0x1010, "address")
        message.word0 = u64(Verdict.RESUME)
    finish(thread)
    _close_channel()


def _make_faulty_child(function: Callable[[u64], None]) -> tuple[u64, u64]:
    return make_child(function, 0, stack_of(2) + STACK_BYTES)


def _kill() -> None:
    _open_channel()
    process, thread = _make_faulty_child(_run_read)
    do(process, Method.PROCESS_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    status, badge = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    check_equal(badge, _BADGE, "badge of the process's channel")
    message.word0 = u64(Verdict.KILL)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    _expect_end(process, thread)
    _close_channel()


def _no_handler() -> None:
    process, thread = _make_faulty_child(_run_read)
    do(thread, Method.THREAD_START)
    _expect_end(process, thread)
    process, thread = _make_faulty_child(_run_jump)
    do(thread, Method.THREAD_START)
    cause, _ = await_end(process)
    check_equal(cause, u64(ExitCause.EXCEPTION), "cause of the end after a jump to nowhere")
    _forget(process, thread)


def _ask_the_parent() -> None:
    """The child has no channel, so its parent's, which is this process's, is asked."""
    _open_channel()
    do(OWN_PROCESS, Method.PROCESS_SET_EXCEPTION_CHANNEL, _sender)
    process, thread = _make_faulty_child(_run_read)
    do(thread, Method.THREAD_START)
    message = Message()
    status, badge = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    check_equal(badge, _BADGE, "badge of the parent's channel")
    message.word0 = u64(Verdict.KILL)
    status, _ = reply_receive(0, addr(message))
    _expect_end(process, thread)
    do(OWN_PROCESS, Method.PROCESS_SET_EXCEPTION_CHANNEL, 0)
    _close_channel()


def _handler_gone() -> None:
    """The last right to receive goes while the exception waits, and after it was received."""
    _open_channel()
    process, thread = _make_faulty_child(_run_read)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    expect(close(_channel), Status.OK, "close")
    _expect_end(process, thread)
    expect(close(_sender), Status.OK, "close")
    _open_channel()
    process, thread = _make_faulty_child(_run_read)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    reply = ask(_channel, Method.CHANNEL_KEEP_REPLY, ROOT_ACCOUNT)
    expect(close(reply), Status.OK, "close")
    _expect_end(process, thread)
    _close_channel()


def _handle_own(channel: u64) -> None:
    """Receives an exception and raises one itself, which it would have to handle."""
    message = Message()
    _, _ = reply_receive(channel, addr(message))
    _read_page_1000()
    exit_thread(3)


def _own_handler() -> None:
    """A handler that faults where it would be asked itself ends, and so does the one that asked it."""
    _open_channel()
    handler, handling = make_child(_handle_own, 1 << 32 | 1, stack_of(3) + STACK_BYTES)
    do(_channel, Method.COPY_TO, handler, Right.RECEIVE)
    do(handling, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    process, thread = _make_faulty_child(_run_read)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(handling, Method.THREAD_START)
    _expect_end(handler, handling)
    _expect_end(process, thread)
    _close_channel()


def _killed_while_asking() -> None:
    _open_channel()
    thread = _make_watched(_run_read)
    await_state(thread, ThreadState.WAITING)
    finish(thread)
    thread = _make_watched(_run_read)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    finish(thread)
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "an answer to a thread that has ended")
    check_equal(ask(OWN_THREAD, Method.THREAD_STATE), u64(ThreadState.RUNNABLE), "own state")
    _close_channel()


def _expect_end(process: u64, thread: u64) -> None:
    cause, status = await_end(process)
    check_equal(cause, u64(ExitCause.EXCEPTION), "cause of the end")
    check_equal(status, _PAGE_FAULT, "status of the end")
    _forget(process, thread)


def _forget(process: u64, thread: u64) -> None:
    expect(close(thread), Status.OK, "close")
    expect(close(process), Status.OK, "close")
