"""Device interrupts, silenced before the kernel runs: both legacy controllers and the lines of every I/O APIC.

Source: Limine protocol, machine state at entry; 82093AA data sheet.
"""
from boot.core.acpi import MADT_ENTRIES_OFFSET, next_io_apic
from compiler.prelude import const, mem32, span, u8, u32, u64
from kernel.arch.x86_64 import registers

WINDOW = const(0x10)
VERSION_REGISTER = const(1)
FIRST_LINE_REGISTER = const(0x10)
DELIVERY_MODE = const(0x700)
LOWEST_PRIORITY = const(0x100)
MASKED = const(1 << 16)


def mask_legacy_controllers() -> None:
    registers.out8(registers.PORT_PIC_MASTER_DATA, 0xFF)
    registers.out8(registers.PORT_PIC_SLAVE_DATA, 0xFF)


def mask_io_apics(madt: span[u8]) -> None:
    """Masks lines of fixed and lowest-priority delivery; others (NMI, SMI) stay as the firmware set them."""
    address, at = next_io_apic(madt, MADT_ENTRIES_OFFSET)
    while at != 0:
        line_count = ((_read(address, VERSION_REGISTER) >> 16) & 0xFF) + 1
        for line in range(line_count):
            register = FIRST_LINE_REGISTER + line * 2
            entry = _read(address, register)
            if (entry & DELIVERY_MODE) <= LOWEST_PRIORITY:
                _write(address, register, entry | MASKED)
        address, at = next_io_apic(madt, at)


def _read(address: u64, register: u32) -> u32:
    mem32[address] = register
    return mem32[address + WINDOW]


def _write(address: u64, register: u32, value: u32) -> None:
    mem32[address] = register
    mem32[address + WINDOW] = value
