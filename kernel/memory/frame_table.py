"""One record per frame of physical memory: what the frame is used for, and links for whoever has it.

A record belongs to whoever has the frame: the allocator while it is free, then the slab, page table or set of frames
that it was given to. Invariant I-MEM-4: a frame has one use at a time, and only its user writes its record.
"""
from enum import IntEnum

from compiler.prelude import addr, ptr, sizeof, struct, u8, u16, u32, u64


class Use(IntEnum):
    NOTHING = 0             # not memory, or not given to the allocator
    FREE = 1                # the first frame of a free block
    TAKEN = 2               # the first frame of a block that was given out
    CACHED = 3              # free, in the cache of a CPU
    SLAB = 4                # cut into objects of one size


@struct
class Frame:
    next: u32               # neighbours in a list of its user's
    previous: u32
    order: u8               # of the block that begins here
    use: u8
    size_class: u8          # of the objects in a slab
    first_object: u8        # place of a slab's first free object
    in_use: u16             # objects of a slab, present entries of a page table
    reserved: u16


assert sizeof(Frame) == 16

_frames: ptr[Frame] | None = None


def place(table: u64) -> None:
    """Sets where the records lie."""
    global _frames
    _frames = ptr[Frame](table)


def record(frame: u32) -> ptr[Frame]:
    """Of the frame with this number: its physical address divided by the size of a page."""
    table = _frames
    assert table is not None
    return addr(table[u64(frame)])
