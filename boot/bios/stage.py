"""The real-mode stage: BIOS calls that must happen before the processor leaves real mode.

Loaded at STAGE_BASE by the BIOS from a CD (El Torito, no emulation) or by the master boot record from a disk.
Order: 64-bit check, A20, loader and archive into high memory, memory map, video mode, 32-bit entry of the loader.
Source: Phoenix EDD 1.1 (int 13 extensions), ACPI 6.5 15.1 (E820), VBE 3.0; el Torito 1.0.
Every failure is said on the screen and on COM1, then the machine stops.
"""
from boot.bios.facts import (  # noqa: F401 - named in the assembler text
    BOUNCE_BASE,
    BOUNCE_UNITS,
    FONT_BASE,
    FONT_WORDS,
    HANDOFF_BASE,
    HANDOFF_MAGIC,
    MAP_BASE,
    MAP_ENTRY_BYTES,
    MAP_LARGEST_COUNT,
    MODE_INFO_BASE,
    SECTOR_SHIFT_OFFSET,
    STAGE_BASE,
    TABLE_OFFSET,
    TRIAL_INFO_BASE,
    VIDEO_INFO_BASE,
)
from compiler.prelude import asm_block, const
from kernel.arch.x86_64.uart import COM1, LINE_STATUS, TRANSMITTER_EMPTY  # noqa: F401 - likewise

BOUNCE_SEGMENT = const(BOUNCE_BASE >> 4)
UNIT_SHIFT = const(9)
BOUNCE_BYTES = const(BOUNCE_UNITS << UNIT_SHIFT)
TABLE = const(STAGE_BASE + TABLE_OFFSET)
SHIFT = const(STAGE_BASE + SECTOR_SHIFT_OFFSET)
LARGEST_AREA = const(1024 * 768)
MEMORY_MAP_MARK = const(0x534D4150)     # "SMAP"
LINEAR_GRAPHICS = const(0x91)           # mode attributes: supported, graphics, linear framebuffer

