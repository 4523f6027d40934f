"""Where QEMU enters the direct loader: 32-bit protected mode without paging, the start info's address in ebx.

Owns: the loader's stack and its identity map of the first 4 GiB, both in the image.
Source: x86/HVM direct boot ABI (PVH) of Xen: the entry point is named by an ELF note "Xen" of type 18.
"""
from boot.core.departure import CODE_64, DATA_64  # noqa: F401 - named in the assembler text
from compiler.prelude import asm_block, const
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES  # noqa: F401 - likewise
from kernel.arch.x86_64.registers import (  # noqa: F401 - likewise
    CPUID_EXTENDED_FEATURES,
    CR4_PHYSICAL_ADDRESS_EXTENSION,
    EFER_LONG_MODE,
    MSR_EFER,
)
from kernel.arch.x86_64.uart import COM1, LINE_STATUS, TRANSMITTER_EMPTY  # noqa: F401 - likewise

PVH_NOTE_TYPE = const(18)
STACK_BYTES = const(65536)
TABLE_BYTES = const(6 * PAGE_BYTES)   # one top table, one of pointers, four of 2 MiB pages
PRESENT_WRITABLE = const(3)
LARGE_PRESENT_WRITABLE = const(0x83)
CR0_RUN = const(0x80010011)             # paging, write protection, extension type, protection
LONG_MODE_BIT = const(29)               # of CPUID 80000001h, edx

asm_block("""
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, {PVH_NOTE_TYPE}
    .asciz "Xen"
    .long pvh_entry

    .bss
    .balign {PAGE_BYTES}
entry_tables:
    .skip {TABLE_BYTES}
entry_stack:
    .skip {STACK_BYTES}
entry_stack_top:

    .data
    .balign 8
entry_gdt:
    .quad 0, 0, 0, 0, 0
    .quad 0x00209B0000000000, 0x0000930000000000
entry_gdt_pointer:
    .short 55
    .long entry_gdt

    .text
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $entry_stack_top, %esp
    movl %ebx, %ebp
    movl $0x80000000, %eax
    cpuid
    cmpl ${CPUID_EXTENDED_FEATURES}, %eax
    jb no_long_mode
    movl ${CPUID_EXTENDED_FEATURES}, %eax
    cpuid
    btl ${LONG_MODE_BIT}, %edx
    jnc no_long_mode
    movl $(entry_tables + {PAGE_BYTES} + {PRESENT_WRITABLE}), entry_tables
    xorl %edx, %edx
    movl $(entry_tables + 2 * {PAGE_BYTES} + {PRESENT_WRITABLE}), %eax
1:  movl %eax, entry_tables + {PAGE_BYTES}(,%edx,8)
    addl ${PAGE_BYTES}, %eax
    incl %edx
    cmpl $4, %edx
    jne 1b
    xorl %edx, %edx
    movl ${LARGE_PRESENT_WRITABLE}, %eax
2:  movl %eax, entry_tables + 2 * {PAGE_BYTES}(,%edx,8)
    addl ${LARGE_PAGE_BYTES}, %eax
    incl %edx
    cmpl $2048, %edx
    jne 2b
    movl ${CR4_PHYSICAL_ADDRESS_EXTENSION}, %eax
    movl %eax, %cr4
    movl $entry_tables, %eax
    movl %eax, %cr3
    movl ${MSR_EFER}, %ecx
    rdmsr
    orl ${EFER_LONG_MODE}, %eax
    wrmsr
    lgdt entry_gdt_pointer
    movl ${CR0_RUN}, %eax
    movl %eax, %cr0
    ljmpl ${CODE_64}, $pvh_entry_long
no_long_mode:
    movl $no_long_mode_text, %esi
3:  lodsb
    testb %al, %al
    jz 5f
    movb %al, %ah
    movl $0x10000, %ecx
    movw ${LINE_STATUS}, %dx
4:  inb %dx, %al
    testb ${TRANSMITTER_EMPTY}, %al
    loopz 4b
    movb %ah, %al
    movw ${COM1}, %dx
    outb %al, %dx
    jmp 3b
5:  hlt
    jmp 5b
no_long_mode_text:
    .asciz "\\r\\nloader: error: this processor has no 64-bit mode\\r\\nloader: stopped\\r\\n"
    .code64
pvh_entry_long:
    movl ${DATA_64}, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl %ebp, %edi
    xorl %ebp, %ebp
    pushq $0
    jmp _start
""")
