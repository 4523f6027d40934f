"""The registers at a failed check, for a report: as far as compiled code has kept them."""
from compiler.prelude import asm_x64, const, offsetof, ptr
from compiler.prelude.x64 import *
from kernel.arch.x86_64.frame import (
    CS,
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

_RCX = const(offsetof(Registers, "rcx"))
_R11 = const(offsetof(Registers, "r11"))
_RETURN_ADDRESS = const(8)              # above the saved frame pointer
_FRAME_BYTES = const(16)


@asm_x64
def capture(registers: ptr[Registers]) -> None:
    """Stores what is in the registers, with rip, rsp and rbp of the function two calls above the one that asks.

    That one is the panic handler, which is called by the compiler's trap, which is called where the check failed; all
    keep frame pointers. Registers that calls do not preserve hold what these left.
    """
    mov([rdi, RAX], rax)
    mov([rdi, RBX], rbx)
    mov([rdi, _RCX], rcx)
    mov([rdi, RDX], rdx)
    mov([rdi, RSI], rsi)
    mov([rdi, RDI], rdi)
    mov([rdi, R8], r8)
    mov([rdi, R9], r9)
    mov([rdi, R10], r10)
    mov([rdi, _R11], r11)
    mov([rdi, R12], r12)
    mov([rdi, R13], r13)
    mov([rdi, R14], r14)
    mov([rdi, R15], r15)
    mov(rax, [rbp])
    mov(rcx, [rax])
    mov([rdi, RBP], rcx)
    mov(rcx, [rax, _RETURN_ADDRESS])
    mov([rdi, RIP], rcx)
    add(rax, _FRAME_BYTES)
    mov([rdi, RSP], rax)
    pushfq()
    pop([rdi, RFLAGS])
    mov(eax, cs)
    mov([rdi, CS], rax)
