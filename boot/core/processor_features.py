"""What the processor can do, as far as the loader must know before it touches a register."""
from compiler.prelude import addr, copy, u32
from kernel.arch.x86_64.registers import CPUID_EXTENDED_FEATURES, CPUID_FEATURES, CpuidResult, has_bit, read_cpuid


def has_no_execute() -> bool:
    return has_bit(_features(CPUID_EXTENDED_FEATURES).edx, 20)


def has_local_apic() -> bool:
    return has_bit(_features(CPUID_FEATURES).edx, 9)


def has_x2apic() -> bool:
    return has_bit(_features(CPUID_FEATURES).ecx, 21)


def has_mtrr() -> bool:
    return has_bit(_features(CPUID_FEATURES).edx, 12)


def _features(leaf: u32) -> CpuidResult:
    answer = CpuidResult()
    read_cpuid(leaf, 0, addr(answer))
    return copy(answer)
