"""The loader's page tables, walked through the direct map, against the memory map."""
from boot.core.processor_features import has_no_execute
from boot.limine.protocol import (
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_FRAMEBUFFER,
    MEMORY_USABLE,
    MemoryMapEntry,
    MemoryMapResponse,
)
from compiler.prelude import asm_x64, const, mem64, ptr, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.pages import PAGE_BYTES as PAGE
from tests.boot.handoff_kernel import report

ADDRESS = const(0x000FFFFFFFFFF000)
PRESENT = const(1)
WRITABLE = const(2)
WRITE_THROUGH = const(8)
CACHE_DISABLE = const(16)
LARGE = const(128)
SMALL_PAT = const(128)
LARGE_PAT = const(4096)
NO_EXECUTE = const(1 << 63)
NOT_MAPPED = const(0)


def find_entry(direct_map: u64, virtual: u64) -> tuple[u64, bool]:
    """The last-level entry that maps an address, and whether it is a large one; 0 when it is not mapped."""
    table = registers.read_cr3() & ADDRESS
    for level in range(4):
        shift = u64(39 - level * 9)
        entry = mem64[direct_map + table + ((virtual >> shift) & 511) * 8]
        if (entry & PRESENT) == 0:
            return NOT_MAPPED, False
        if level == 3:
            return entry, False
        if (entry & LARGE) != 0 and level != 0:
            return entry, True
        table = entry & ADDRESS
    return NOT_MAPPED, False


def memory_type_index(entry: u64, is_large: bool) -> u64:
    """The PAT entry that a page uses."""
    pat: u64 = LARGE_PAT if is_large else SMALL_PAT
    index: u64 = 4 if (entry & pat) != 0 else 0
    if (entry & CACHE_DISABLE) != 0:
        index += 2
    return index + (1 if (entry & WRITE_THROUGH) != 0 else 0)


def entry_at(response: ptr[MemoryMapResponse], index: u64) -> ptr[MemoryMapEntry]:
    return ptr[MemoryMapEntry](mem64[response.entries + index * 8])


def map_is_sorted(response: ptr[MemoryMapResponse]) -> bool:
    last: u64 = 0
    for index in range(response.entry_count):
        if entry_at(response, index).base < last:
            return False
        last = entry_at(response, index).base
    return True


def owned_memory_is_separate(response: ptr[MemoryMapResponse]) -> bool:
    """Usable and loader-reclaimable entries are page aligned and overlap nothing."""
    for index in range(response.entry_count):
        entry = entry_at(response, index)
        if entry.kind != MEMORY_USABLE and entry.kind != MEMORY_BOOTLOADER_RECLAIMABLE:
            continue
        if entry.base % PAGE != 0 or entry.length % PAGE != 0 or entry.length == 0:
            return False
        for other_index in range(response.entry_count):
            other = entry_at(response, other_index)
            begins_before_end = other.base < entry.base + entry.length
            if other_index != index and begins_before_end and entry.base < other.base + other.length:
                return False
    return True


def direct_map_is_exact(response: ptr[MemoryMapResponse], direct_map: u64) -> bool:
    """Each entry's first and last page is mapped there if its kind may be, cached as its kind must be."""
    for index in range(response.entry_count):
        entry = entry_at(response, index)
        first = _page_is_right(entry, entry.base & ADDRESS, direct_map)
        last = _page_is_right(entry, (entry.base + entry.length - 1) & ADDRESS, direct_map)
        if not first or not last:
            report.note("region", entry.base)
            report.note("length", entry.length)
            report.note("kind", entry.kind)
            return False
    return True


def _page_is_right(region: ptr[MemoryMapEntry], physical: u64, direct_map: u64) -> bool:
    entry, is_large = find_entry(direct_map, direct_map + physical)
    kind = region.kind
    if kind == MEMORY_FRAMEBUFFER:
        return entry != NOT_MAPPED and memory_type_index(entry, is_large) == 5
    is_memory = kind == MEMORY_USABLE or kind == MEMORY_BOOTLOADER_RECLAIMABLE or kind == MEMORY_EXECUTABLE_AND_MODULES
    if not is_memory:
        # A page that a neighbour of another kind shares may be mapped for that one's sake.
        return entry == NOT_MAPPED or region.base % PAGE != 0 or region.length % PAGE != 0
    if entry == NOT_MAPPED or memory_type_index(entry, is_large) != 0:
        return False
    offset_mask: u64 = 0x1FF000 if is_large else 0
    base = (entry & ADDRESS) & ~offset_mask
    return (entry & WRITABLE) != 0 and base | (physical & offset_mask) == physical


def kernel_rights_are_right(direct_map: u64) -> bool:
    """Text executes and is not written, read-only data neither, data is written and does not execute."""
    text, _text_large = find_entry(direct_map, _text_start())
    rodata, _rodata_large = find_entry(direct_map, _rodata_start())
    data, _data_large = find_entry(direct_map, _data_start())
    if text == NOT_MAPPED or rodata == NOT_MAPPED or data == NOT_MAPPED:
        return False
    if (text & WRITABLE) != 0 or (rodata & WRITABLE) != 0 or (data & WRITABLE) == 0 or (text & NO_EXECUTE) != 0:
        return False
    return not has_no_execute() or ((rodata & NO_EXECUTE) != 0 and (data & NO_EXECUTE) != 0)


def kind_at(response: ptr[MemoryMapResponse], physical: u64) -> u64:
    for index in range(response.entry_count):
        entry = entry_at(response, index)
        if entry.base <= physical < entry.base + entry.length:
            return entry.kind
    return 0xFFFF


@asm_x64
def _text_start() -> u64:
    raw("lea rax, [rip + __text_start]")


@asm_x64
def _rodata_start() -> u64:
    raw("lea rax, [rip + __rodata_start]")


@asm_x64
def _data_start() -> u64:
    raw("lea rax, [rip + __data_start]")
