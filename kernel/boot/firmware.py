"""What the kernel takes from the firmware's tables when it starts: power, timers, interrupt controllers."""
from boot.core.acpi import pm_timer_port
from boot.core.fields import u16_at, u32_at
from compiler.prelude import addr, span, u8, u32, u64
from kernel.arch.x86_64 import acpi, ioapic, paging, power, reference_clock
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.boot.firmware_tables import find_table, find_tables, map_table
from kernel.core import log
from kernel.memory import kernel_space


def read_firmware() -> str:
    problem = find_tables()
    if len(problem) != 0:
        return problem
    fadt = find_table(b"FACP")
    hpet = find_table(b"HPET")
    acpi.read_power_registers(fadt, addr(power.registers))
    _find_soft_off()
    _map_reset_register()
    reference_clock.pm_timer_port = pm_timer_port(fadt)
    _map_hpet(acpi.hpet_address(hpet))
    _find_io_apics(find_table(b"APIC"))
    segments = acpi.pci_segment_count(find_table(b"MCFG"))
    domains = acpi.memory_domain_count(find_table(b"SRAT"))
    if log.HAS_DEBUG:
        log.debug(f"boot: firmware tells of {segments} mapped PCI segments, {domains} memory domains")
    return ""


def _find_soft_off() -> None:
    if power.registers.dsdt == 0:
        return
    has_soft_off, sleep_types = acpi.find_soft_off(map_table(power.registers.dsdt))
    if has_soft_off:
        power.set_soft_off(sleep_types)
    else:
        log.warn("boot: the firmware does not tell how to turn the machine off")


def _map_reset_register() -> None:
    if power.registers.reset_memory != 0:
        place = _map_register(power.registers.reset_memory)
        if place != 0:
            power.set_reset_register(place)


def _find_io_apics(madt: span[u8]) -> None:
    at = acpi.next_entry(madt, acpi.MADT_ENTRIES, acpi.MADT_IO_APIC, acpi.MADT_IO_APIC_BYTES)
    while at != 0:
        place = _map_register(u64(u32_at(madt, at + 4)))
        if place != 0:
            ioapic.add(place, u32_at(madt, at + 8))
        at += acpi.entry_bytes(madt, at)
        at = acpi.next_entry(madt, at, acpi.MADT_IO_APIC, acpi.MADT_IO_APIC_BYTES)
    at = acpi.next_entry(madt, acpi.MADT_ENTRIES, acpi.MADT_OVERRIDE, acpi.MADT_OVERRIDE_BYTES)
    while at != 0:
        ioapic.override(madt[at + 3], u32_at(madt, at + 4), u32(u16_at(madt, at + 8)))
        at += acpi.entry_bytes(madt, at)
        at = acpi.next_entry(madt, at, acpi.MADT_OVERRIDE, acpi.MADT_OVERRIDE_BYTES)


def _map_hpet(address: u64) -> None:
    if address != 0:
        reference_clock.hpet = _map_register(address)


def _map_register(address: u64) -> u64:
    """The page with a register; what reaches over its end is not used."""
    offset = address & (PAGE_BYTES - 1)
    place = kernel_space.map_hardware(address - offset, PAGE_BYTES, paging.DEVICE)
    return place + offset if place != 0 else u64(0)
