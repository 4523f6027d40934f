"""The state of a processor when the kernel gets it, saved by the first instructions and checked later."""
from boot.core import cache_types, local_apic
from boot.core.processor_features import has_local_apic, has_no_execute, has_x2apic
from compiler.prelude import addr, asm_x64, const, mem64, ptr, struct, u16, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import registers

REGISTERS = const(15)                   # all but rsp
FLAGS = const(15)
STACK = const(16)
CODE_SELECTOR = const(17)
DATA_SELECTORS = const(18)              # ds, es, fs, gs, ss
WORDS = const(23)
INTERRUPT_FLAG = const(1 << 9)
DIRECTION_FLAG = const(1 << 10)
PAT_FIXED_MASK = const(0x0000FFFFFFFFFFFF)


@struct(packed=True)
class TablePointer:
    limit: u16
    base: u64


def registers_are_zero(words: ptr[u64], first: u64) -> bool:
    """rdi is word 0: a second processor gets an argument there and begins at word 1."""
    for index in range(first, u64(REGISTERS)):
        if words[index] != 0:
            return False
    return True


def flags_are_clear(words: ptr[u64]) -> bool:
    return (words[FLAGS] & (INTERRUPT_FLAG | DIRECTION_FLAG)) == 0


def stack_is_good(words: ptr[u64]) -> bool:
    """As behind a call: a zero return address on an aligned stack."""
    return words[STACK] % 16 == 8 and mem64[words[STACK]] == 0


def selectors_are_right(words: ptr[u64]) -> bool:
    if words[CODE_SELECTOR] != 0x28:
        return False
    for index in range(u64(5)):
        if words[DATA_SELECTORS + index] != 0x30:
            return False
    return True


def control_registers_are_right() -> bool:
    """Paging, write protection, four levels, no-execute where there is such a thing."""
    needed: u64 = 0x80010001
    if (registers.read_cr0() & needed) != needed:
        return False
    if (registers.read_cr4() & registers.CR4_PHYSICAL_ADDRESS_EXTENSION) == 0:
        return False
    if (registers.read_cr4() & registers.CR4_FIVE_LEVELS) != 0:
        return False
    return not has_no_execute() or (registers.read_msr(registers.MSR_EFER) & registers.EFER_NO_EXECUTE) != 0


def pat_is_right() -> bool:
    return (registers.read_msr(registers.MSR_PAT) & PAT_FIXED_MASK) == (cache_types.PAT_VALUE & PAT_FIXED_MASK)


def x2apic_is_right(flags: u64) -> bool:
    """The mode is on exactly where the loader said so, and it said so exactly where the processor can."""
    if not has_local_apic():
        return (flags & 1) == 0
    is_on = local_apic.is_x2apic()
    return is_on == ((flags & 1) != 0) and is_on == has_x2apic()


def descriptors_are_right(direct_map: u64) -> bool:
    """The seven descriptors of the protocol, in the direct map."""
    pointer = TablePointer(limit=0, base=0)
    _store_gdt(addr(pointer))
    if pointer.limit < 55 or pointer.base < direct_map:
        return False
    return (
        mem64[pointer.base] == 0
        and _is_segment(mem64[pointer.base + 8], 0x9A, 0x0)
        and _is_segment(mem64[pointer.base + 16], 0x92, 0x0)
        and _is_segment(mem64[pointer.base + 24], 0x9A, 0xC)
        and _is_segment(mem64[pointer.base + 32], 0x92, 0xC)
        and _is_segment(mem64[pointer.base + 40], 0x9A, 0x2)
        and _is_segment(mem64[pointer.base + 48], 0x92, 0x0)
    )


def _is_segment(descriptor: u64, access: u64, flags: u64) -> bool:
    if ((descriptor >> 40) & 0xFE) != access:
        return False
    if access == 0x92 and flags == 0:
        return True                     # the default size of 16-bit and 64-bit data means nothing
    return ((descriptor >> 52) & 0xE) == (flags & 0xE)


@asm_x64
def _store_gdt(pointer: ptr[TablePointer]) -> None:
    sgdt([rdi])
