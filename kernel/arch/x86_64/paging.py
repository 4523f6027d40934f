"""Page tables: the only writer of page-table entries.

Pure: tested on the host, with tables in ordinary memory behind the physical window.
Invariants: I-MEM-1: no mapping is both writable and executable. I-MEM-2: pages of the lower half are the user's, pages
of the upper half are the kernel's. A table entry becomes present only when the table behind it is complete.
Locks: callers guard the tables of an address space. The processor sets accessed and dirty bits meanwhile, so present
entries are changed by atomic operations.
Not here: who owns the frames (memory/physical.py), removal from translation caches (tlb.py).
Source: SDM vol 3, 4.5 (four-level paging), table 4-15 to 4-20.
"""

from collections.abc import Callable

from compiler.prelude import array, atomic, bounded_recursion, const, ptr, struct, u64
from kernel.arch.x86_64.pages import HUGE_PAGE_BYTES, LARGE_PAGE_BYTES, PAGE_BYTES, PAGE_SHIFT
from kernel.memory import window
from kernel.memory_map import UPPER_HALF

PRESENT = const(1 << 0)
WRITABLE = const(1 << 1)
USER = const(1 << 2)
WRITE_THROUGH = const(1 << 3)
CACHE_DISABLED = const(1 << 4)
ACCESSED = const(1 << 5)
DIRTY = const(1 << 6)
LARGE = const(1 << 7)  # of entries above the lowest level
ATTRIBUTE = const(1 << 7)  # of entries of the lowest level: the high bit of the index into the PAT
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
UNCACHED = const(CACHE_DISABLED | WRITE_THROUGH)
WRITE_COMBINING = const(ATTRIBUTE | WRITE_THROUGH)  # entry 5 of the PAT (cpu.py)

ENTRIES = const(512)
TOP_LEVEL = const(4)
_ENTRY_OFFSET = const((ENTRIES - 1) * 8)
_KERNEL_FIRST = const(256)  # top-level entries from here on belong to the upper half

_largest_level: u64 = 2
_has_second_tops: bool = False


@struct
class TableCount:
    missing: u64 = 0
    counted_to: array[u64, TOP_LEVEL + 1]  # for each level, where the span of the last counted table ends


def use_huge_pages() -> None:
    """Requires: the processor has pages of 1 GiB."""
    global _largest_level
    _largest_level = 3


def use_second_tops() -> None:
    """From here on each top table has a second one in the frame behind it, which gets the same lower half."""
    global _has_second_tops
    _has_second_tops = True


def map_range(root: u64, virtual: u64, physical: u64, length: u64, access: u64, take_table: Callable[[], u64]) -> bool:
    """Maps whole pages, as large as alignment allows. `take_table` gives zeroed frames, 0 when there is none.

    Returns False, part of the range mapped, when tables run out. Requires: nothing is mapped in the range.
    """
    assert access & WRITABLE == 0 or access & NO_EXECUTE != 0, "a mapping may not be writable and executable"
    assert (access & USER != 0) == (virtual < UPPER_HALF), "user pages and only they lie in the lower half"
    done: u64 = 0
    while done < length:
        at = virtual + done
        level = _level_at(root, at, physical + done, length - done, access)
        table = _table_at(root, at, level, access & USER, take_table)
        if table == 0:
            return False
        pages = _pages_in_table(at, virtual + length) if level == 1 else 1
        large: u64 = LARGE if level > 1 else 0
        place = _entry(table, at, level)
        for page in range(pages):
            assert place[page] & PRESENT == 0, "a page was mapped twice"
            place[page] = (physical + done) | access | large
            done += page_bytes(level)
    return True


def map_page(place: ptr[u64], physical: u64, access: u64) -> None:
    """Maps one small page by the entry that find_entry() gave. Requires: as for map_range()."""
    assert access & WRITABLE == 0 or access & NO_EXECUTE != 0, "a mapping may not be writable and executable"
    assert place[0] & PRESENT == 0, "a page was mapped twice"
    place[0] = physical | access


def clear_page(place: ptr[u64]) -> None:
    """Removes one small page by the entry that find_entry() gave."""
    place[0] = 0


def count_missing_tables(
    count: ptr[TableCount], root: u64, virtual: u64, physical: u64, length: u64, access: u64
) -> None:
    """Adds how many tables map_range() would take for a range. Ranges are counted lowest first."""
    done: u64 = 0
    while done < length:
        at = virtual + done
        level = _level_at(root, at, physical + done, length - done, access)
        _, missing = find_entry(root, at)
        while missing > level:
            size = page_bytes(missing)
            if at >= count.counted_to[missing]:
                count.missing += 1
                count.counted_to[missing] = (at & ~(size - 1)) + size
            missing -= 1
        done += page_bytes(level) if level > 1 else LARGE_PAGE_BYTES - (at & (LARGE_PAGE_BYTES - 1))


