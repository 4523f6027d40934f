"""The privileged instructions that the loader needs, one function each.

Source: SDM vol 2; register numbers from SDM vol 4, table 2-2.
"""
from compiler.prelude import asm_x64, const, ptr, u8, u16, u32, u64
from compiler.prelude.x64 import *

MSR_APIC_BASE = const(0x1B)
MSR_MTRR_CAPABILITIES = const(0xFE)
MSR_PAT = const(0x277)
MSR_MTRR_DEFAULT_TYPE = const(0x2FF)
MSR_X2APIC_ID = const(0x802)
MSR_X2APIC_COMMAND = const(0x830)
MSR_EFER = const(0xC0000080)

EFER_LONG_MODE = const(1 << 8)
EFER_NO_EXECUTE = const(1 << 11)
CR0_WRITE_PROTECT = const(1 << 16)
CR4_PAE = const(1 << 5)
CR4_FIVE_LEVEL = const(1 << 12)

CPUID_FEATURES = const(1)
CPUID_EXTENDED = const(0x80000001)
FEATURE_EDX_APIC = const(1 << 9)
FEATURE_EDX_MTRR = const(1 << 12)
FEATURE_ECX_X2APIC = const(1 << 21)
EXTENDED_EDX_NO_EXECUTE = const(1 << 20)


@asm_x64
def read_port8(port: u16) -> u8:
    mov(edx, edi)
    xor(eax, eax)
    in_(al, dx)


@asm_x64
def read_port16(port: u16) -> u16:
    mov(edx, edi)
    xor(eax, eax)
    in_(ax, dx)


@asm_x64
def read_port32(port: u16) -> u32:
    mov(edx, edi)
    in_(eax, dx)


@asm_x64
def write_port8(port: u16, value: u8) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, al)


@asm_x64
def write_port16(port: u16, value: u16) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, ax)


@asm_x64
def write_port32(port: u16, value: u32) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, eax)


@asm_x64
def read_msr(register: u32) -> u64:
    mov(ecx, edi)
    rdmsr()
    shl(rdx, 32)
    or_(rax, rdx)


@asm_x64
def write_msr(register: u32, value: u64) -> None:
    mov(ecx, edi)
    mov(rax, rsi)
    mov(rdx, rsi)
    shr(rdx, 32)
    wrmsr()


@asm_x64
def read_cpuid(leaf: u32, subleaf: u32, result: ptr[u32]) -> None:
    """Stores eax, ebx, ecx, edx at `result`."""
    mov(r8, rdx)
    mov(r9, rbx)
    mov(eax, edi)
    mov(ecx, esi)
    cpuid()
    mov([r8], eax)
    mov([r8, 4], ebx)
    mov([r8, 8], ecx)
    mov([r8, 12], edx)
    mov(rbx, r9)


@asm_x64
def read_cr0() -> u64:
    mov(rax, cr0)


@asm_x64
def write_cr0(value: u64) -> None:
    mov(cr0, rdi)


@asm_x64
def read_cr3() -> u64:
    mov(rax, cr3)


@asm_x64
def write_cr3(value: u64) -> None:
    mov(cr3, rdi)


@asm_x64
def read_cr4() -> u64:
    mov(rax, cr4)


@asm_x64
def write_cr4(value: u64) -> None:
    mov(cr4, rdi)


@asm_x64
def write_back_caches() -> None:
    wbinvd()


@asm_x64
def disable_interrupts() -> None:
    cli()


@asm_x64
def halt() -> None:
    cli()
    hlt()


@asm_x64
def image_start() -> u64:
    """Where the linker's image of this loader begins in memory."""
    raw("lea rax, [rip + __image_start]")


@asm_x64
def image_end() -> u64:
    raw("lea rax, [rip + __image_end]")
