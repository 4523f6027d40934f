"""The loader's memory: pages carved from the memory map, and a bump allocator for tables and records.

Owns: the one memory map of the loader.
Invariants: everything lies below 4 GiB, where 32-bit start-up code reaches it; memory comes zeroed; nothing is freed.
"""
from boot.core.memory_map import MemoryMap, append, carve, find_room, normalise
from boot.core.report import fail
from boot.core.rounding import round_up
from boot.limine.protocol import MEMORY_BOOTLOADER_RECLAIMABLE
from compiler.prelude import addr, const, memory_fill, ptr, u8, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES

LIMIT = const(1 << 32)
CHUNK_BYTES = const(1 << 18)

memory: MemoryMap = zeroed()
_chunk_next: u64 = 0
_chunk_end: u64 = 0


def add_region(base: u64, length: u64, kind: u64) -> None:
    """Before anything is allocated: one region as the firmware tells it. A full map is merged to make room."""
    if append(addr(memory), base, length, kind):
        return
    if not normalise(addr(memory)) or not append(addr(memory), base, length, kind):
        fail("the firmware's memory map has too many regions")


def finish_regions() -> None:
    if not normalise(addr(memory)):
        fail("the firmware's memory map has too many regions")


def mark(base: u64, length: u64, kind: u64) -> None:
    """Takes a range out of the usable memory."""
    if length != 0 and not carve(addr(memory), base, length, kind):
        fail("the memory map has too many regions")


def allocate_range(length: u64, alignment: u64, kind: u64) -> u64:
    """Zeroed whole pages of a kind of their own. Returns their address."""
    whole = round_up(length, PAGE_BYTES)
    base = find_room(addr(memory), whole, alignment, LIMIT)
    if base == 0:
        fail("not enough memory below 4 GiB to load the kernel and its modules")
    mark(base, whole, kind)
    memory_fill(ptr[u8](base), 0, whole)
    return base


def allocate_below(limit: u64) -> u64:
    """One zeroed page below `limit`, loader-reclaimable. Returns 0 when there is none."""
    base = find_room(addr(memory), PAGE_BYTES, PAGE_BYTES, limit)
    if base != 0:
        mark(base, PAGE_BYTES, MEMORY_BOOTLOADER_RECLAIMABLE)
        memory_fill(ptr[u8](base), 0, PAGE_BYTES)
    return base


def allocate_bytes(length: u64, alignment: u64) -> u64:
    """Zeroed, loader-reclaimable memory. Returns its address."""
    global _chunk_next, _chunk_end
    if length > CHUNK_BYTES // 4:
        return allocate_range(length, PAGE_BYTES, MEMORY_BOOTLOADER_RECLAIMABLE)
    start = round_up(_chunk_next, alignment)
    if start + length > _chunk_end:
        start = allocate_range(CHUNK_BYTES, PAGE_BYTES, MEMORY_BOOTLOADER_RECLAIMABLE)
        _chunk_end = start + CHUNK_BYTES
    _chunk_next = start + length
    return start
