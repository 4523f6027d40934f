"""Where an application processor begins: one page below 1 MiB that leads from real mode to long mode.

Owns: the page's layout: code at its start, a StartBlock at BLOCK_OFFSET.
The code runs at whatever page it is copied to: it takes its base from cs, and its far pointers are filled in.
An offer is taken once: a processor that comes late finds it withdrawn and halts.
"""
from boot.core.departure import CODE_32, CODE_64, GDT_ENTRIES, gdt
from compiler.prelude import (
    array,
    asm_block,
    asm_x64,
    atomic,
    const,
    memory_copy,
    offsetof,
    ptr,
    sizeof,
    struct,
    u8,
    u16,
    u32,
    u64,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import MSR_EFER  # noqa: F401 - named in the text

BLOCK_OFFSET = const(0x200)


@struct
class StartBlock:
    gdt: array[u64, GDT_ENTRIES]
    gdt_padding: u16
    gdt_limit: u16
    gdt_base: u32
    protected_offset: u32               # far pointer into 32-bit code
    protected_selector: u32
    long_offset: u32                    # far pointer into 64-bit code
    long_selector: u32
    offer: atomic[u32]                  # 1: a processor may start; taking it makes it 0
    answer: atomic[u32]                 # 1: it is parked
    root: u64                           # page tables, below 4 GiB
    efer: u64
    cr0: u64
    cr4: u64
    stack: u64
    entry: u64
    argument: u64


GDT_POINTER = const(BLOCK_OFFSET + offsetof(StartBlock, "gdt_limit"))
PROTECTED = const(BLOCK_OFFSET + offsetof(StartBlock, "protected_offset"))
LONG = const(BLOCK_OFFSET + offsetof(StartBlock, "long_offset"))
OFFER = const(BLOCK_OFFSET + offsetof(StartBlock, "offer"))
ROOT = const(BLOCK_OFFSET + offsetof(StartBlock, "root"))
EFER = const(BLOCK_OFFSET + offsetof(StartBlock, "efer"))
CR0 = const(BLOCK_OFFSET + offsetof(StartBlock, "cr0"))
CR4 = const(BLOCK_OFFSET + offsetof(StartBlock, "cr4"))
STACK = const(BLOCK_OFFSET + offsetof(StartBlock, "stack"))
ENTRY = const(BLOCK_OFFSET + offsetof(StartBlock, "entry"))
ARGUMENT = const(BLOCK_OFFSET + offsetof(StartBlock, "argument"))

asm_block("""
    .section .rodata
    .balign 16
    .code16
processor_start:
    cli
    cld
    xorl %eax, %eax
    movw %cs, %ax
    movw %ax, %ds
    shll $4, %eax
    movl %eax, %ebx
    xorl %eax, %eax
    xchgl %eax, {OFFER}
    testl %eax, %eax
    jz processor_too_late
    lgdtl {GDT_POINTER}
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl *{PROTECTED}
processor_too_late:
    cli
    hlt
    jmp processor_too_late
    .code32
processor_protected:
    movw $0x20, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl {CR4}(%ebx), %eax
    movl %eax, %cr4
    movl {ROOT}(%ebx), %eax
    movl %eax, %cr3
    movl ${MSR_EFER}, %ecx
    movl {EFER}(%ebx), %eax
    xorl %edx, %edx
    wrmsr
    movl {CR0}(%ebx), %eax
    movl %eax, %cr0
    ljmpl *{LONG}(%ebx)
    .code64
processor_long:
    movl $0x30, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl %ebx, %ebx
    movq {STACK}(%rbx), %rsp
    movq {ARGUMENT}(%rbx), %rdi
    movq {ENTRY}(%rbx), %rax
    pushq $0
    jmpq *%rax
processor_start_end:
    .text
""")


def place_trampoline(page: u64) -> ptr[StartBlock]:
    """Copies the code to `page` and prepares its block, all but what differs from processor to processor."""
    length = _code_end() - _code_start()
    assert length <= BLOCK_OFFSET
    memory_copy(ptr[u8](page), ptr[u8](_code_start()), length)
    block = ptr[StartBlock](page + BLOCK_OFFSET)
    for index in range(u64(GDT_ENTRIES)):
        block.gdt[index] = gdt[index]
    block.gdt_limit = GDT_ENTRIES * 8 - 1
    block.gdt_base = u32(page) + BLOCK_OFFSET
    block.protected_offset = u32(page + _protected_start() - _code_start())
    block.protected_selector = CODE_32
    block.long_offset = u32(page + _long_start() - _code_start())
    block.long_selector = CODE_64
    return block


@asm_x64
def _code_start() -> u64:
    raw("lea rax, [rip + processor_start]")


@asm_x64
def _protected_start() -> u64:
    raw("lea rax, [rip + processor_protected]")


@asm_x64
def _long_start() -> u64:
    raw("lea rax, [rip + processor_long]")


@asm_x64
def _code_end() -> u64:
    raw("lea rax, [rip + processor_start_end]")


assert sizeof(StartBlock) < PAGE_BYTES - BLOCK_OFFSET
