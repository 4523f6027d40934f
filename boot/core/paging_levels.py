"""The change between four and five levels of page tables, which the processor makes only with paging off.

Long mode is left for it: a routine runs in a page below 4 GiB that the old and the new tables map at its own address,
goes to 32-bit code, turns paging off, loads the new tables and comes back. Source: SDM vol 3, 4.1.2 and 10.8.5.
"""
from boot.core.departure import CODE_32, CODE_64, DATA_32, GDT_ENTRIES, gdt  # noqa: F401 - named in the text
from compiler.prelude import (
    array,
    asm_block,
    asm_x64,
    const,
    memory_copy,
    naked,
    offsetof,
    ptr,
    struct,
    u8,
    u16,
    u32,
    u64,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import registers

BLOCK_OFFSET = const(0x200)
PAGING_OFF = const(0x7FFFFFFF)
PAGING_ON = const(0x80000000)


@struct
class ChangeBlock:
    gdt: array[u64, GDT_ENTRIES]
    padding: array[u16, 3]
    gdt_limit: u16
    gdt_base: u64
    long_offset: u32                    # far pointer back into 64-bit code
    long_selector: u32
    stack: u64


GDT_POINTER = const(BLOCK_OFFSET + offsetof(ChangeBlock, "gdt_limit"))
LONG = const(BLOCK_OFFSET + offsetof(ChangeBlock, "long_offset"))
STACK = const(BLOCK_OFFSET + offsetof(ChangeBlock, "stack"))

# rdi: the tables; rsi: CR4; rdx: this page. Upper halves of registers do not survive 32-bit code.
asm_block("""
    .section .rodata
    .balign 16
    .code64
levels_start:
    movq %rsp, {STACK}(%rdx)
    lgdt {GDT_POINTER}(%rdx)
    movl ${DATA_32}, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    leaq levels_protected - levels_start(%rdx), %rax
    pushq ${CODE_32}
    pushq %rax
    lretq
    .code32
levels_protected:
    movl %cr0, %eax
    andl ${PAGING_OFF}, %eax
    movl %eax, %cr0
    movl %esi, %cr4
    movl %edi, %cr3
    orl ${PAGING_ON}, %eax
    movl %eax, %cr0
    ljmpl *{LONG}(%edx)
    .code64
levels_long:
    movl %edx, %edx
    movq {STACK}(%rdx), %rsp
    ret
levels_end:
    .text
""")


def change_tables(page: u64, root: u64, control: u64) -> None:
    """Loads CR3 and CR4 at once.

    Requires: `page` is free, below 4 GiB, executable, and mapped at its address before and after; `root` below 4 GiB;
    interrupts off.
    """
    length = _end() - _start()
    assert length <= BLOCK_OFFSET
    memory_copy(ptr[u8](page), ptr[u8](_start()), length)
    block = ptr[ChangeBlock](page + BLOCK_OFFSET)
    for index in range(u64(GDT_ENTRIES)):
        block.gdt[index] = gdt[index]
    block.gdt_limit = GDT_ENTRIES * 8 - 1
    block.gdt_base = page + BLOCK_OFFSET
    block.long_offset = u32(page + _long() - _start())
    block.long_selector = CODE_64
    _call(root, control, page)


def is_five_level() -> bool:
    return (registers.read_cr4() & registers.CR4_FIVE_LEVELS) != 0


@naked
@asm_x64
def _call(root: u64, control: u64, page: u64) -> None:
    """The stack pointer and what a callee keeps are saved here, in memory of full width."""
    push(rbx)
    push(rbp)
    push(r12)
    push(r13)
    push(r14)
    push(r15)
    raw("call rdx")
    pop(r15)
    pop(r14)
    pop(r13)
    pop(r12)
    pop(rbp)
    pop(rbx)
    ret()


@asm_x64
def _start() -> u64:
    raw("lea rax, [rip + levels_start]")


@asm_x64
def _long() -> u64:
    raw("lea rax, [rip + levels_long]")


@asm_x64
def _end() -> u64:
    raw("lea rax, [rip + levels_end]")
