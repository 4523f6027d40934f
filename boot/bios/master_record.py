"""The master boot record: 440 bytes that load the stage from a disk or stick and jump to it.

Moves itself out of the stage's way, reads the four sectors at MASTER_STAGE_OFFSET one by one, and tells the stage that
sectors have 512 bytes here. The partition table behind it belongs to the image builder.
"""
from boot.bios.facts import (  # noqa: F401 - named in the assembler text
    MASTER_BASE,
    MASTER_STAGE_OFFSET,
    SECTOR_SHIFT_OFFSET,
    STAGE_BASE,
    STAGE_BYTES,
    UNIT_BYTES,
)
from compiler.prelude import asm_block, const

STAGE_UNITS = const(STAGE_BYTES // UNIT_BYTES)
SHIFT = const(STAGE_BASE + SECTOR_SHIFT_OFFSET)

asm_block("""
    .section .text.stage, "ax", @progbits
    .code16
    .globl _start
_start:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw ${STAGE_BASE}, %sp
    movw ${STAGE_BASE}, %si
    movw ${MASTER_BASE}, %di
    movw $256, %cx
    rep movsw
    sti
    ljmp $0, $moved
moved:
    movb %dl, drive
    movw $0x55AA, %bx
    movb $0x41, %ah
    int $0x13
    jc 1f
    movl {MASTER_BASE} + {MASTER_STAGE_OFFSET}, %eax
    movl %eax, packet_sector
4:  movb drive, %dl
    movb $0x42, %ah
    movw $packet, %si
    int $0x13
    jc 1f
    incl packet_sector
    addw ${UNIT_BYTES}, packet_buffer
    decb left
    jnz 4b
    movb $0, {SHIFT}
    movb drive, %dl
    ljmp $0, ${STAGE_BASE}
1:  movw $text, %si
2:  lodsb
    testb %al, %al
    jz 3f
    movb $0x0E, %ah
    movw $7, %bx
    int $0x10
    jmp 2b
3:  hlt
    jmp 3b

    .balign 4
packet:
    .short 16, 1
packet_buffer:
    .short {STAGE_BASE}, 0
packet_sector:
    .long 0, 0
drive:  .byte 0
left:   .byte {STAGE_UNITS}
text:   .asciz "\\r\\nloader: error: the boot disk cannot be read"
    .code64
    .text
""")