def count_entries(root: u64, virtual: u64, physical: u64, length: u64, access: u64) -> u64:
    """How many entries map_range() writes for a range."""
    count: u64 = 0
    done: u64 = 0
    while done < length:
        level = _level_at(root, virtual + done, physical + done, length - done, access)
        if level > 1:
            count += 1
            done += page_bytes(level)
        else:
            pages = _pages_in_table(virtual + done, virtual + length)
            count += pages
            done += pages << PAGE_SHIFT
    return count


def find_entry(root: u64, virtual: u64) -> tuple[ptr[u64], u64]:
    """The entry at which the walk to an address ends, and its level: what maps the address, or is not present."""
    memory = window.address(0)
    place = ptr[u64](memory + root + ((virtual >> 36) & _ENTRY_OFFSET))
    entry = place[0]
    if entry & PRESENT == 0:
        return place, 4
    place = ptr[u64](memory + (entry & ADDRESS) + ((virtual >> 27) & _ENTRY_OFFSET))
    entry = place[0]
    if entry & (PRESENT | LARGE) != PRESENT:
        return place, 3
    place = ptr[u64](memory + (entry & ADDRESS) + ((virtual >> 18) & _ENTRY_OFFSET))
    entry = place[0]
    if entry & (PRESENT | LARGE) != PRESENT:
        return place, 2
    return ptr[u64](memory + (entry & ADDRESS) + ((virtual >> 9) & _ENTRY_OFFSET)), 1


def translate(root: u64, virtual: u64) -> u64:
    """The entry that maps `virtual`, with its physical page and access bits; 0 when there is none."""
    place, level = find_entry(root, virtual)
    entry = place[0]
    if entry & PRESENT == 0:
        return 0
    if level == 1:
        return entry
    return (entry & ~u64(LARGE)) + (virtual & (page_bytes(level) - 1) & ADDRESS)


def clear_range(root: u64, start: u64, end: u64) -> None:
    """Removes every page. Requires: no page reaches over an end (demote())."""
    at = start
    while at < end:
        place, level = find_entry(root, at)
        size = page_bytes(level)
        if level == 1:
            pages = _pages_in_table(at, end)
            for page in range(pages):
                place[page] = 0
            at += pages * size
            continue
        following = (at & ~(size - 1)) + size
        if place[0] & PRESENT != 0:
            assert at & (size - 1) == 0 and following <= end, "a page reaches over the end of what is unmapped"
            place[0] = 0
        at = following


def change_range(root: u64, start: u64, end: u64, access: u64) -> None:
    """Gives every page other access bits; accessed and dirty stay. Requires: as for clear_range()."""
    assert access & WRITABLE == 0 or access & NO_EXECUTE != 0, "a mapping may not be writable and executable"
    at = start
    while at < end:
        place, level = find_entry(root, at)
        size = page_bytes(level)
        following = (at & ~(size - 1)) + size
        if place[0] & PRESENT != 0:
            assert at & (size - 1) == 0 and following <= end, "a page reaches over the end of what is changed"
            large: u64 = LARGE if level > 1 else 0
            _replace(place, access | large)
        at = following


def count_pages(root: u64, start: u64, end: u64, most: u64) -> u64:
    """How many pages, of any size, and empty stretches lie in a range; counting stops above `most`."""
    count: u64 = 0
    at = start
    while at < end and count <= most:
        _, level = find_entry(root, at)
        size = page_bytes(level)
        at = (at & ~(size - 1)) + size
        count += 1
    return count


def count_demotions(root: u64, virtual: u64) -> u64:
    """How many times the page around an address must be split before a page begins there."""
    place, level = find_entry(root, virtual)
    count: u64 = 0
    while place[0] & PRESENT != 0 and virtual & (page_bytes(level) - 1) != 0:
        count += 1
        level -= 1
    return count


def crosses_page(root: u64, virtual: u64) -> bool:
    """Whether `virtual` lies inside a page and not where one begins."""
    place, level = find_entry(root, virtual)
    return place[0] & PRESENT != 0 and virtual & (page_bytes(level) - 1) != 0


def demote(root: u64, virtual: u64, table: u64) -> None:
    """Splits the large page around an address into 512 of the next size, in a zeroed frame.

    Requires: crosses_page(). The translations stay the same, so only later changes need a flush of the large one.
    """
    place, level = find_entry(root, virtual)
    assert level > 1 and place[0] & PRESENT != 0
    size = page_bytes(level - 1)
    entries = ptr[u64](window.address(table))
    entry = place[0]
    first = entry if level > 2 else entry & ~u64(LARGE)
    for index in range(u64(ENTRIES)):
        entries[index] = first + index * size
    # The processor may set dirty in the old entry until the new one is there; it is then set in all parts.
    found = ptr[atomic[u64]](place).exchange(table | PRESENT | WRITABLE | (entry & USER), "acq_rel")
    if found != entry:
        for index in range(u64(ENTRIES)):
            entries[index] |= found & (ACCESSED | DIRTY)


