"""The local APIC of the boot processor, in xAPIC or x2APIC mode, as far as starting other processors needs it.

Source: SDM vol 3, 11.6.1 (interrupt command register), 11.12 (x2APIC).
"""
from boot.core.processor_features import has_x2apic
from compiler.prelude import const, mem32, u32, u64
from kernel.arch.x86_64 import registers

ID_REGISTER = const(0x20)
COMMAND_LOW = const(0x300)
COMMAND_HIGH = const(0x310)
DELIVERY_PENDING = const(1 << 12)
COMMAND_INIT = const(0x4500)            # assert, edge
COMMAND_STARTUP = const(0x4600)
DELIVERY_READS = const(1000000)


def is_enabled() -> bool:
    return (registers.read_msr(registers.MSR_APIC_BASE) & registers.APIC_BASE_ENABLED) != 0


def is_x2apic() -> bool:
    return (registers.read_msr(registers.MSR_APIC_BASE) & registers.APIC_BASE_X2APIC) != 0


def enter_x2apic() -> bool:
    """Switches this processor's APIC to x2APIC mode where it can. Returns whether it is in that mode."""
    if not has_x2apic():
        return False
    if not is_x2apic():
        base = registers.read_msr(registers.MSR_APIC_BASE)
        registers.write_msr(registers.MSR_APIC_BASE, base | registers.APIC_BASE_X2APIC)
    return True


def read_id() -> u32:
    if is_x2apic():
        return u32(registers.read_msr(registers.MSR_X2APIC + (ID_REGISTER >> 4)))
    return mem32[_base() + ID_REGISTER] >> 24


def send_init(apic_id: u32) -> None:
    _send(apic_id, COMMAND_INIT)


def send_startup(apic_id: u32, page: u64) -> None:
    """The processor begins in real mode at the physical page `page`, which lies below 1 MiB."""
    _send(apic_id, COMMAND_STARTUP | u32(page >> 12))


def _send(apic_id: u32, command: u32) -> None:
    if is_x2apic():
        registers.write_msr(registers.MSR_X2APIC + (COMMAND_LOW >> 4), (u64(apic_id) << 32) | u64(command))
        return
    mem32[_base() + COMMAND_HIGH] = apic_id << 24
    mem32[_base() + COMMAND_LOW] = command
    for _read in range(DELIVERY_READS):
        if (mem32[_base() + COMMAND_LOW] & DELIVERY_PENDING) == 0:
            return


def _base() -> u64:
    return registers.read_msr(registers.MSR_APIC_BASE) & registers.APIC_BASE_ADDRESS
