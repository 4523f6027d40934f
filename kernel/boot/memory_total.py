"""How much memory the machine has, as its owner counts it.

Pure: tested on the host. The map's usable parts add up to less than what is plugged in, because firmware keeps some:
holes of less than 16 MiB between two parts count as memory, and each stretch is counted in whole MiB.
"""
from boot.limine.protocol import (
    MEMORY_ACPI_NVS,
    MEMORY_ACPI_RECLAIMABLE,
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_USABLE,
    MemoryMapEntry,
)
from compiler.prelude import const, span, u64
from kernel.memory_map import MEBIBYTE

_FIRMWARE_HOLE = const(16 * MEBIBYTE)


def memory_total_mebibytes(regions: span[MemoryMapEntry]) -> u64:
    """Requires: regions in ascending order."""
    total: u64 = 0
    start: u64 = 0
    end: u64 = 0
    for index in range(len(regions)):
        if not _is_memory(regions[index].kind):
            continue
        if regions[index].base > end + _FIRMWARE_HOLE:
            total += _mebibytes(start, end)
            start = regions[index].base
        end = max(end, regions[index].base + regions[index].length)
    return total + _mebibytes(start, end)


def _mebibytes(start: u64, end: u64) -> u64:
    return (end + MEBIBYTE - 1) // MEBIBYTE - start // MEBIBYTE


def _is_memory(kind: u64) -> bool:
    return (
        kind == MEMORY_USABLE
        or kind == MEMORY_ACPI_RECLAIMABLE
        or kind == MEMORY_ACPI_NVS
        or kind == MEMORY_BOOTLOADER_RECLAIMABLE
        or kind == MEMORY_EXECUTABLE_AND_MODULES
    )
