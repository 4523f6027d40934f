"""Guards of the doors: what the command line wishes of one, and how the doors are changed for it.

The doors of entry.py have no guards and pay for none. A guard that this machine needs writes jumps over instructions of
theirs, once, through the loader's map of memory, before any CPU has left the kernel: each leads to a way that does what
was written over, too.
"""
from enum import IntEnum

from compiler.prelude import const, mem8, mem32, ptr, struct, u32, u64, wrap_sub
from kernel.arch.x86_64.image import image_start

_JUMP = const(0xE9)
DETOUR_BYTES = const(5)


class Wish(IntEnum):
    AUTOMATIC = 0           # what the processor says that it needs and has
    OFF = 1
    ON = 2                  # whatever it says


@struct
class Detour:
    """At least five bytes of whole instructions are at `site`, and nothing jumps between them."""
    site: u64
    target: u64


def write_detours(first: ptr[Detour], count: u64, image: u64) -> None:
    """`image` is where the kernel's image can be written. Requires: the boot CPU, on the loader's page tables."""
    for index in range(count):
        place = image + (first[index].site - image_start())
        mem8[place] = _JUMP
        mem32[place + 1] = u32(wrap_sub(first[index].target, first[index].site + DETOUR_BYTES))
