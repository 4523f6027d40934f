"""The registers of an interrupted program, in the order in which entry.py and the processor push them.

Invariant I-ARCH-1: sizeof(Registers) is a multiple of 16. The processor aligns the stack before it pushes, so a
thread's frame begins exactly sizeof(Registers) below the stack pointer that the TSS holds.
"""
from compiler.prelude import const, offsetof, sizeof, struct, u64
from kernel.arch.x86_64.registers import FLAGS_ALWAYS_ONE, FLAGS_INTERRUPT

KERNEL_CODE = const(0x08)               # selectors; gdt.py holds the descriptors
KERNEL_DATA = const(0x10)
USER_DATA = const(0x20 | 3)
USER_CODE = const(0x28 | 3)
PRIVILEGE = const(3)                    # the bits of a code selector that tell user from kernel

USER_FLAGS = const(FLAGS_ALWAYS_ONE | FLAGS_INTERRUPT)


@struct
class Registers:
    r15: u64 = 0
    r14: u64 = 0
    r13: u64 = 0
    r12: u64 = 0
    r11: u64 = 0
    r10: u64 = 0
    r9: u64 = 0
    r8: u64 = 0
    rbp: u64 = 0
    rdi: u64 = 0
    rsi: u64 = 0
    rdx: u64 = 0
    rcx: u64 = 0
    rbx: u64 = 0
    rax: u64 = 0
    vector: u64 = 0
    error: u64 = 0
    rip: u64 = 0
    cs: u64 = USER_CODE
    rflags: u64 = USER_FLAGS
    rsp: u64 = 0
    ss: u64 = USER_DATA


assert sizeof(Registers) % 16 == 0

R15 = const(offsetof(Registers, "r15"))
R14 = const(offsetof(Registers, "r14"))
R13 = const(offsetof(Registers, "r13"))
R12 = const(offsetof(Registers, "r12"))
R10 = const(offsetof(Registers, "r10"))
R9 = const(offsetof(Registers, "r9"))
R8 = const(offsetof(Registers, "r8"))
RBP = const(offsetof(Registers, "rbp"))
RDI = const(offsetof(Registers, "rdi"))
RSI = const(offsetof(Registers, "rsi"))
RDX = const(offsetof(Registers, "rdx"))
RAX = const(offsetof(Registers, "rax"))
RBX = const(offsetof(Registers, "rbx"))
RIP = const(offsetof(Registers, "rip"))
CS = const(offsetof(Registers, "cs"))
RFLAGS = const(offsetof(Registers, "rflags"))
RSP = const(offsetof(Registers, "rsp"))
