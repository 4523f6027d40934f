"""The doors between user and kernel: system calls, exceptions and interrupts, and the way back.

A thread's registers go straight into its own frame (cpu.frame): SYSCALL stores them there, exceptions and interrupts
push them there because the TSS points behind it. The kernel then runs on the one stack of the CPU, which is empty
whenever a user program runs.
Exceptions that can come at any instruction (NMI, double fault, machine check, debug) run on stacks of their own, whose
last word is the gs base of the CPU: between SYSCALL and swapgs the one in force is the user's.
Not here: what is done about an entry; the handlers that are called by name live above, in kernel/entry.
"""
from typing import NoReturn

from compiler.prelude import asm_x64, const, naked, sizeof, u64
from compiler.prelude.x64 import *
from kernel.abi.syscall import Call
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.frame import (
    CS,
    PRIVILEGE,
    R8,
    R9,
    R10,
    R12,
    R13,
    R14,
    R15,
    RAX,
    RBP,
    RBX,
    RDI,
    RDX,
    RFLAGS,
    RIP,
    RSI,
    RSP,
    Registers,
)
from kernel.arch.x86_64.registers import MSR_GS_BASE

_FRAME_BYTES = const(sizeof(Registers))
_VECTOR_AND_ERROR_BYTES = const(16)
_STUB_BYTES = const(16)
STUBS_BYTES = const(256 * _STUB_BYTES + _STUB_BYTES - 1)    # wherever in `vector_stubs` the first one is aligned
LOWER_HALF_BITS = const(47)
_YIELD = const(Call.YIELD)
_CALL = const(Call.CALL)
_REPLY_RECEIVE = const(Call.REPLY_RECEIVE)


@naked
@asm_x64
def system_call_door() -> None:
    """Entered by SYSCALL: rip in rcx, flags in r11, interrupts off, the user's stack and gs base."""
    swapgs()
    cmp(rax, _YIELD)
    raw("je yield_at_once")
    raw("enter_system_call:")
    mov(gs[cpu.user_stack_pointer], rsp)
    mov(rsp, gs[cpu.frame])
    mov([rsp, RIP], rcx)
    mov([rsp, RFLAGS], r11)
    mov(rcx, gs[cpu.user_stack_pointer])
    mov([rsp, RSP], rcx)
    mov([rsp, RBX], rbx)
    mov([rsp, RBP], rbp)
    mov([rsp, R12], r12)
    mov([rsp, R13], r13)
    mov([rsp, R14], r14)
    mov([rsp, R15], r15)
    mov([rsp, RDI], rdi)
    mov([rsp, R9], r9)
    cmp(rax, _CALL)
    raw("jae {system_call_detours}")
    raw("call_by_number:")
    mov([rsp, RSI], rsi)
    mov([rsp, R8], r8)
    mov([rsp, R10], r10)
    mov(rsp, gs[cpu.kernel_stack_end])
    mov(rcx, r10)
    mov(r9, rax)
    raw("call system_call")             # status and value in rax and rdx; what is preserved still holds the user's
    mov(rsp, gs[cpu.frame])
    cmp(dword[gs, cpu.attention], 0)
    raw("jne leave_with_a_look")
    raw("leave_system_call:")
    mov(rdi, [rsp, RDI])
    mov(rsi, [rsp, RSI])
    mov(r8, [rsp, R8])
    mov(r10, [rsp, R10])
    raw("leave_with_message:")
    mov(rcx, [rsp, RIP])
    mov(r11, rcx)
    shr(r11, LOWER_HALF_BITS)
    # SYSRET to an address that is not canonical would fault in the kernel, on the user's stack (CVE-2012-0217).
    raw("jne refuse_to_leave")
    mov(r11, [rsp, RFLAGS])
    mov(r9, [rsp, R9])
    mov(rsp, [rsp, RSP])
    raw("leave_at_once:")
    swapgs()
    sysretq()


@naked
@asm_x64
def system_call_detours() -> None:
    """Where the door jumps to for messages, which is the beginning, and when the thread does not simply go on.

    A message stays in the registers in which it came (rsi, rdx, r10, r8); whoever takes it the general way stores it.
    """
    raw(".globl enter_system_call, call_by_number, leave_system_call, leave_with_message, leave_at_once")
    raw(".globl leave_with_a_look, refuse_to_leave")
    raw("jne not_a_call")
    mov(rsp, gs[cpu.kernel_stack_end])
    mov(rcx, r10)
    raw("jmp direct_call")
    raw("not_a_call:")
    cmp(rax, _REPLY_RECEIVE)
    raw("jne call_by_number")
    mov(rsp, gs[cpu.kernel_stack_end])
    mov(rcx, r10)
    raw("jmp direct_reply_receive")
    raw("leave_with_a_look:")
    mov([rsp, RAX], rax)
    mov([rsp, RDX], rdx)
    mov(rsp, gs[cpu.kernel_stack_end])
    raw("call look_after_call")
    jmp(resume_user)
    raw("refuse_to_leave:")
    mov(rsp, gs[cpu.kernel_stack_end])
    raw("call refuse_return")
    ud2()


