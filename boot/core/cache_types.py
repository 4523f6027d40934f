"""Memory types: the PAT of the Limine protocol on every processor, and the boot processor's MTRRs on all others.

The firmware is expected to have set all MTRRs alike; a processor whose registers differ is corrected.
Source: SDM vol 3, 12.11.7 (MTRR ranges), 12.11.8 (changing them), 12.12.4 (PAT).
"""
from boot.core.processor_features import has_mtrr
from compiler.prelude import array, const, u32, u64, zeroed
from kernel.arch.x86_64 import registers

PAT_VALUE = const(0x0007010500070406)   # WB, WT, UC-, UC, WP, WC, UC-, UC
MTRR_ENABLE = const(1 << 11)
MTRR_FIXED_SUPPORTED = const(1 << 8)
VARIABLE_COUNT_MASK = const(0xFF)
FIRST_VARIABLE = const(0x200)
MOST_REGISTERS = const(80)

_fixed: array[u32, 11] = array(0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F)
_registers: array[u32, MOST_REGISTERS] = zeroed()
_values: array[u64, MOST_REGISTERS] = zeroed()
_count: u64 = 0
_default_type: u64 = 0


def set_pat() -> None:
    registers.write_msr(registers.MSR_PAT, PAT_VALUE)


def remember_mtrrs() -> None:
    """On the boot processor, before others start."""
    global _default_type
    if not has_mtrr():
        return
    capabilities = registers.read_msr(registers.MSR_MTRR_CAPABILITIES)
    _default_type = registers.read_msr(registers.MSR_MTRR_DEFAULT_TYPE)
    if (capabilities & MTRR_FIXED_SUPPORTED) != 0:
        for register in _fixed:
            _remember(register)
    for index in range(u32((capabilities & VARIABLE_COUNT_MASK) * 2)):
        _remember(FIRST_VARIABLE + index)


def copy_mtrrs() -> None:
    """On another processor: makes its MTRRs those of the boot processor."""
    if not has_mtrr() or _are_equal():
        return
    cr0 = registers.read_cr0()
    registers.write_cr0((cr0 | registers.CR0_CACHE_DISABLE) & ~u64(registers.CR0_NOT_WRITE_THROUGH))
    registers.write_back_caches()
    registers.write_cr3(registers.read_cr3())
    registers.write_msr(registers.MSR_MTRR_DEFAULT_TYPE, _default_type & ~u64(MTRR_ENABLE))
    for index in range(_count):
        registers.write_msr(_registers[index], _values[index])
    registers.write_msr(registers.MSR_MTRR_DEFAULT_TYPE, _default_type)
    registers.write_back_caches()
    registers.write_cr3(registers.read_cr3())
    registers.write_cr0(cr0)


def _remember(register: u32) -> None:
    global _count
    if _count < MOST_REGISTERS:
        _registers[_count] = register
        _values[_count] = registers.read_msr(register)
        _count += 1


def _are_equal() -> bool:
    if registers.read_msr(registers.MSR_MTRR_DEFAULT_TYPE) != _default_type:
        return False
    for index in range(_count):
        if registers.read_msr(_registers[index]) != _values[index]:
            return False
    return True
