"""The loader's own identity map, for front ends that would otherwise run on the firmware's page tables.

Covers the first 4 GiB, where device registers lie, and all memory behind.
"""
from boot.core import machine
from boot.core.memory_map import next_run
from boot.core.pages import LIMIT, memory
from boot.core.paging import WRITABLE, create_root, map_range
from compiler.prelude import addr, u64


def enter_identity_map() -> None:
    root = create_root()
    map_range(root, 0, 0, LIMIT, WRITABLE)
    start: u64 = LIMIT
    while True:
        base, end = next_run(addr(memory), start, True)
        if end == 0:
            break
        map_range(root, base, base, end - base, WRITABLE)
        start = end
    machine.write_cr3(root)
