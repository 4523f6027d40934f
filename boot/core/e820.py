"""The BIOS's names for kinds of memory, which PVH uses too.

Source: ACPI 6.5, table 15.1 (address range types).
"""
from boot.limine import protocol
from compiler.prelude import u32, u64


def region_kind(kind: u32) -> u64:
    """The Limine kind for an address range type. Types that nobody knows are reserved."""
    match kind:
        case 1:
            return protocol.MEMORY_USABLE
        case 3:
            return protocol.MEMORY_ACPI_RECLAIMABLE
        case 4:
            return protocol.MEMORY_ACPI_NVS
        case 5:
            return protocol.MEMORY_BAD
        case _:
            return protocol.MEMORY_RESERVED
