"""What the processor tells of its time stamp counter.

Source: SDM vol 3, 17.17 (time stamp counter, invariance); vol 2, CPUID 1, 15H and 80000007H.
"""
from compiler.prelude import addr, const, copy, u32, u64
from kernel.arch.x86_64.registers import CPUID_FEATURES, CpuidResult, has_bit, read_cpuid

_LEAF_RATE = const(0x15)
_LEAF_EXTENDED = const(0x8000_0000)
_LEAF_POWER = const(0x8000_0007)
_DEADLINE_BIT = const(24)
_EMULATED_BIT = const(31)
_INVARIANT_BIT = const(8)


def told_hz() -> u64:
    """Its rate; 0 when the processor does not tell."""
    if _read(0).eax < _LEAF_RATE:
        return 0
    answer = _read(_LEAF_RATE)
    if answer.eax == 0 or answer.ebx == 0 or answer.ecx == 0:
        return 0
    return u64(answer.ecx) * u64(answer.ebx) // u64(answer.eax)


def is_invariant() -> bool:
    """Whether it counts at one rate whatever the processor does to save power."""
    return _read(_LEAF_EXTENDED).eax >= _LEAF_POWER and has_bit(_read(_LEAF_POWER).edx, _INVARIANT_BIT)


def is_emulated() -> bool:
    """Whether a hypervisor or an emulator counts, which saves no power by it."""
    return has_bit(_read(CPUID_FEATURES).ecx, _EMULATED_BIT)


def has_deadlines() -> bool:
    """Whether the local APIC can interrupt at a value of the counter."""
    return has_bit(_read(CPUID_FEATURES).ecx, _DEADLINE_BIT)


def _read(leaf: u32) -> CpuidResult:
    answer = CpuidResult()
    read_cpuid(leaf, 0, addr(answer))
    return copy(answer)
