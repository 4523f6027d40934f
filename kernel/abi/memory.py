"""Memory: what a program may do in a mapping, and how memory is made.

An address passed to map or protect begins a page; its low bits hold the access.
"""
from enum import IntEnum

from compiler.prelude import const

READ = const(1)             # always needed: no processor has memory that can only be written or executed
WRITE = const(2)            # not together with EXECUTE
EXECUTE = const(4)          # only of sealed memory

CONTIGUOUS = const(1)       # flag of ACCOUNT_CREATE_MEMORY: for devices that know physical addresses

# PROCESS_PAGE_STATE adds these to a page's size in bytes and its access.
PAGE_ACCESSED = const(1 << 3)
PAGE_DIRTY = const(1 << 4)


class Cache(IntEnum):
    """How the processor treats a device's range."""
    UNCACHED = 0
    WRITE_COMBINING = 1
