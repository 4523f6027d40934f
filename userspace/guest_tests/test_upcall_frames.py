"""Upcalls of a hostile or confused program: stacks and entries that do not exist, and frames edited in every field.

A thread tells of where it came by a breakpoint; its exceptions come to the main thread, which sees all its registers.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, const, export, naked, offsetof, ptr, u8, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import ERROR_SHIFT, Verdict
from kernel.abi.layout import USER_END
from kernel.abi.methods import Method
from kernel.abi.ring import Operation, Submission
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadRegisters
from kernel.abi.upcall import Reason, UpcallBlock
from kernel.arch.x86_64.frame import USER_CODE, USER_DATA, USER_FLAGS
from userspace.guest_tests import messages
from userspace.guest_tests.messages import new_ring
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, do, expect, finish, make
from userspace.lib.channel import Message, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close

_CASES = const(7)
_UPCALL_RETURN = const(Call.UPCALL_RETURN)
_BREAKPOINT = const(3)                  # vectors
_STACK_FAULT = const(12)
_PROTECTION = const(13)
_PAGE_FAULT = const(14)
_BY_FETCH = const(16)                   # in the error code of a page fault: an instruction was read
_UNMAPPED = const(0x1000)
_TRAP_FLAG = const(0x100)
_PROGRAM_FLAGS = const(0x0024_0DD5)     # those that it can set
_RESUME_FLAG = const(0x1_0000)          # which the processor sets by itself
_FLAGS_INDEX = const(offsetof(ThreadRegisters, "rflags") // 8)
_PATTERN = const(0x0123_4567_89AB_CDEF)

_ring: Ring = zeroed()                  # of the thread that gets upcalls
_thread: u64 = 0
_channel: u64 = 0
_stack: array[u8, 4096] = zeroed(align=16)
_seen: ThreadRegisters = zeroed()


@export("main")
def main(ring: u64) -> u64:
    global _channel
    plan(_CASES)
    _channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 0)
    begin("bad_stacks")
    _bad_stacks()
    begin("bad_entries")
    _bad_entries()
    begin("general_registers")
    _general_registers()
    begin("each_flag")
    _each_flag()
    begin("addresses")
    _addresses()
    begin("selectors_and_vectors")
    _selectors_and_vectors()
    begin("what_the_kernel_wrote")
    _what_the_kernel_wrote()
    expect(close(_channel), Status.OK, "close")
    end()


@naked
@asm_x64
def _enter_and_break() -> None:
    """Submits what is there; an upcall comes on the way back, or the thread tells that none came."""
    mov(edi, 1)
    xor(esi, esi)
    xor(edx, edx)
    xor(eax, eax)
    syscall()
    int3()


@naked
@asm_x64
def _return_and_break() -> None:
    """Goes where the frame says; else the thread tells of the status in rax."""
    movq(xmm0, rdi)
    mov(eax, _UPCALL_RETURN)
    syscall()
    int3()


@naked
@asm_x64
def _land() -> None:
    int3()


@naked
@asm_x64
def _land_and_look() -> None:
    mov(ebx, cs)
    mov(ebp, ss)
    movq(r12, xmm0)
    int3()


@naked
@asm_x64
def _push_and_break() -> None:
    """An entry that uses its stack."""
    push(rdi)
    int3()


def _block() -> ptr[UpcallBlock]:
    return addr(_ring.user_page.upcall)


def _begin(function: u64, entry: u64, stack_top: u64, argument: u64 = 0) -> None:
    """A new thread with upcalls armed, from `function` on. Its first exception is in _seen when this returns."""
    global _thread
    _thread = make(0, _never, argument)
    new_ring(0, _thread, 31)
    open_ring(addr(_ring), messages.place[0])
    _block().entry = entry
    _block().stack_top = stack_top
    do(_thread, Method.THREAD_ARM_UPCALLS, Reason.COMPLETION)
    do(_thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    do(_thread, Method.THREAD_READ_REGISTERS, u64(addr(_seen)))
    _seen.rip = function
    do(_thread, Method.THREAD_WRITE_REGISTERS, u64(addr(_seen)))


def _never(index: u64) -> None:
    check(False, "the thread began where it was not sent")


def _expect_exception(vector: u64, counter: u64, what: str, number: u64) -> u64:
    """The thread's next exception, by vector and program counter. Returns the address."""
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    found = message.word0 & 0xFF
    # For a push to an address that is not canonical, emulators have the second one.
    check_numbered(found if found != _STACK_FAULT else u64(_PROTECTION), vector, what, number)
    check_numbered(message.word2, counter, what, number)
    do(_thread, Method.THREAD_READ_REGISTERS, u64(addr(_seen)))
    return message.word1


