"""The list of physical memory regions: sorted, page aligned, free of overlaps, and carved as memory is given out.

Pure: no hardware access, tested on the host.
Invariants (after normalise): entries ascend, do not overlap, begin and end on pages, are never empty, and
neighbours of one kind that touch are one entry. Where inputs overlap, the kind of higher rank wins.
Memory that nobody may use grows to whole pages, usable memory shrinks to them.
"""
from boot.core.rounding import round_down, round_up
from boot.limine.protocol import (
    MEMORY_ACPI_NVS,
    MEMORY_ACPI_RECLAIMABLE,
    MEMORY_BAD,
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_FRAMEBUFFER,
    MEMORY_USABLE,
    MemoryMapEntry,
)
from compiler.prelude import addr, array, const, copy, ptr, struct, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES

MAX_REGIONS = const(512)
HIGHEST_ADDRESS = const(1 << 52)        # SDM vol 3, 4.1.4: no processor has more physical address bits
NOBODY = const(0xFFFF)                  # the kind of addresses that no entry covers


@struct
class MemoryMap:
    regions: array[MemoryMapEntry, MAX_REGIONS]
    count: u64


_edges: array[u64, MAX_REGIONS * 2] = zeroed()
_result: array[MemoryMapEntry, MAX_REGIONS] = zeroed()


def append(memory: ptr[MemoryMap], base: u64, length: u64, kind: u64) -> bool:
    """Adds a region as the firmware tells it. Returns False when the map has no room for it."""
    if length == 0 or base >= HIGHEST_ADDRESS:
        return True
    if memory.count == MAX_REGIONS:
        return False
    memory.regions[memory.count].base = base
    memory.regions[memory.count].length = min(length, HIGHEST_ADDRESS - base)
    memory.regions[memory.count].kind = kind
    memory.count += 1
    return True


def carve(memory: ptr[MemoryMap], base: u64, length: u64, kind: u64) -> bool:
    """Gives a range the kind `kind` where that outranks what was there. Returns False when the map is full."""
    return append(memory, base, length, kind) and normalise(memory)


def normalise(memory: ptr[MemoryMap]) -> bool:
    """Establishes the invariants. Returns False, the map unchanged in meaning, when the result has no room."""
    edge_count = _collect_edges(memory)
    count: u64 = 0
    index: u64 = 0
    while index + 1 < edge_count:
        base = _edges[index]
        end = _edges[index + 1]
        kind = kind_of(memory, base)
        index += 1
        if base == end or kind == NOBODY:
            continue
        if count != 0 and _result[count - 1].kind == kind and _end_of(addr(_result[count - 1])) == base:
            _result[count - 1].length += end - base
            continue
        if count == MAX_REGIONS:
            return False
        _result[count].base = base
        _result[count].length = end - base
        _result[count].kind = kind
        count += 1
    for place in range(count):
        memory.regions[place] = copy(_result[place])
    memory.count = count
    return True


def kind_of(memory: ptr[MemoryMap], at: u64) -> u64:
    """The kind of highest rank that covers the page at `at`."""
    best: u64 = NOBODY
    for index in range(memory.count):
        base, end = _whole_pages(memory, index)
        if base <= at < end:
            kind = memory.regions[index].kind
            if best == NOBODY or _rank(kind) > _rank(best):
                best = kind
    return best


def find_room(memory: ptr[MemoryMap], length: u64, alignment: u64, limit: u64) -> u64:
    """The highest aligned address below `limit` at which `length` usable bytes begin; 0 when there is none.

    Requires: a normalised map.
    """
    index = memory.count
    while index != 0:
        index -= 1
        base = max(memory.regions[index].base, PAGE_BYTES)
        end = min(memory.regions[index].base + memory.regions[index].length, limit)
        if memory.regions[index].kind != MEMORY_USABLE or end < base or end - base < length:
            continue
        start = round_down(end - length, alignment)
        if start >= base:
            return start
    return 0


def bytes_of_kind(memory: ptr[MemoryMap], kind: u64) -> u64:
    total: u64 = 0
    for index in range(memory.count):
        if memory.regions[index].kind == kind:
            total += memory.regions[index].length
    return total


def _end_of(entry: ptr[MemoryMapEntry]) -> u64:
    return entry.base + entry.length


def next_run(memory: ptr[MemoryMap], start: u64, cached: bool) -> tuple[u64, u64]:
    """Base and end of the first stretch at or behind `start` that the direct map covers; 0, 0 when there is none.

    `cached` chooses memory, else framebuffers. Requires: a normalised map.
    """
    base: u64 = 0
    end: u64 = 0
    for index in range(memory.count):
        region_end = memory.regions[index].base + memory.regions[index].length
        if region_end <= start or not _is_covered(memory.regions[index].kind, cached):
            continue
        if end == 0:
            base = max(memory.regions[index].base, start)
            end = region_end
        elif memory.regions[index].base == end:
            end = region_end
        else:
            break
    return base, end


def _is_covered(kind: u64, cached: bool) -> bool:
    if not cached:
        return kind == MEMORY_FRAMEBUFFER
    return kind == MEMORY_USABLE or kind == MEMORY_BOOTLOADER_RECLAIMABLE or kind == MEMORY_EXECUTABLE_AND_MODULES


def _rank(kind: u64) -> u64:
    if kind == MEMORY_FRAMEBUFFER:
        return 7
    if kind == MEMORY_BAD:
        return 6
    if kind == MEMORY_ACPI_NVS:
        return 4
    if kind == MEMORY_ACPI_RECLAIMABLE:
        return 3
    if kind == MEMORY_EXECUTABLE_AND_MODULES:
        return 2
    if kind == MEMORY_BOOTLOADER_RECLAIMABLE:
        return 1
    if kind == MEMORY_USABLE:
        return 0
    return 5                            # reserved, and kinds that we do not know


def _whole_pages(memory: ptr[MemoryMap], index: u64) -> tuple[u64, u64]:
    base = memory.regions[index].base
    end = base + memory.regions[index].length
    if memory.regions[index].kind == MEMORY_USABLE:
        first = round_up(base, PAGE_BYTES)
        return first, max(first, round_down(end, PAGE_BYTES))
    return round_down(base, PAGE_BYTES), round_up(end, PAGE_BYTES)


def _collect_edges(memory: ptr[MemoryMap]) -> u64:
    """Fills _edges with the beginnings and ends of all regions in ascending order and returns their number."""
    count: u64 = 0
    for index in range(memory.count):
        base, end = _whole_pages(memory, index)
        if base < end:
            _insert_edge(count, base)
            _insert_edge(count + 1, end)
            count += 2
    return count


def _insert_edge(count: u64, edge: u64) -> None:
    place = count
    while place != 0 and _edges[place - 1] > edge:
        _edges[place] = _edges[place - 1]
        place -= 1
    _edges[place] = edge
