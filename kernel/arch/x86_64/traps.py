"""Exception and interrupt vectors, and the gates that lead to them.

Owns: the interrupt descriptor table, one for all CPUs, complete before the first CPU loads it.
Source: SDM vol 3, 6.3 (vectors), 6.14 (64-bit gates).
"""
from compiler.prelude import addr, array, asm_x64, atomic, const, ptr, sizeof, struct, u8, u16, u32, u64, zeroed
from compiler.prelude.x64 import *
from kernel.arch.x86_64.entry import stub_address, system_call_door
from kernel.arch.x86_64.frame import KERNEL_CODE, KERNEL_DATA, USER_CODE
from kernel.arch.x86_64.gdt import TablePointer
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import (
    FLAGS_ALIGNMENT_CHECK,
    FLAGS_DIRECTION,
    FLAGS_INTERRUPT,
    FLAGS_IO_PRIVILEGE,
    FLAGS_NESTED_TASK,
    FLAGS_RESUME,
    FLAGS_TRAP,
    MSR_FMASK,
    MSR_LSTAR,
    MSR_STAR,
    write_msr,
)
from kernel.config import CPU_LIMIT

VECTORS = const(256)
DEBUG = const(1)
NMI = const(2)
BREAKPOINT = const(3)
NO_VECTOR_UNIT = const(7)
DOUBLE_FAULT = const(8)
PROTECTION = const(13)
PAGE_FAULT = const(14)
MACHINE_CHECK = const(18)
EXCEPTIONS = const(32)                  # vectors below are the processor's own
TIMER = const(253)                      # this CPU's APIC timer has reached its count
REQUEST = const(254)                    # another CPU has posted to the mailbox
SPURIOUS = const(255)

_INTERRUPT_GATE = const(0x8E)
_INTERRUPT_GATE_FOR_USERS = const(0xEE)
_SYSRET_BASE = const(USER_CODE - 16)


@struct
class Gate:
    offset_low: u16
    selector: u16
    stack: u8                           # 1-based number of the exception stack, 0 to stay on the current one
    kind: u8
    offset_middle: u16
    offset_high: u32
    reserved: u32


assert sizeof(Gate) == 16

gates: array[Gate, VECTORS] = zeroed(align=PAGE_BYTES)     # a page of their own: see isolation.py

nmis: array[atomic[u64], CPU_LIMIT] = zeroed()          # of each CPU, that nobody in the kernel has sent

_names: array[str, EXCEPTIONS] = array(
    "division by zero", "debug", "NMI", "breakpoint",
    "overflow", "bound", "invalid instruction", "no vector unit",
    "double fault", "vector 9", "invalid task state", "segment not present",
    "stack segment", "protection", "page fault", "vector 15",
    "x87 error", "misaligned access", "machine check", "SIMD error",
    "virtualisation", "control protection", "vector 22", "vector 23",
    "vector 24", "vector 25", "vector 26", "vector 27",
    "hypervisor", "VMM communication", "security", "vector 31",
)  # fmt: skip


def name_of(vector: u64) -> str:
    return _names[vector] if vector < EXCEPTIONS else "interrupt"


def build_gates() -> None:
    for vector in range(u64(VECTORS)):
        offset = stub_address(vector)
        gate = addr(gates[vector])
        gate.offset_low = u16(offset)
        gate.offset_middle = u16(offset >> 16)
        gate.offset_high = u32(offset >> 32)
        gate.selector = KERNEL_CODE
        gate.kind = _INTERRUPT_GATE_FOR_USERS if vector == BREAKPOINT else _INTERRUPT_GATE
        gate.stack = _stack_number(vector)


def load() -> None:
    """Points this CPU at the gates and at the door for system calls."""
    pointer = TablePointer(limit=sizeof(Gate) * VECTORS - 1, base=u64(addr(gates)))
    _load_gates(addr(pointer))
    write_msr(MSR_STAR, (u64(_SYSRET_BASE) << 48) | (u64(KERNEL_CODE) << 32))
    write_msr(MSR_LSTAR, u64(system_call_door))
    write_msr(
        MSR_FMASK,
        FLAGS_TRAP
        | FLAGS_INTERRUPT
        | FLAGS_DIRECTION
        | FLAGS_IO_PRIVILEGE
        | FLAGS_NESTED_TASK
        | FLAGS_RESUME
        | FLAGS_ALIGNMENT_CHECK,
    )


def _stack_number(vector: u64) -> u8:
    """The order of gdt.EXCEPTION_STACKS."""
    if vector == NMI:
        return 1
    if vector == DOUBLE_FAULT:
        return 2
    if vector == MACHINE_CHECK:
        return 3
    if vector == DEBUG:
        return 4
    return 0


@asm_x64
def _load_gates(pointer: ptr[TablePointer]) -> None:
    lidt([rdi])


assert KERNEL_DATA == KERNEL_CODE + 8