def _end() -> None:
    finish(_thread)
    message = Message(word0=Verdict.RESUME)
    _, _ = reply_receive(0, addr(message))


def _submit_nop() -> None:
    entry = Submission(operation=u8(Operation.NOP), user_data=1)
    check(_ring.submit(addr(entry)), "submission")


def _bad_stacks() -> None:
    """The upcall is delivered, its first push faults, and no second one comes while the first is not over."""
    stacks: array[u64, 7] = array(
        0, 8, _UNMAPPED, 0x0000_8000_0000_1000, 0xFFFF_8000_0000_1000, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_FFFF_FFFF
    )
    for index in range(u64(len(stacks))):
        _begin(u64(_enter_and_break), u64(_push_and_break), stacks[index])
        _submit_nop()
        _submit_nop()
        do(_thread, Method.THREAD_START)
        is_canonical = index != 3
        vector: u64 = _PAGE_FAULT if is_canonical else u64(_PROTECTION)
        _ = _expect_exception(vector, u64(_push_and_break), "upcall on a bad stack", index)
        check_numbered(_seen.rdi, u64(_block()), "rdi on a bad stack", index)
        check_numbered(u64(_block().disabled.load()), 1, "disabled on a bad stack", index)
        check_numbered(_block().frame.registers.rip, u64(_enter_and_break) + 13, "program counter in frame", index)
        _end()


def _bad_entries() -> None:
    """What is no address of a program's becomes a jump to nowhere."""
    entries: array[u64, 7] = array(
        0, _UNMAPPED, USER_END - 1, 0x0000_8000_0000_0000, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_8000_0000,
        0xFFFF_FFFF_FFFF_FFFF,
    )
    for index in range(u64(len(entries))):
        _begin(u64(_enter_and_break), entries[index], u64(addr(_stack)) + 4096)
        _submit_nop()
        do(_thread, Method.THREAD_START)
        counter = entries[index] if index < 3 else u64(0)
        address = _expect_exception(_PAGE_FAULT, counter, "upcall with a bad entry", index)
        check_numbered(address, counter, "address of a bad entry", index)
        _end()
    _begin(u64(_enter_and_break), u64(addr(_stack)), u64(addr(_stack)) + 4096)
    _submit_nop()
    do(_thread, Method.THREAD_START)
    message = Message()
    _, _ = reply_receive(_channel, addr(message))
    check_equal(message.word0 & 0xFF, _PAGE_FAULT, "vector of an entry in data")
    check(message.word0 >> ERROR_SHIFT & _BY_FETCH != 0, "data was not read as an instruction")
    _end()


def _fill_frame() -> ptr[ThreadRegisters]:
    """Registers that are all different, at _land."""
    registers = addr(_block().frame.registers)
    words = ptr[u64](registers)
    for index in range(u64(20)):
        words[index] = _PATTERN + index
    registers.rip = u64(_land)
    registers.rsp = u64(addr(_stack)) + 4096
    registers.rflags = USER_FLAGS
    registers.fs_base = 0
    registers.gs_base = 0
    return registers


def _general_registers() -> None:
    """A stack pointer can be anything: nothing but the program uses it."""
    stacks: array[u64, 4] = array(0, u64(addr(_stack)) + 4096, 0xFFFF_FFFF_8000_0000, 0x0000_8000_0000_0000)
    for index in range(u64(len(stacks))):
        _begin(u64(_return_and_break), 0, 0)
        _fill_frame().rsp = stacks[index]
        do(_thread, Method.THREAD_START)
        _ = _expect_exception(_BREAKPOINT, u64(_land) + 1, "return with stack", index)
        expected = _fill_frame()
        words = ptr[u64](expected)
        found = ptr[u64](addr(_seen))
        expected.rsp = stacks[index]
        expected.rip = u64(_land) + 1
        for register in range(u64(20)):
            ignored = u64(_RESUME_FLAG) if register == _FLAGS_INDEX else u64(0)
            check_numbered(found[register] & ~ignored, words[register], "register", register)
        _end()


