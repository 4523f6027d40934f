"""Page tables: the only writer of page-table entries.

Invariants: I-MEM-1: no mapping is both writable and executable. I-MEM-2: pages of the lower half are the user's, pages
of the upper half are the kernel's. A table entry becomes present only when the table behind it is complete.
Not here: who owns the frames (memory/physical.py), removal from other CPUs' translation caches.
Source: SDM vol 3, 4.5 (four-level paging), table 4-15 to 4-20.
"""
from collections.abc import Callable

from compiler.prelude import const, ptr, u64
from kernel.arch.x86_64 import cpu
from kernel.memory import window
from kernel.memory_map import HUGE_PAGE_BYTES, LARGE_PAGE_BYTES, PAGE_BYTES, UPPER_HALF

PRESENT = const(1 << 0)
WRITABLE = const(1 << 1)
USER = const(1 << 2)
WRITE_THROUGH = const(1 << 3)
CACHE_DISABLED = const(1 << 4)
LARGE = const(1 << 7)
GLOBAL = const(1 << 8)
NO_EXECUTE = const(1 << 63)
ADDRESS = const(0x000F_FFFF_FFFF_F000)

KERNEL_TEXT = const(PRESENT | GLOBAL)
KERNEL_READ_ONLY = const(PRESENT | GLOBAL | NO_EXECUTE)
KERNEL_DATA = const(PRESENT | GLOBAL | NO_EXECUTE | WRITABLE)
DEVICE = const(KERNEL_DATA | CACHE_DISABLED | WRITE_THROUGH)
USER_TEXT = const(PRESENT | USER)
USER_READ_ONLY = const(PRESENT | USER | NO_EXECUTE)
USER_DATA = const(PRESENT | USER | NO_EXECUTE | WRITABLE)

ENTRIES = const(512)
_TOP_LEVEL = const(4)
_KERNEL_FIRST = const(256)              # top-level entries from here on belong to the upper half


def map_range(
    root: u64, virtual: u64, physical: u64, length: u64, access: u64, take_table: Callable[[], u64]
) -> bool:
    """Maps whole pages, as large as alignment allows. `take_table` gives zeroed frames, 0 when there is none.

    Returns False, part of the range mapped, when tables run out. Requires: nothing is mapped in the range.
    """
    assert access & WRITABLE == 0 or access & NO_EXECUTE != 0, "a mapping may not be writable and executable"
    assert (access & USER != 0) == (virtual < UPPER_HALF), "user pages and only they lie in the lower half"
    done: u64 = 0
    while done < length:
        level = _level_for(virtual + done, physical + done, length - done)
        table = _table_at(root, virtual + done, level, access & USER, take_table)
        if table == 0:
            return False
        large: u64 = LARGE if level > 1 else 0
        place = ptr[u64](window.address(table) + _index(virtual + done, level) * 8)
        assert place[0] & PRESENT == 0, "a page was mapped twice"
        place[0] = (physical + done) | access | large
        done += _page_bytes(level)
    return True


def translate(root: u64, virtual: u64) -> u64:
    """The entry that maps `virtual`, with its physical page and access bits; 0 when there is none."""
    table = root
    level: u64 = _TOP_LEVEL
    while True:
        entry = ptr[u64](window.address(table))[_index(virtual, level)]
        if entry & PRESENT == 0:
            return 0
        if level == 1:
            return entry
        if entry & LARGE != 0:
            return (entry & ~u64(LARGE)) + (virtual & (_page_bytes(level) - 1) & ADDRESS)
        table = entry & ADDRESS
        level -= 1


def share_upper_half(root: u64, kernel_root: u64) -> None:
    """Gives a new address space the kernel's half."""
    ours = ptr[u64](window.address(root))
    kernels = ptr[u64](window.address(kernel_root))
    for index in range(u64(_KERNEL_FIRST), u64(ENTRIES)):
        ours[index] = kernels[index]


def release_lower_half(root: u64, give_back: Callable[[u64], None]) -> None:
    """Hands every frame mapped below the kernel's half, and every table of it, to `give_back`.

    Requires: no CPU uses the address space; each frame is mapped once and belongs to it.
    """
    top = ptr[u64](window.address(root))
    for index in range(u64(_KERNEL_FIRST)):
        if top[index] & PRESENT != 0:
            _release_table(top[index] & ADDRESS, _TOP_LEVEL - 1, give_back)
            top[index] = 0


def _release_table(table: u64, level: u64, give_back: Callable[[u64], None]) -> None:
    entries = ptr[u64](window.address(table))
    for index in range(u64(ENTRIES)):
        if entries[index] & PRESENT == 0:
            continue
        if level > 1:
            _release_table(entries[index] & ADDRESS, level - 1, give_back)
        else:
            give_back(entries[index] & ADDRESS)
    give_back(table)


def _table_at(root: u64, virtual: u64, level: u64, user: u64, take_table: Callable[[], u64]) -> u64:
    """The table of `level` that covers `virtual`, made when missing; 0 when there is no frame for it."""
    table = root
    above: u64 = _TOP_LEVEL
    while above > level:
        place = ptr[u64](window.address(table) + _index(virtual, above) * 8)
        entry = place[0]
        if entry & PRESENT == 0:
            fresh = take_table()
            if fresh == 0:
                return 0
            entry = fresh | PRESENT | WRITABLE | user
            place[0] = entry
        assert entry & LARGE == 0, "a page was mapped twice"
        table = entry & ADDRESS
        above -= 1
    return table


def _level_for(virtual: u64, physical: u64, length: u64) -> u64:
    both = virtual | physical
    if cpu.has_huge_pages and both & (HUGE_PAGE_BYTES - 1) == 0 and length >= HUGE_PAGE_BYTES:
        return 3
    if both & (LARGE_PAGE_BYTES - 1) == 0 and length >= LARGE_PAGE_BYTES:
        return 2
    assert both & (PAGE_BYTES - 1) == 0, "a mapping must begin on a page"
    return 1


def _index(virtual: u64, level: u64) -> u64:
    return (virtual >> (3 + 9 * level)) & (ENTRIES - 1)


def _page_bytes(level: u64) -> u64:
    return u64(1) << (3 + 9 * level)
