"""The buddy system: blocks of 2^order frames, aligned to their size, split and merged on demand.

Records in the frame table link the free blocks of an order; free memory itself is never touched.
Invariants: I-MEM-3: a free block's first record says FREE and its order; no two free buddies of one order exist.
Frame 0 is never given out, so that 0 can mean "none".
Locks: callers guard a Buddy; physical.py has the kernel's. Pure: tested on the host against a plain model.
"""
from compiler.prelude import addr, array, const, count_zeros_right, ptr, struct, u8, u32, u64
from kernel.memory.frame_table import Frame, Use

ORDERS = const(19)                      # the largest block is 1 GiB
NO_FRAME = const(0xFFFF_FFFF)


@struct
class Buddy:
    frames: ptr[Frame]
    frame_count: u64
    free_frames: u64
    orders_free: u32                    # bit n: a free block of order n exists
    first_free: array[u32, ORDERS]


def start(buddy: ptr[Buddy], frames: ptr[Frame], frame_count: u64) -> None:
    """Requires: all records are zero."""
    buddy.frames = frames
    buddy.frame_count = frame_count
    buddy.free_frames = 0
    buddy.orders_free = 0
    for order in range(u64(ORDERS)):
        buddy.first_free[order] = NO_FRAME


def add_frames(buddy: ptr[Buddy], first: u64, end: u64) -> None:
    """Makes the frames from `first` up to `end` free memory, in the largest blocks that fit."""
    frame = max(first, 1)
    while frame < end:
        order = min(u64(count_zeros_right(frame)), ORDERS - 1)
        while frame + (u64(1) << order) > end:
            order -= 1
        release(buddy, u32(frame), u32(order))
        frame += u64(1) << order


def allocate(buddy: ptr[Buddy], order: u32) -> u32:
    """The first of 2^order frames, aligned to their size; 0 when there are none."""
    assert order < ORDERS
    fitting = buddy.orders_free >> order
    if fitting == 0:
        return 0
    found = order + u32(count_zeros_right(fitting))
    frame = buddy.first_free[found]
    _unlink(buddy, frame, found)
    while found > order:
        found -= 1
        _link(buddy, frame + (u32(1) << found), found)
    record = addr(buddy.frames[u64(frame)])
    record.use = Use.TAKEN
    record.order = u8(order)
    buddy.free_frames -= u64(1) << u64(order)
    return frame


def release(buddy: ptr[Buddy], first: u32, block_order: u32) -> None:
    """Merges the block with its free buddies. Requires: nobody uses it; it may be part of the block that was given."""
    frame = first
    order = block_order
    size = u64(1) << u64(order)
    assert frame != 0 and u64(frame) + size <= buddy.frame_count, "a released frame is not memory"
    buddy.free_frames += size
    while order < ORDERS - 1:
        other = frame ^ (u32(1) << order)
        if u64(other) >= buddy.frame_count or not _is_free_block(buddy, other, order):
            break
        _unlink(buddy, other, order)
        frame &= ~(u32(1) << order)
        order += 1
    _link(buddy, frame, order)


def _is_free_block(buddy: ptr[Buddy], frame: u32, order: u32) -> bool:
    record = addr(buddy.frames[u64(frame)])
    return record.use == Use.FREE and record.order == u8(order)


def _link(buddy: ptr[Buddy], frame: u32, order: u32) -> None:
    record = addr(buddy.frames[u64(frame)])
    assert record.use != Use.FREE, "a frame was released twice"
    following = buddy.first_free[order]
    record.next = following
    record.previous = NO_FRAME
    record.order = u8(order)
    record.use = Use.FREE
    if following != NO_FRAME:
        buddy.frames[u64(following)].previous = frame
    buddy.first_free[order] = frame
    buddy.orders_free |= u32(1) << order


def _unlink(buddy: ptr[Buddy], frame: u32, order: u32) -> None:
    record = addr(buddy.frames[u64(frame)])
    record.use = Use.NOTHING
    if record.next != NO_FRAME:
        buddy.frames[u64(record.next)].previous = record.previous
    if record.previous != NO_FRAME:
        buddy.frames[u64(record.previous)].next = record.next
    else:
        buddy.first_free[order] = record.next
        if record.next == NO_FRAME:
            buddy.orders_free &= ~(u32(1) << order)