asm_block("""
    .section .text.stage, "ax", @progbits
    .code16
    .globl _start
_start:
    jmp begin
    .org _start + {SECTOR_SHIFT_OFFSET}
    .byte 2
    .org _start + {TABLE_OFFSET}
table_entry:    .long 0
table_loader:   .long 0, 0, 0
table_archive:  .long 0, 0, 0
table_bytes:    .long 0

begin:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl ${STAGE_BASE}, %esp
    sti
    ljmp $0, $at_zero
at_zero:
    movb %dl, drive
    call check_processor
    call open_a20
    movw $table_loader, %si
    call load
    movw $table_archive, %si
    call load
    call read_memory_map
    call copy_font
    call set_video_mode
    call fill_handoff
    cli
    lgdtl flat_gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $protected

check_processor:
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $0x200000, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    je 1f
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb 1f
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc 1f
    ret
1:  movw $text_processor, %si
    jmp fail

open_a20:
    call test_a20
    jne 9f
    movw $0x2401, %ax
    int $0x15
    call test_a20
    jne 9f
    inb $0x92, %al
    orb $2, %al
    andb $0xFE, %al
    outb %al, $0x92
    call test_a20
    jne 9f
    call wait_keyboard
    movb $0xD1, %al
    outb %al, $0x64
    call wait_keyboard
    movb $0xDF, %al
    outb %al, $0x60
    call wait_keyboard
    movw $0xFFFF, %cx
1:  call test_a20
    jne 9f
    loop 1b
    movw $text_a20, %si
    jmp fail
9:  ret

wait_keyboard:
    movw $0xFFFF, %cx
1:  inb $0x64, %al
    testb $2, %al
    loopnz 1b
    ret

# Not equal when address 0x100500 is not 0x500.
test_a20:
    pushw %ds
    pushw %cx
    xorw %ax, %ax
    movw %ax, %ds
    decw %ax
    movw %ax, %fs
    movw $0x500, %di
    movw $0x510, %bx
    movb (%di), %cl
    movb %fs:(%bx), %ch
    movb $0, (%di)
    movb $0xFF, %fs:(%bx)
    cmpb $0xFF, (%di)
    movb %ch, %fs:(%bx)
    movb %cl, (%di)
    popw %cx
    popw %ds
    ret

# si: three words, first unit, number of units, address. A BIOS that fails at large pieces gets single sectors.
load:
    movl (%si), %ebx
    movl 4(%si), %ebp
    movl 8(%si), %edi
1:  testl %ebp, %ebp
    jz 9f
    movb {SHIFT}, %cl
    movl %ebx, %eax
    shrl %cl, %eax
    movl %eax, packet_sector
    movl piece_units, %eax
    shrw %cl, %ax
    movw %ax, packet_count
    movl ${BOUNCE_SEGMENT} << 16, packet_buffer
    movb drive, %dl
    movb $0x42, %ah
    pushl %ebx
    pushl %ebp
    pushl %edi
    movw $packet, %si
    int $0x13
    popl %edi
    popl %ebp
    popl %ebx
    jc 2f
    call copy_high
    movl piece_units, %eax
    addl %eax, %ebx
    subl %eax, %ebp
    pushfw
    shll ${UNIT_SHIFT}, %eax
    addl %eax, %edi
    popfw
    jnc 1b
9:  ret
2:  movb {SHIFT}, %cl
    movl $1, %eax
    shll %cl, %eax
    cmpl %eax, piece_units
    je 3f
    movl %eax, piece_units
    jmp 1b
3:  movw $text_read, %si
    jmp fail

# Copies the bounce buffer to edi: segment limits of 4 GiB outlive the short visit to protected mode.
copy_high:
    cli
    pushw %ds
    pushw %es
    pushl %edi
    lgdtl flat_gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    jmp 1f
1:  movw $16, %cx
    movw %cx, %ds
    movw %cx, %es
    andb $0xFE, %al
    movl %eax, %cr0
    jmp 2f
2:  xorw %cx, %cx
    movw %cx, %ds
    movw %cx, %es
    movl ${BOUNCE_BASE}, %esi
    movl ${BOUNCE_BYTES} / 4, %ecx
    cld
    .byte 0x67                          # 32-bit addresses
    rep movsl
    popl %edi
    popw %es
    popw %ds
    sti
    ret

read_memory_map:
    xorl %ebx, %ebx
    movw ${MAP_BASE}, %di
1:  movl $1, 20(%di)
    movl $0xE820, %eax
    movl ${MEMORY_MAP_MARK}, %edx
    movl ${MAP_ENTRY_BYTES}, %ecx
    pushw %di
    int $0x15
    popw %di
    jc 2f
    cmpl ${MEMORY_MAP_MARK}, %eax
    jne 2f
    incw map_count
    addw ${MAP_ENTRY_BYTES}, %di
    cmpw ${MAP_LARGEST_COUNT}, map_count
    je 3f
    testl %ebx, %ebx
    jnz 1b
2:  cmpw $0, map_count
    je 4f
3:  ret
4:  movw $text_map, %si
    jmp fail

# The largest mode up to 1024 x 768 with 32 bits a pixel; without one there is no framebuffer.
set_video_mode:
    movl $0x32454256, {VIDEO_INFO_BASE}
    movw ${VIDEO_INFO_BASE}, %di
    movw $0x4F00, %ax
    int $0x10
    cmpw $0x004F, %ax
    jne 9f
    lfsw {VIDEO_INFO_BASE} + 14, %si
1:  movw %fs:(%si), %cx
    addw $2, %si
    cmpw $0xFFFF, %cx
    je 5f
    movw ${TRIAL_INFO_BASE}, %di
    pushw %si
    pushw %cx
    pushw %fs
    movw $0x4F01, %ax
    int $0x10
    popw %fs
    popw %cx
    popw %si
    cmpw $0x004F, %ax
    jne 1b
    movb {TRIAL_INFO_BASE}, %al
    andb ${LINEAR_GRAPHICS}, %al
    cmpb ${LINEAR_GRAPHICS}, %al
    jne 1b
    cmpb $32, {TRIAL_INFO_BASE} + 25
    jne 1b
    movzwl {TRIAL_INFO_BASE} + 18, %eax
    movzwl {TRIAL_INFO_BASE} + 20, %edx
    imull %edx, %eax
    cmpl ${LARGEST_AREA}, %eax
    ja 1b
    cmpl best_area, %eax
    jbe 1b
    movl %eax, best_area
    movw %cx, best_mode
    jmp 1b
5:  movw best_mode, %cx
    testw %cx, %cx
    jz 9f
    movw ${MODE_INFO_BASE}, %di
    movw $0x4F01, %ax
    int $0x10
    movw best_mode, %bx
    orw $0x4000, %bx
    movw $0x4F02, %ax
    int $0x10
    cmpw $0x004F, %ax
    jne 9f
    movw $1, has_mode
9:  ret

fill_handoff:
    movw ${HANDOFF_BASE}, %di
    movl ${HANDOFF_MAGIC}, (%di)
    movzwl map_count, %eax
    movl %eax, 4(%di)
    movl table_archive + 8, %eax
    movl %eax, 8(%di)
    movl table_bytes, %eax
    movl %eax, 12(%di)
    movzwl has_mode, %eax
    movl %eax, 16(%di)
    movzwl {VIDEO_INFO_BASE} + 4, %eax
    movl %eax, 20(%di)
    ret

# The firmware's own font outlives its text mode in a copy.
copy_font:
    movw $0x1130, %ax
    movb $6, %bh
    int $0x10
    pushw %ds
    movw %es, %ax
    movw %ax, %ds
    movw %bp, %si
    xorw %ax, %ax
    movw %ax, %es
    movw ${FONT_BASE}, %di
    movw ${FONT_WORDS}, %cx
    rep movsw
    popw %ds
    ret

# si: zero-terminated text.
fail:
    pushw %si
    movw $text_error, %si
    call say
    popw %si
    call say
    movw $text_stopped, %si
    call say
1:  cli
    hlt
    jmp 1b

say:
    lodsb
    testb %al, %al
    jz 9f
    pushw %si
    movb %al, %cl
    movb $0x0E, %ah
    movw $7, %bx
    int $0x10
    movw ${LINE_STATUS}, %dx
    movw $0xFFFF, %si
1:  inb %dx, %al
    testb ${TRANSMITTER_EMPTY}, %al
    jnz 2f
    decw %si
    jnz 1b
2:  movw ${COM1}, %dx
    movb %cl, %al
    outb %al, %dx
    outb %al, $0xE9
    popw %si
    jmp say
9:  ret

    .code32
protected:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl ${HANDOFF_BASE}, %ebx
    jmpl *table_entry

    .balign 8
flat_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF
    .quad 0x00CF93000000FFFF
flat_gdt_pointer:
    .short 23
    .long flat_gdt
packet:
    .short 16
packet_count:   .short 0
packet_buffer:  .long 0
packet_sector:  .long 0, 0
drive:          .byte 0
    .balign 2
map_count:      .short 0
best_mode:      .short 0
has_mode:       .short 0
best_area:      .long 0
piece_units:    .long {BOUNCE_UNITS}
text_error:     .asciz "\\r\\nloader: error: "
text_stopped:   .asciz "\\r\\nloader: stopped\\r\\n"
text_processor: .asciz "this processor has no 64-bit mode"
text_a20:       .asciz "address line 20 stays closed"
text_read:      .asciz "the boot medium cannot be read"
text_map:       .asciz "the BIOS tells no memory map (int 15, E820)"
    .code64
    .text
""")
