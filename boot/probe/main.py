"""A guest that tells whether the machine below it really works: tools/kvm.py boots it under KVM.

It does what a virtualisation that is itself emulated was seen to fail at or to take very long for, then ends QEMU
through isa-debug-exit, with success or failure. It prints nothing.
"""

from typing import NoReturn

from boot.core import local_apic
from boot.core.departure import CODE_64
from boot.direct import entry  # noqa: F401 - the code that calls _start
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    const,
    export,
    mem16,
    memory_copy,
    naked,
    panic_handler,
    ptr,
    sizeof,
    spin_hint,
    struct,
    u8,
    u16,
    u32,
    u64,
    volatile,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import registers

EXIT_PORT = const(0xF4)
SUCCESS = const(0x10)
FAILURE = const(0x11)

BREAKPOINT = const(3)
INTERRUPT_GATE = const(0x8E00)
CR4_VECTORS = const(0x600)              # OSFXSR, OSXMMEXCPT
TURNS = const(10_000_000)

SECOND_PROCESSOR = const(1)             # its APIC ID: QEMU counts them from 0
START_PAGE = const(0x7000)
START_COUNT = const(START_PAGE + 16)
LONGEST_WAIT_READS = const(100_000_000)


@struct
class Gate:
    offset_low: u16
    selector: u16
    kind: u32
    offset_high: u64


@struct(packed=True)
class TablePointer:
    limit: u16
    base: u64


# cli; lock inc word ptr cs:[16]; again: hlt; jmp again
_start_code: array[u8, 10] = array((0xFA, 0x2E, 0xF0, 0xFF, 0x06, 0x10, 0x00, 0xF4, 0xEB, 0xFD))
_table: array[Gate, BREAKPOINT + 1] = zeroed(align=16)
_breakpoint_seen: volatile[u32] = 0
_swapped: array[u64, 2] = zeroed(align=16)


@export("_start")
def probe(info: u64) -> NoReturn:
    _ = info
    works = breakpoint_returns() and swap_works() and vectors_work() and second_processor_starts()
    count_down(TURNS)
    end(SUCCESS if works else FAILURE)


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    _ = message, file, line
    end(FAILURE)


def end(verdict: u8) -> NoReturn:
    registers.out8(EXIT_PORT, verdict)
    while True:
        registers.disable_interrupts()
        registers.halt()


def breakpoint_returns() -> bool:
    handler = u64(on_breakpoint)
    middle = u32(handler) & 0xFFFF0000
    _table[BREAKPOINT] = Gate(offset_low=u16(handler), selector=CODE_64, kind=middle | INTERRUPT_GATE)
    pointer = TablePointer(limit=sizeof(Gate) * (BREAKPOINT + 1) - 1, base=u64(addr(_table)))
    load_table(addr(pointer))
    stop_here()
    return _breakpoint_seen == 1


def swap_works() -> bool:
    return swap_16_bytes(addr(_swapped[0])) == 1 and _swapped[0] == 1


def vectors_work() -> bool:
    registers.write_cr4(registers.read_cr4() | CR4_VECTORS)
    return through_vector(TURNS) == TURNS


def second_processor_starts() -> bool:
    mem16[START_COUNT] = 0
    memory_copy(ptr[u8](START_PAGE), addr(_start_code[0]), len(_start_code))
    local_apic.send_init(SECOND_PROCESSOR)
    count_down(TURNS)
    local_apic.send_startup(SECOND_PROCESSOR, START_PAGE)
    for _read in range(LONGEST_WAIT_READS):
        if mem16[START_COUNT] != 0:
            return True
        spin_hint()
    return False


@asm_x64
def load_table(pointer: ptr[TablePointer]) -> None:
    lidt([rdi])


@asm_x64
def stop_here() -> None:
    int3()


@naked
@asm_x64
def on_breakpoint() -> None:
    mov(dword[rip, _breakpoint_seen], 1)
    iretq()


@asm_x64
def swap_16_bytes(place: ptr[u64]) -> u8:
    """Replaces two words of 0 by 1 and 0. Returns 1 when they were 0."""
    xor(eax, eax)
    xor(edx, edx)
    mov(ebx, 1)
    xor(ecx, ecx)
    lock()
    cmpxchg16b([rdi])
    sete(al)


@asm_x64
def through_vector(value: u32) -> u32:
    fninit()
    movd(xmm0, edi)
    pxor(xmm1, xmm1)
    pxor(xmm0, xmm1)
    movd(eax, xmm0)


@asm_x64
def count_down(turns: u64) -> None:
    label("again")
    dec(rdi)
    jne("again")
