"""The last instructions of the loader on each processor: page tables, GDT, stack, registers, kernel.

Source: Limine protocol, machine state at entry. The descriptors stand in the order that the protocol gives them.
"""
from typing import NoReturn

from compiler.prelude import addr, array, asm_x64, const, naked, ptr, struct, u16, u64
from compiler.prelude.x64 import *

GDT_ENTRIES = const(7)
CODE_32 = const(0x18)
DATA_32 = const(0x20)
CODE_64 = const(0x28)
DATA_64 = const(0x30)


@struct(packed=True)
class GdtPointer:
    limit: u16
    base: u64


gdt: array[u64, GDT_ENTRIES] = array(
    0,
    0x00009B000000FFFF,                 # 16-bit code
    0x000093000000FFFF,                 # 16-bit data
    0x00CF9B000000FFFF,                 # 32-bit code
    0x00CF93000000FFFF,                 # 32-bit data
    0x00209B0000000000,                 # 64-bit code
    0x0000930000000000,                 # 64-bit data
)


def depart(root: u64, stack: u64, entry: u64, argument: u64, direct_map: u64) -> NoReturn:
    """Jumps to `entry` with `argument` in rdi.

    Requires: `root` maps this code and this stack at their present addresses, and everything at `direct_map`.
    """
    pointer = GdtPointer(limit=GDT_ENTRIES * 8 - 1, base=u64(addr(gdt)) + direct_map)
    _load_gdt(addr(pointer))
    _enter(root, stack, entry, argument)


@asm_x64
def _load_gdt(pointer: ptr[GdtPointer]) -> None:
    lgdt([rdi])


@naked
@asm_x64
def _enter(root: u64, stack: u64, entry: u64, argument: u64) -> NoReturn:
    cli()
    cld()
    mov(cr3, rdi)
    mov(rsp, rsi)
    push(CODE_64)
    raw("lea rax, [rip + 77f]")
    push(rax)
    retfq()
    raw("77:")
    mov(eax, DATA_64)
    mov(ds, eax)
    mov(es, eax)
    mov(fs, eax)
    mov(gs, eax)
    mov(ss, eax)
    push(0)                             # the return address that the protocol promises
    push(rdx)
    mov(rdi, rcx)
    xor(eax, eax)
    xor(ebx, ebx)
    xor(ecx, ecx)
    xor(edx, edx)
    xor(esi, esi)
    xor(ebp, ebp)
    xor(r8d, r8d)
    xor(r9d, r9d)
    xor(r10d, r10d)
    xor(r11d, r11d)
    xor(r12d, r12d)
    xor(r13d, r13d)
    xor(r14d, r14d)
    xor(r15d, r15d)
    ret()