def _each_flag() -> None:
    """Each bit of the flags alone, and all of them: what the program could not set itself is not set."""
    for bit in range(u64(66)):
        flags = u64(1) << bit if bit < 64 else u64(0)
        if bit == 65:
            flags = 0xFFFF_FFFF_FFFF_FFFF & ~u64(_TRAP_FLAG)
        _begin(u64(_return_and_break), 0, 0)
        _fill_frame().rflags = flags
        do(_thread, Method.THREAD_START)
        is_trapped = flags & _TRAP_FLAG != 0
        message = Message()
        _, _ = reply_receive(_channel, addr(message))
        do(_thread, Method.THREAD_READ_REGISTERS, u64(addr(_seen)))
        check_numbered(message.word0 & 0xFF, _BREAKPOINT, "vector with flag", bit)
        check_numbered(message.word2, u64(_land) + 1, "program counter with flag", bit)
        wanted = flags & _PROGRAM_FLAGS | USER_FLAGS
        check_numbered(_seen.rflags & ~u64(_RESUME_FLAG), wanted, "flags with flag", bit)
        check(is_trapped == (_seen.rflags & _TRAP_FLAG != 0), "trap flag")
        _end()


def _addresses() -> None:
    """Refused as a whole: the thread goes on behind its system call, and nothing of the frame is in its registers."""
    bad: array[u64, 4] = array(USER_END, 0x0000_8000_0000_0000, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF)
    for index in range(u64(len(bad) * 3)):
        _begin(u64(_return_and_break), 0, 0, 77)
        registers = _fill_frame()
        match index % 3:
            case 0:
                registers.rip = bad[index // 3]
            case 1:
                registers.fs_base = bad[index // 3]
            case _:
                registers.gs_base = bad[index // 3]
        do(_thread, Method.THREAD_START)
        _ = _expect_exception(_BREAKPOINT, u64(_return_and_break) + 13, "return with a bad address", index)
        check_numbered(_seen.rax, Status.BAD_ARGUMENT, "status with a bad address", index)
        check_numbered(_seen.rdi, 77, "rdi with a bad address", index)
        check_numbered(_seen.fs_base | _seen.gs_base, 0, "bases with a bad address", index)
        _end()
    _begin(u64(_return_and_break), 0, 0)
    registers = _fill_frame()
    registers.rip = 0
    registers.fs_base = USER_END - 1
    registers.gs_base = _UNMAPPED
    do(_thread, Method.THREAD_START)
    _ = _expect_exception(_PAGE_FAULT, 0, "return to nowhere", 0)
    check_equal(_seen.fs_base, USER_END - 1, "fs base")
    check_equal(_seen.gs_base, _UNMAPPED, "gs base")
    _end()


def _selectors_and_vectors() -> None:
    """Selectors are in no frame; vector registers stay what they were."""
    _begin(u64(_return_and_break), 0, 0, _PATTERN)
    _fill_frame().rip = u64(_land_and_look)
    do(_thread, Method.THREAD_START)
    message = Message()
    _, _ = reply_receive(_channel, addr(message))
    check_equal(message.word0 & 0xFF, _BREAKPOINT, "vector")
    do(_thread, Method.THREAD_READ_REGISTERS, u64(addr(_seen)))
    check_equal(_seen.rbx, USER_CODE, "cs")
    check_equal(_seen.rbp, USER_DATA, "ss")
    check_equal(_seen.r12, _PATTERN, "xmm0")
    _end()


def _what_the_kernel_wrote() -> None:
    """Reasons and tail in the frame are for the program; what it writes there means nothing."""
    _begin(u64(_return_and_break), 0, 0)
    _ = _fill_frame()
    _block().frame.reasons = 0xFFFF_FFFF_FFFF_FFFF
    _block().frame.completion_tail = 0xFFFF_FFFF_FFFF_FFFF
    _block().disabled.store(0xFFFF_FFFF)
    do(_thread, Method.THREAD_START)
    _ = _expect_exception(_BREAKPOINT, u64(_land) + 1, "return", 0)
    check_equal(u64(_block().disabled.load()), 0, "disabled")
    _end()
