"""The loader's own identity map, for front ends that would otherwise run on the firmware's page tables.

Covers the first 4 GiB, where device registers lie, and all memory behind.
"""
from boot.core.memory_map import next_run
from boot.core.pages import LIMIT, memory
from boot.core.paging import WRITABLE, create_root, map_range
from boot.core.paging_levels import change_tables, is_five_level
from compiler.prelude import addr, u64
from kernel.arch.x86_64 import registers


def enter_identity_map(page: u64) -> None:
    """Leaves five-level paging on the way, for which `page` serves: free, below 4 GiB, executable, identity mapped."""
    root = create_root()
    map_range(root, 0, 0, LIMIT, WRITABLE)
    start: u64 = LIMIT
    while True:
        base, end = next_run(addr(memory), start, True)
        if end == 0:
            break
        map_range(root, base, base, end - base, WRITABLE)
        start = end
    if is_five_level():
        change_tables(page, root, registers.read_cr4() & ~u64(registers.CR4_FIVE_LEVELS))
    else:
        registers.write_cr3(root)
