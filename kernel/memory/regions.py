"""The memory map put in order: sorted, without overlaps, in whole pages.

Firmware lists regions in any order and lets them overlap. Where several say something about a page, the most cautious
wins: memory is usable only where everybody says so.
Pure: tested on the host against a plain model.
"""
from boot.limine.protocol import (
    MEMORY_ACPI_NVS,
    MEMORY_ACPI_RECLAIMABLE,
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_FRAMEBUFFER,
    MEMORY_RESERVED,
    MEMORY_USABLE,
    MemoryMapEntry,
)
from compiler.prelude import addr, array, const, span, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.config import MEMORY_REGION_LIMIT

TOO_MANY = const(0xFFFF_FFFF_FFFF_FFFF)

_ADDRESS_END = const(1 << 52)           # of physical addresses (SDM vol 3, 4.1.4)
_NOBODY = const(0)
_UNKNOWN = const(8)                     # bad memory, and kinds that later revisions of the protocol may add

_least_cautious_first: array[u64, 7] = array(
    MEMORY_USABLE,
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_ACPI_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_FRAMEBUFFER,
    MEMORY_ACPI_NVS,
    MEMORY_RESERVED,
)
_edges: array[u64, 2 * MEMORY_REGION_LIMIT] = zeroed()


def put_in_order(given: span[MemoryMapEntry], ordered: span[MemoryMapEntry]) -> u64:
    """Writes what `given` amounts to, lowest address first. Returns how many regions that are, or TOO_MANY."""
    edge_count: u64 = 0
    for index in range(len(given)):
        if _start(given, u64(index)) < _end(given, u64(index)):
            _insert_edge(_start(given, u64(index)), edge_count)
            _insert_edge(_end(given, u64(index)), edge_count + 1)
            edge_count += 2
    count: u64 = 0
    for number in range(u64(1), edge_count):
        start = _edges[number - 1]
        end = _edges[number]
        if start == end:
            continue
        kind, is_covered = _kind_between(given, start, end)
        if not is_covered:
            continue
        if count != 0 and ordered[count - 1].kind == kind and _end(ordered, count - 1) == start:
            ordered[count - 1].length += end - start
        elif count == u64(len(ordered)):
            return TOO_MANY
        else:
            ordered[count] = MemoryMapEntry(base=start, length=end - start, kind=kind)
            count += 1
    return count


def _insert_edge(edge: u64, count: u64) -> None:
    place = count
    while place != 0 and _edges[place - 1] > edge:
        _edges[place] = _edges[place - 1]
        place -= 1
    _edges[place] = edge


def _kind_between(given: span[MemoryMapEntry], start: u64, end: u64) -> tuple[u64, bool]:
    """The most cautious kind of the regions that cover the pages, and whether there is one."""
    kind: u64 = MEMORY_USABLE
    caution: u64 = _NOBODY
    for index in range(len(given)):
        if _start(given, u64(index)) <= start and end <= _end(given, u64(index)):
            here = _caution(given[index].kind)
            if here > caution:
                kind = given[index].kind
                caution = here
    return kind, caution != _NOBODY


def _caution(kind: u64) -> u64:
    for place in range(len(_least_cautious_first)):
        if _least_cautious_first[place] == kind:
            return u64(place) + 1
    return _UNKNOWN


def _start(regions: span[MemoryMapEntry], index: u64) -> u64:
    """Memory loses the pages that it has in part, everything else gains them."""
    region = addr(regions[index])
    base = min(region.base, _ADDRESS_END)
    if region.kind == MEMORY_USABLE or region.kind == MEMORY_BOOTLOADER_RECLAIMABLE:
        base += PAGE_BYTES - 1
    return base & ~u64(PAGE_BYTES - 1)


def _end(regions: span[MemoryMapEntry], index: u64) -> u64:
    region = addr(regions[index])
    if region.length == 0:
        return 0
    base = min(region.base, _ADDRESS_END)
    end = base + min(region.length, _ADDRESS_END - base)
    if region.kind != MEMORY_USABLE and region.kind != MEMORY_BOOTLOADER_RECLAIMABLE:
        end += PAGE_BYTES - 1
    return end & ~u64(PAGE_BYTES - 1)