@naked
@asm_x64
def resume_call() -> NoReturn:
    """Leaves the kernel as the thread in this CPU's frame, which has entered by a system call."""
    mov(rsp, gs[cpu.frame])
    mov(rax, [rsp, RAX])
    mov(rdx, [rsp, RDX])
    mov(rbx, [rsp, RBX])
    mov(rbp, [rsp, RBP])
    mov(r12, [rsp, R12])
    mov(r13, [rsp, R13])
    mov(r14, [rsp, R14])
    mov(r15, [rsp, R15])
    raw("jmp leave_system_call")


@naked
@asm_x64
def resume_with_message(badge: u64, word0: u64, word1: u64, word2: u64, word3: u64) -> NoReturn:
    """The same for a thread that waited for a message, with the message in registers; the call has succeeded."""
    mov(rsp, gs[cpu.frame])
    mov(r10, rcx)
    xor(eax, eax)
    mov(rbx, [rsp, RBX])
    mov(rbp, [rsp, RBP])
    mov(r12, [rsp, R12])
    mov(r13, [rsp, R13])
    mov(r14, [rsp, R14])
    mov(r15, [rsp, R15])
    raw("jmp leave_with_message")


@naked
@asm_x64
def resume_user() -> NoReturn:
    """Leaves the kernel with the registers of this CPU's frame, on whatever stack and with whatever calls are left."""
    mov(rsp, gs[cpu.frame])
    raw(".irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax")
    raw("pop \\name")
    raw(".endr")
    add(rsp, _VECTOR_AND_ERROR_BYTES)
    raw(".globl leave_by_return")
    raw("leave_by_return:")
    swapgs()
    iretq()


@naked
@asm_x64
def run_on_kernel_stack(function: u64) -> NoReturn:
    """Calls a function that does not return on this CPU's own, empty kernel stack."""
    mov(rsp, gs[cpu.kernel_stack_end])
    xor(ebp, ebp)
    call(rdi)
    ud2()


@naked
@asm_x64
def exception_entry() -> None:
    """Common to all vectors but four: vector and error code lie on top of what the processor pushed."""
    raw(".irp name, rax, rbx, rcx, rdx, rsi")
    raw("push \\name")
    raw(".endr")
    raw(".globl exception_goes_on")       # this and its like: where detours lead back to
    raw("exception_goes_on:")
    raw(".irp name, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15")
    raw("push \\name")
    raw(".endr")
    cld()
    mov(rdi, rsp)
    test(byte[rsp, CS], PRIVILEGE)
    raw(".globl entered_from_user, call_from_user, entered_from_kernel, call_from_kernel")
    raw("je entered_from_kernel")
    raw("entered_from_user:")
    swapgs()
    mov(rsp, gs[cpu.kernel_stack_end])
    raw("call_from_user:")
    raw("call exception_from_user")
    jmp(resume_user)
    raw("entered_from_kernel:")
    mov(rbx, rsp)
    and_(rsp, -16)
    raw("call_from_kernel:")
    raw("call exception_from_kernel")
    mov(rsp, rbx)
    raw(".irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax")
    raw("pop \\name")
    raw(".endr")
    add(rsp, _VECTOR_AND_ERROR_BYTES)
    iretq()


@naked
@asm_x64
def own_stack_entry() -> None:
    """The four that have a stack of their own. The gs base is set from the stack's last word and put back after."""
    raw(".irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15")
    raw("push \\name")
    raw(".endr")
    cld()
    raw(".globl own_stack_goes_on, own_stack_ends")
    raw("own_stack_goes_on:")
    mov(ecx, MSR_GS_BASE)
    rdmsr()
    shl(rdx, 32)
    or_(rax, rdx)
    mov(rbx, rax)
    mov(rax, [rsp, _FRAME_BYTES])
    mov(rdx, rax)
    shr(rdx, 32)
    wrmsr()
    mov(rdi, rsp)
    mov(rsi, rbx)
    raw("call exception_on_own_stack")
    mov(ecx, MSR_GS_BASE)
    mov(rax, rbx)
    mov(rdx, rbx)
    shr(rdx, 32)
    wrmsr()
    raw("own_stack_ends:")
    raw(".irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax")
    raw("pop \\name")
    raw(".endr")
    raw(".globl leave_own_stack")
    raw("leave_own_stack:")
    add(rsp, _VECTOR_AND_ERROR_BYTES)
    iretq()


@naked
@asm_x64
def vector_stubs() -> None:
    """256 stubs of 16 bytes: each pushes a zero where the processor pushes no error code, and its own number.

    `.byte 0x6A, n` is push of a sign-extended byte; handlers take the low byte of the vector.
    """
    raw(".set vector, 0")
    raw(".rept 256")
    raw(".balign {_STUB_BYTES}")
    raw(".ifeq (0x60227D00 >> vector) & (vector < 32) & 1")
    raw(".byte 0x6A, 0")
    raw(".endif")
    raw(".byte 0x6A, vector")
    raw(".if vector == 1 || vector == 2 || vector == 8 || vector == 18")
    raw("jmp {own_stack_entry}")
    raw(".else")
    raw("jmp {exception_entry}")
    raw(".endif")
    raw(".set vector, vector + 1")
    raw(".endr")


def stub_address(vector: u64) -> u64:
    return ((u64(vector_stubs) + _STUB_BYTES - 1) & ~u64(_STUB_BYTES - 1)) + vector * _STUB_BYTES