def detach_tables(root: u64, start: u64, end: u64, give_back: Callable[[u64], None]) -> None:
    """Takes every table out whose whole span lies in a range without pages.

    Until a flush of the range the processor may still read the tables.
    """
    for index in range(_index(start, TOP_LEVEL), _index(end - 1, TOP_LEVEL) + 1):
        place = ptr[u64](window.address(root) + index * 8)
        if place[0] & PRESENT != 0:
            first = index * page_bytes(TOP_LEVEL)
            _detach_below(place[0] & ADDRESS, TOP_LEVEL - 1, first, start, end, give_back)
            if start <= first and first + page_bytes(TOP_LEVEL) <= end:
                give_back(place[0] & ADDRESS)
                place[0] = 0
                if _has_second_tops:
                    place[ENTRIES] = 0


def share_upper_half(root: u64, kernel_root: u64) -> None:
    """Gives a new address space the kernel's half."""
    ours = ptr[u64](window.address(root))
    kernels = ptr[u64](window.address(kernel_root))
    for index in range(u64(_KERNEL_FIRST), u64(ENTRIES)):
        ours[index] = kernels[index]


def page_bytes(level: u64) -> u64:
    """Of a page at this level, and of the span of one entry."""
    return u64(1) << (3 + 9 * level)


@bounded_recursion(TOP_LEVEL - 1)
def _detach_below(table: u64, level: u64, base: u64, start: u64, end: u64, give_back: Callable[[u64], None]) -> None:
    if level == 1:
        return
    size = page_bytes(level)
    low = max(start, base)
    high = min(end, base + size * ENTRIES)
    for index in range(_index(low, level), _index(high - 1, level) + 1):
        place = ptr[u64](window.address(table) + index * 8)
        entry = place[0]
        if entry & PRESENT == 0 or entry & LARGE != 0:
            continue
        first = base + index * size
        _detach_below(entry & ADDRESS, level - 1, first, start, end, give_back)
        if start <= first and first + size <= end:
            give_back(entry & ADDRESS)
            place[0] = 0


def _table_at(root: u64, virtual: u64, level: u64, user: u64, take_table: Callable[[], u64]) -> u64:
    """The table of `level` that covers `virtual`, made when missing; 0 when there is no frame for it."""
    table = root
    above: u64 = TOP_LEVEL
    while above > level:
        place = _entry(table, virtual, above)
        entry = place[0]
        if entry & PRESENT == 0:
            fresh = take_table()
            if fresh == 0:
                return 0
            entry = fresh | PRESENT | WRITABLE | user
            place[0] = entry
            if above == TOP_LEVEL and user != 0 and _has_second_tops:
                place[ENTRIES] = entry
        assert entry & LARGE == 0, "a page was mapped twice"
        table = entry & ADDRESS
        above -= 1
    return table


def _replace(place: ptr[u64], access: u64) -> None:
    entry = ptr[atomic[u64]](place)
    old = entry.load("relaxed")
    while True:
        kept = old & (ADDRESS | ACCESSED | DIRTY)
        found, is_done = entry.compare_exchange(old, kept | access, "relaxed")
        if is_done:
            break
        old = found


def _pages_in_table(at: u64, end: u64) -> u64:
    """Of the pages from `at` to `end`, how many have their entries in one table of the lowest level."""
    return min(end - at, LARGE_PAGE_BYTES - (at & (LARGE_PAGE_BYTES - 1))) >> PAGE_SHIFT


def _level_at(root: u64, virtual: u64, physical: u64, length: u64, access: u64) -> u64:
    """The level of the next page of a range that nothing is mapped in: lower where a table is left from before."""
    level = _level_for(virtual, physical, length, access)
    if level > 1:
        _, found = find_entry(root, virtual)
        level = min(level, found)
    return level


def _level_for(virtual: u64, physical: u64, length: u64, access: u64) -> u64:
    both = virtual | physical
    assert both & (PAGE_BYTES - 1) == 0, "a mapping must begin on a page"
    if length < LARGE_PAGE_BYTES or both & (LARGE_PAGE_BYTES - 1) != 0 or access & ATTRIBUTE != 0:
        return 1
    if _largest_level == 3 and both & (HUGE_PAGE_BYTES - 1) == 0 and length >= HUGE_PAGE_BYTES:
        return 3
    return 2


def _entry(table: u64, virtual: u64, level: u64) -> ptr[u64]:
    return ptr[u64](window.address(table) + _index(virtual, level) * 8)


def _index(virtual: u64, level: u64) -> u64:
    return (virtual >> (3 + 9 * level)) & (ENTRIES - 1)
