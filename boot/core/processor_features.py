"""What the processor can do, as far as the loader must know before it touches a register."""
from boot.core import machine
from compiler.prelude import addr, array, ptr, u32, zeroed


def has_no_execute() -> bool:
    return (_cpuid_word(machine.CPUID_EXTENDED, 3) & machine.EXTENDED_EDX_NO_EXECUTE) != 0


def has_local_apic() -> bool:
    return (_cpuid_word(machine.CPUID_FEATURES, 3) & machine.FEATURE_EDX_APIC) != 0


def has_x2apic() -> bool:
    return (_cpuid_word(machine.CPUID_FEATURES, 2) & machine.FEATURE_ECX_X2APIC) != 0


def has_mtrr() -> bool:
    return (_cpuid_word(machine.CPUID_FEATURES, 3) & machine.FEATURE_EDX_MTRR) != 0


def _cpuid_word(leaf: u32, word: u32) -> u32:
    words: array[u32, 4] = zeroed()
    machine.read_cpuid(leaf, 0, ptr[u32](addr(words)))
    return words[word]
