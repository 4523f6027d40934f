"""The kernel's view of physical memory: all of it, at a fixed distance.

The distance is the loader's, so that an address into the window means the same before and after the kernel's own page
tables; what the kernel's tables map there is memory only, never executable, and not the kernel's image.
"""
from compiler.prelude import u64
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES
from kernel.memory_map import UPPER_HALF

_base: u64 = 0


def place(base: u64) -> bool:
    """Sets where the window begins. Returns False for a place that the kernel cannot use."""
    global _base
    if base < UPPER_HALF or base & (LARGE_PAGE_BYTES - 1) != 0:
        return False
    _base = base
    return True


def address(physical: u64) -> u64:
    return _base + physical


def physical(address: u64) -> u64:
    """Of an address inside the window."""
    return address - _base
