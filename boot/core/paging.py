"""The page tables that the kernel starts with: four levels, 4 KiB and 2 MiB pages.

Owns: the tables, in loader-reclaimable memory, reached through the identity map.
Source: SDM vol 3, 4.5 and table 4-11 (PAT index); the PAT is the one that the Limine protocol describes.
"""
from boot.core.pages import allocate_bytes
from boot.core.report import fail
from compiler.prelude import const, mem64, u64
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES

DIRECT_MAP = const(0xFFFF800000000000)
ADDRESS_MASK = const(0x000FFFFFFFFFF000)

PRESENT = const(1)
WRITABLE = const(1 << 1)
WRITE_THROUGH = const(1 << 3)
LARGE = const(1 << 7)
NO_EXECUTE = const(1 << 63)
SMALL_PAT = const(1 << 7)
LARGE_PAT = const(1 << 12)
WRITE_COMBINING = const(1 << 9)         # a bit that the processor ignores: here it asks for PAT entry 5


def create_root() -> u64:
    return allocate_bytes(PAGE_BYTES, PAGE_BYTES)


def map_range(root: u64, virtual: u64, physical: u64, length: u64, flags: u64) -> None:
    """Maps whole pages; `flags` of WRITABLE, NO_EXECUTE, WRITE_COMBINING. The range must not be mapped yet."""
    done: u64 = 0
    while done < length:
        place = (virtual + done) | (physical + done)
        if place % LARGE_PAGE_BYTES == 0 and length - done >= LARGE_PAGE_BYTES and _is_free(root, virtual + done):
            _map_large(root, virtual + done, physical + done, flags)
            done += LARGE_PAGE_BYTES
        else:
            _map_small(root, virtual + done, physical + done, flags)
            done += PAGE_BYTES


def _map_large(root: u64, virtual: u64, physical: u64, flags: u64) -> None:
    entry = _directory_entry(root, virtual)
    extra: u64 = LARGE
    if (flags & WRITE_COMBINING) != 0:
        extra = LARGE | LARGE_PAT | WRITE_THROUGH
    mem64[entry] = physical | (flags & (WRITABLE | NO_EXECUTE)) | extra | PRESENT


def _map_small(root: u64, virtual: u64, physical: u64, flags: u64) -> None:
    directory_entry = _directory_entry(root, virtual)
    if (mem64[directory_entry] & LARGE) != 0:
        fail("internal: a page is mapped twice")
    entry = _next_table(directory_entry) + _index(virtual, 12)
    extra: u64 = 0
    if (flags & WRITE_COMBINING) != 0:
        extra = SMALL_PAT | WRITE_THROUGH
    mem64[entry] = physical | (flags & (WRITABLE | NO_EXECUTE)) | extra | PRESENT


def _is_free(root: u64, virtual: u64) -> bool:
    return (mem64[_directory_entry(root, virtual)] & PRESENT) == 0


def _directory_entry(root: u64, virtual: u64) -> u64:
    pointers = _next_table(root + _index(virtual, 39))
    directory = _next_table(pointers + _index(virtual, 30))
    return directory + _index(virtual, 21)


def _next_table(entry: u64) -> u64:
    if (mem64[entry] & PRESENT) == 0:
        mem64[entry] = allocate_bytes(PAGE_BYTES, PAGE_BYTES) | PRESENT | WRITABLE
    return mem64[entry] & ADDRESS_MASK


def _index(virtual: u64, shift: u64) -> u64:
    return ((virtual >> shift) & 511) * 8
