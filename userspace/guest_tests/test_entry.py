"""The doors of the kernel, pushed from user mode: traps in the shadow of `mov ss`, single steps across system calls,
flags and bases that should not matter, and the last instruction of the user half."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, naked, ptr, u8, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import Verdict
from kernel.abi.layout import USER_END
from kernel.abi.memory import EXECUTE, READ
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.rights import Right
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadRegisters, ThreadState
from userspace.guest_tests.clone import await_end
from userspace.guest_tests.features import BASE_INSTRUCTIONS, gs_base, set_gs_base, structured_features
from userspace.guest_tests.memory_tools import make_at
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import await_state, do, expect, finish, make
from userspace.lib.channel import Message, reply_receive
from userspace.lib.memory import PAGE, map_memory, seal, unmap
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(8)
_YIELD = const(Call.YIELD)
_DEBUG = const(1)
_BREAKPOINT = const(3)
_INVALID = const(6)
_PROTECTION = const(13)
_PAGE_FAULT = const(14)
_X87 = const(16)
_VECTORS = const(32)
_ROUNDS = const(200)
_SCRATCH = const(0x11_0000_0000)
_KERNEL = const(0xFFFF_8000_0000_0000)
_TRAP_FLAG = const(0x100)
_INT1 = const(0xF1)                     # an instruction: a debug exception, or with some emulators an invalid one
# Carry, direction, nested task, alignment check, identification; and the bit that is always set.
_FLAGS = const(0x0024_4403)

_channel: u64 = 0
_sender: u64 = 0
_met: array[u64, _VECTORS] = zeroed()   # exceptions of the watched thread
_lowest: u64 = 0                        # program counter of any of them
_highest: u64 = 0
_spoiled: atomic[u64] = 0               # times that a base was not what it had been set to


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    _open_channel()
    begin("debug_exception")
    _debug_exception()
    begin("single_steps")
    _single_steps()
    begin("shadow_of_mov_ss")
    _shadow_of_mov_ss()
    begin("shadow_of_mov_ss_while_stepping")
    _shadow_while_stepping()
    begin("flags_survive")
    _flags_survive()
    begin("x87_error")
    _x87_error()
    begin("base_in_the_kernel")
    _base_in_the_kernel()
    begin("last_instruction")
    _last_instruction()
    _close_channel()
    end()


@naked
@asm_x64
def _trap_once() -> None:
    raw(".byte {_INT1}")
    hlt()


@naked
@asm_x64
def _step() -> None:
    """Ten instructions with the trap flag, a system call among them."""
    pushfq()
    or_(qword[rsp], _TRAP_FLAG)
    popfq()
    nop()
    nop()
    nop()
    mov(eax, _YIELD)
    syscall()
    nop()
    nop()
    pushfq()
    and_(qword[rsp], ~_TRAP_FLAG)
    popfq()
    hlt()


@naked
@asm_x64
def _shadowed() -> None:
    """What follows `mov ss` is not interrupted before it has been carried out."""
    mov(ecx, _ROUNDS)
    label("again")
    push(rcx)
    mov(eax, ss)
    mov(ss, eax)
    int3()
    mov(ss, eax)
    raw(".byte {_INT1}")
    mov(ss, eax)
    ud2()
    mov(eax, ss)
    mov(edx, eax)
    mov(eax, _YIELD)
    mov(ss, edx)
    syscall()
    mov(eax, ss)
    mov(edx, 0x1010)
    mov(ss, eax)
    raw("mov rdx, [rdx]")
    pop(rcx)
    dec(ecx)
    jne("again")
    hlt()


@naked
@asm_x64
def _shadowed_steps() -> None:
    """The same with the trap flag, so that a debug trap is pending when the kernel is entered."""
    pushfq()
    or_(qword[rsp], _TRAP_FLAG)
    popfq()
    raw("jmp {_shadowed}")


@naked
@asm_x64
def _flags_after_call(flags: u64) -> u64:
    push(rdi)
    popfq()
    mov(eax, _YIELD)
    syscall()
    pushfq()
    pop(rax)
    push(2)
    popfq()
    ret()


@naked
@asm_x64
def _flags_after_fault(flags: u64) -> u64:
    push(rdi)
    popfq()
    int3()
    pushfq()
    pop(rax)
    push(2)
    popfq()
    ret()


@naked
@asm_x64
def _divide_by_zero() -> None:
    """With the exception unmasked; it comes with the next x87 instruction that waits."""
    fninit()
    push(0x037B)
    raw("fldcw word ptr [rsp]")
    raw("fld1")
    raw("fldz")
    raw("fdivp st(1), st")
    raw("fwait")
    hlt()


def _open_channel() -> None:
    global _channel, _sender
    status, _channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    status, _sender = invoke(_channel, Method.MINT, Right.SEND, 1)
    expect(status, Status.OK, "mint")


def _close_channel() -> None:
    expect(close(_sender), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _watch(function: Callable[[], None]) -> None:
    """Runs a function that ends with `hlt` on a thread of its own, and counts what it raises before."""
    global _lowest, _highest
    for vector in range(u64(_VECTORS)):
        _met[vector] = 0
    _lowest = USER_END
    _highest = 0
    thread = make(1, _nothing)
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    registers.rip = u64(function)
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    while True:
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.OK, "receive")
        vector = message.word0 & 0xFF
        if vector == _PROTECTION or vector >= _VECTORS:
            break
        _met[vector] += 1
        _lowest = min(_lowest, message.word2)
        _highest = max(_highest, message.word2)
        _pass_over(thread, vector, message.word2)
        message.word0 = u64(Verdict.RESUME)
    finish(thread)
    message.word0 = u64(Verdict.RESUME)
    _, _ = reply_receive(0, addr(message))


def _pass_over(thread: u64, vector: u64, counter: u64) -> None:
    """Sends the thread past `ud2` (2 bytes), the load through rdx (3 bytes), or `int1` where the emulator has none."""
    if vector != _INVALID and vector != _PAGE_FAULT:
        return
    length: u64 = 3
    if vector == _INVALID:
        length = 2
        if ptr[u8](counter)[0] == _INT1:
            length = 1
            _met[_INVALID] -= 1
            _met[_DEBUG] += 1
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    registers.rip = counter + length
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))


def _nothing(index: u64) -> None:
    exit_thread(0)


def _debug_exception() -> None:
    _watch(_trap_once)
    check_equal(_met[_DEBUG], 1, "debug exceptions")
    check(_lowest - u64(_trap_once) <= 1, "program counter")


def _single_steps() -> None:
    """Processors do not agree on whether the return from a system call is a step of its own."""
    _watch(_step)
    check(_met[_DEBUG] >= 9 and _met[_DEBUG] <= 11, "steps")
    check(_lowest > u64(_step) and _highest < u64(_step) + 64, "all of them in the program")


def _expect_rounds() -> None:
    check_equal(_met[_BREAKPOINT], _ROUNDS, "breakpoints")
    check_equal(_met[_INVALID], _ROUNDS, "invalid instructions")
    check_equal(_met[_PAGE_FAULT], _ROUNDS, "page faults")
    check(_lowest > u64(_shadowed) and _highest < u64(_shadowed) + 128, "all of them in the program")


def _shadow_of_mov_ss() -> None:
    _watch(_shadowed)
    check_equal(_met[_DEBUG], _ROUNDS, "debug exceptions")
    _expect_rounds()


def _shadow_while_stepping() -> None:
    _watch(_shadowed_steps)
    check(_met[_DEBUG] > 10 * _ROUNDS, "a trap for nearly every instruction")
    check_equal(_met[_BREAKPOINT], _ROUNDS, "breakpoints")
    check_equal(_met[_INVALID], _ROUNDS, "invalid instructions")
    check_equal(_met[_PAGE_FAULT], _ROUNDS, "page faults")


def _raise_and_compare(index: u64) -> None:
    _spoiled.store(_flags_after_fault(_FLAGS) & _FLAGS)
    exit_thread(0)


def _flags_survive() -> None:
    """Whatever they are, the kernel works, and they are the same after a call and after an exception."""
    for number in range(u64(_ROUNDS)):
        check_numbered(_flags_after_call(_FLAGS) & _FLAGS, _FLAGS, "flags after a system call", number)
    _spoiled.store(0)
    thread = make(1, _raise_and_compare)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    check_equal(message.word0 & 0xFF, _BREAKPOINT, "vector")
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    await_state(thread, ThreadState.ENDED)
    check_equal(_spoiled.load(), _FLAGS, "flags after an exception")
    expect(close(thread), Status.OK, "close")


def _x87_error() -> None:
    """The thread cannot go on from it, so its end is the first exception."""
    thread = make(1, _nothing)
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    registers.rip = u64(_divide_by_zero)
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    check_equal(message.word0, _X87, "vector")
    finish(thread)
    _, _ = reply_receive(0, addr(message))


def _spoil_base(index: u64) -> None:
    base = u64(_KERNEL) + index * PAGE
    set_gs_base(base)
    for _ in range(_ROUNDS * 10):
        yield_now()
        if gs_base() != base:
            _ = _spoiled.fetch_add(1)
    exit_thread(0)


def _base_in_the_kernel() -> None:
    """A gs base that looks like the kernel's own neither confuses the kernel nor gets lost."""
    if structured_features() & BASE_INSTRUCTIONS == 0:
        return
    _spoiled.store(0)
    threads: array[u64, 4] = zeroed()
    for index in range(u64(4)):
        threads[index] = make(index, _spoil_base)
        do(threads[index], Method.THREAD_START)
    for index in range(u64(4)):
        await_state(threads[index], ThreadState.ENDED)
        expect(close(threads[index]), Status.OK, "close")
    check_equal(_spoiled.load(), 0, "bases that changed")


