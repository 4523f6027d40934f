"""What no program may do: every software interrupt, privileged instruction and I/O port raises an exception."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, asm_x64, const, export, naked, ptr, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.fault import ERROR_SHIFT, Verdict
from kernel.abi.methods import Method
from kernel.abi.thread import ThreadRegisters
from userspace.guest_tests.report import begin, check_numbered, end, plan
from userspace.guest_tests.threads import do, expect, make
from userspace.lib.channel import Message, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke

_CASES = const(3)
_VECTORS = const(256)
_BREAKPOINT = const(3)
_INVALID = const(6)
_PROTECTION = const(13)
_IN_TABLE = const(2)                    # bit of an error code that names a vector
_PORTS = const(0x1_0000)
_PORT_STEP = const(61)                  # every port is too many for each run; 61 divides no table of ports
_INSTRUCTIONS = const(24)
_STUB_BYTES = const(16)

_channel: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    global _channel
    plan(_CASES)
    status, _channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")
    begin("software_interrupts")
    _software_interrupts()
    begin("instructions")
    _instructions()
    begin("ports")
    _ports()
    end()


@naked
@asm_x64
def _interrupts() -> None:
    """256 stubs of 4 bytes: int n; ret."""
    raw(".balign 16")
    raw(".set number, 0")
    raw(".rept 256")
    raw(".byte 0xCD, number, 0xC3, 0x90")
    raw(".set number, number + 1")
    raw(".endr")


@naked
@asm_x64
def _privileged() -> None:
    """Stubs of 16 bytes, each one instruction that only a kernel may execute, and ret."""
    raw(".balign 16")
    raw(".macro stub text:vararg")
    raw(".balign 16")
    raw("\\text")
    raw("ret")
    raw(".endm")
    raw("stub hlt")
    raw("stub cli")
    raw("stub sti")
    raw("stub clts")
    raw("stub invd")
    raw("stub wbinvd")
    raw("stub rdmsr")
    raw("stub wrmsr")
    raw("stub rdpmc")
    raw("stub swapgs")
    raw("stub sysretq")
    raw("stub lgdt [rsp]")
    raw("stub lidt [rsp]")
    raw("stub lldt ax")
    raw("stub ltr ax")
    raw("stub lmsw ax")
    raw("stub invlpg [rsp]")
    raw("stub mov rax, cr0")
    raw("stub mov cr0, rax")
    raw("stub mov cr3, rax")
    raw("stub mov cr4, rax")
    raw("stub mov rax, dr7")
    raw("stub mov dr7, rax")
    raw("stub mov cr8, rax")


@naked
@asm_x64
def _jump_to(address: u64) -> None:
    """A call of the stub, which returns for this function."""
    jmp(rdi)


@asm_x64
def _read_port(port: u64) -> None:
    """The handler goes on behind this instruction of one byte."""
    mov(edx, edi)
    in_(al, dx)


def _aligned(address: u64) -> u64:
    return (address + 15) & ~u64(15)


def _run_interrupts(index: u64) -> None:
    for number in range(u64(_VECTORS)):
        _jump_to(_aligned(u64(_interrupts)) + number * 4)
    exit_thread(0)


def _run_instructions(index: u64) -> None:
    for number in range(u64(_INSTRUCTIONS)):
        _jump_to(_aligned(u64(_privileged)) + number * _STUB_BYTES)
    exit_thread(0)


def _run_ports(index: u64) -> None:
    for port in range(u64(0), u64(_PORTS), _PORT_STEP):
        _read_port(port)
    exit_thread(0)


def _return_from(thread: u64, message: ptr[Message]) -> None:
    """Lets the thread go on as if its stub had returned."""
    registers: ThreadRegisters = zeroed()
    do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    registers.rip = ptr[u64](registers.rsp)[0]
    registers.rsp += 8
    do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    message.word0 = u64(Verdict.RESUME)


def _software_interrupts() -> None:
    """Only the breakpoint's gate is open to programs; a vector without its right raises a protection exception."""
    thread = make(1, _run_interrupts)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    do(thread, Method.THREAD_START)
    message = Message()
    for number in range(u64(_VECTORS)):
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.OK, "receive")
        # A gate's place in the table, as processors count; QEMU in long mode counts eight bytes as one.
        error = number * (16 if message.word0 >> ERROR_SHIFT == number * 16 + _IN_TABLE else u64(8)) + _IN_TABLE
        expected = u64(_PROTECTION) | error << ERROR_SHIFT
        if number == _BREAKPOINT:
            expected = _BREAKPOINT
        check_numbered(message.word0, expected, "vector and error code of interrupt", number)
        _return_from(thread, addr(message))
    _let_end(thread, addr(message))


def _instructions() -> None:
    thread = make(1, _run_instructions)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    do(thread, Method.THREAD_START)
    message = Message()
    for number in range(u64(_INSTRUCTIONS)):
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.OK, "receive")
        vector = message.word0 & 0xFF
        if vector != _INVALID:
            check_numbered(vector, _PROTECTION, "vector of instruction", number)
        _return_from(thread, addr(message))
    _let_end(thread, addr(message))


def _ports() -> None:
    thread = make(1, _run_ports)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, _channel)
    do(thread, Method.THREAD_START)
    message = Message()
    registers: ThreadRegisters = zeroed()
    for port in range(u64(0), u64(_PORTS), _PORT_STEP):
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.OK, "receive")
        check_numbered(message.word0, _PROTECTION, "vector of port", port)
        do(thread, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
        check_numbered(registers.rdx, port, "port", port)
        registers.rip += 1
        do(thread, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
        message.word0 = u64(Verdict.RESUME)
    _let_end(thread, addr(message))


def _let_end(thread: u64, message: ptr[Message]) -> None:
    status, _ = reply_receive(0, message)
    expect(status, Status.OK, "the last answer")
    _finish(thread)


def _finish(thread: u64) -> None:
    """It ends by itself, or here if it hangs."""
    do(thread, Method.THREAD_KILL, 9)
    expect(close(thread), Status.OK, "close")
