"""The frame allocator: a buddy system over all usable memory.

Blocks are 2^order frames, aligned to their size. One record per frame, in a table that is carved out of the memory it
describes, links the free blocks of an order; free memory itself is never touched.
Invariants: I-MEM-3: a free block's first record has is_free and its order; no two free buddies of one order exist.
Frame 0 is never given out, so that 0 can mean "none".
Locks: _lock (Rank.FRAMES) guards everything here.
"""
from boot.limine.protocol import MEMORY_BOOTLOADER_RECLAIMABLE, MEMORY_USABLE, MemoryMapEntry
from compiler.prelude import (
    addr,
    array,
    const,
    count_zeros_right,
    memory_fill,
    ptr,
    sizeof,
    span,
    struct,
    u8,
    u32,
    u64,
)
from kernel.memory import window
from kernel.memory_map import PAGE_BYTES, PAGE_SHIFT
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

ORDERS = const(19)                      # the largest block is 1 GiB
_NONE = const(0xFFFF_FFFF)


@struct
class Frame:
    next: u32                           # neighbours among the free blocks of one order
    previous: u32
    order: u8
    is_free: bool


_lock: SpinLock = SpinLock(rank=Rank.FRAMES)
_frames: ptr[Frame] | None = None
_frame_count: u64 = 0
_first_free: array[u32, ORDERS] = array(_NONE for _ in range(ORDERS))
_orders_free: u32 = 0                   # bit n: a free block of order n exists
_free_frames: u64 = 0


def start(regions: span[MemoryMapEntry]) -> bool:
    """Takes over all usable regions. Returns False when no region can hold the table of frames."""
    global _frames, _frame_count
    end: u64 = 0
    for index in range(len(regions)):
        kind = regions[index].kind
        if kind == MEMORY_USABLE or kind == MEMORY_BOOTLOADER_RECLAIMABLE:
            end = max(end, regions[index].base + regions[index].length)
    _frame_count = end >> PAGE_SHIFT
    table_bytes = (_frame_count * sizeof(Frame) + PAGE_BYTES - 1) & ~u64(PAGE_BYTES - 1)
    table = _place_table(regions, table_bytes)
    if table == 0:
        return False
    memory_fill(ptr[u8](window.address(table)), 0, table_bytes)
    _frames = ptr[Frame](window.address(table))
    for index in range(len(regions)):
        if regions[index].kind == MEMORY_USABLE:
            base = regions[index].base
            region_end = base + regions[index].length
            if base <= table < region_end:
                add_range(base, table)
                base = table + table_bytes
            add_range(base, region_end)
    return True


def add_range(base: u64, end: u64) -> None:
    """Makes a range free memory: part of a usable region at boot, later what the loader leaves."""
    frame = max((base + PAGE_BYTES - 1) >> PAGE_SHIFT, 1)
    last = end >> PAGE_SHIFT
    while frame < last:
        order = min(u64(count_zeros_right(frame)), ORDERS - 1)
        while frame + (u64(1) << order) > last:
            order -= 1
        release(frame << PAGE_SHIFT, u32(order))
        frame += u64(1) << order


def allocate(order: u32) -> u64:
    """The physical address of 2^order frames of unknown contents, aligned to their size; 0 when there are none."""
    global _free_frames
    assert order < ORDERS
    with _lock:
        fitting = _orders_free >> order
        if fitting == 0:
            return 0
        found = order + u32(count_zeros_right(fitting))
        frame = _first_free[found]
        _unlink(frame, found)
        while found > order:
            found -= 1
            _link(frame + (u32(1) << found), found)
        _free_frames -= _frames_of(order)
        return u64(frame) << PAGE_SHIFT


def allocate_zeroed() -> u64:
    """One frame of zeros; 0 when there is none."""
    frame = allocate(0)
    if frame != 0:
        memory_fill(ptr[u8](window.address(frame)), 0, PAGE_BYTES)
    return frame


def release(physical: u64, order: u32) -> None:
    global _free_frames
    frame = u32(physical >> PAGE_SHIFT)
    assert u64(frame) + _frames_of(order) <= _frame_count, "a released frame is not memory"
    with _lock:
        _free_frames += _frames_of(order)
        while order < ORDERS - 1:
            buddy = frame ^ (u32(1) << order)
            if u64(buddy) >= _frame_count or not _is_free_block(buddy, order):
                break
            _unlink(buddy, order)
            frame &= ~(u32(1) << order)
            order += 1
        _link(frame, order)


def release_frame(physical: u64) -> None:
    release(physical, 0)


def free_frames() -> u64:
    return _free_frames


def _frames_of(order: u32) -> u64:
    return u64(1) << u64(order)


def _is_free_block(frame: u32, order: u32) -> bool:
    record = _record(frame)
    return record.is_free and record.order == u8(order)


def _link(frame: u32, order: u32) -> None:
    global _orders_free
    assert not _record(frame).is_free, "a frame was released twice"
    following = _first_free[order]
    record = _record(frame)
    record.next = following
    record.previous = _NONE
    record.order = u8(order)
    record.is_free = True
    if following != _NONE:
        _record(following).previous = frame
    _first_free[order] = frame
    _orders_free |= u32(1) << order


def _unlink(frame: u32, order: u32) -> None:
    global _orders_free
    record = _record(frame)
    record.is_free = False
    if record.next != _NONE:
        _record(record.next).previous = record.previous
    if record.previous != _NONE:
        _record(record.previous).next = record.next
    else:
        _first_free[order] = record.next
        if record.next == _NONE:
            _orders_free &= ~(u32(1) << order)


def _record(frame: u32) -> ptr[Frame]:
    table = _frames
    assert table is not None
    return addr(table[u64(frame)])


def _place_table(regions: span[MemoryMapEntry], table_bytes: u64) -> u64:
    """The page of the largest usable region that the table of frames can begin at."""
    best: u64 = 0
    best_bytes: u64 = 0
    for index in range(len(regions)):
        base = max(regions[index].base, PAGE_BYTES)
        length = regions[index].length - (base - regions[index].base) if regions[index].length > PAGE_BYTES else 0
        if regions[index].kind == MEMORY_USABLE and length >= table_bytes and length > best_bytes:
            best = base
            best_bytes = length
    return best