def _last_instruction() -> None:
    """After it there is no user address to go back to."""
    _run_last(0x050F, 2)                # syscall
    _run_last(0xCC, 1)                  # int3


def _run_last(code: u64, length: u64) -> None:
    memory = make_at(_SCRATCH, PAGE)
    for index in range(length):
        ptr[u8](_SCRATCH + PAGE - length + index)[0] = u8(code >> (8 * index))
    expect(unmap(OWN_PROCESS, _SCRATCH, PAGE), Status.OK, "unmap")
    expect(seal(memory), Status.OK, "seal")
    name = b"edge"
    status, process = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    expect(status, Status.OK, "creation of a process")
    last = u64(USER_END) - PAGE
    expect(map_memory(memory, process, last | READ | EXECUTE, 0, PAGE), Status.OK, "map the last page")
    status, thread = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, process, u64(USER_END) - length, last, 0
    )
    expect(status, Status.OK, "creation of a thread")
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _sender)
    do(thread, Method.THREAD_START)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    vector: u64 = _PAGE_FAULT if length == 2 else _BREAKPOINT
    check_numbered(message.word0 & 0xFF, vector, "vector of an instruction of length", length)
    check_numbered(message.word2, USER_END, "program counter of an instruction of length", length)
    message.word0 = u64(Verdict.RESUME)
    status, _ = reply_receive(0, addr(message))
    cause, ended = await_end(process)
    check_equal(cause, u64(ExitCause.EXCEPTION), "cause of the end")
    check_equal(ended, vector, "status of the end")
    expect(close(thread), Status.OK, "close")
    expect(close(process), Status.OK, "close")
    expect(close(memory), Status.OK, "close")
