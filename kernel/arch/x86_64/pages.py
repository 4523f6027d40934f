"""The sizes of the processor's pages. Source: SDM vol 3, 4.5."""
from compiler.prelude import const

PAGE_SHIFT = const(12)
PAGE_BYTES = const(1 << PAGE_SHIFT)
LARGE_PAGE_BYTES = const(2 << 20)
HUGE_PAGE_BYTES = const(1 << 30)
