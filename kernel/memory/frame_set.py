"""A set of frames in order: the memory behind a Memory object, in as few contiguous extents as could be had.

An extent begins at a page of the set and reaches to the next extent's. The only extent of a contiguous set lies in the
set itself, more in memory of their own.
Locks: none; a set does not change once it is filled. Pure but for fill() and empty().
Not here: who pays (objects/memory.py).
"""
from compiler.prelude import addr, const, memory_fill, ptr, sizeof, struct, u8, u32, u64
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.memory import physical, slab, window
from kernel.memory.buddy import NO_FRAME, ORDERS
from kernel.memory.frame_table import record

MOST_EXTENTS = const(4096)              # of one set: what bounds the work of filling it


@struct
class Extent:
    page: u32                           # the first of the set's pages that it holds
    frame: u32                          # where that page lies


@struct
class FrameSet:
    pages: u64
    extents: ptr[Extent]
    extent_count: u64
    only: Extent


def place_range(frames: ptr[FrameSet], first: u64, pages: u64) -> None:
    """Makes the set a given contiguous range, of which it owns nothing."""
    frames.pages = pages
    frames.only = Extent(page=0, frame=u32(first))
    frames.extents = addr(frames.only)
    frames.extent_count = 1


def fill(frames: ptr[FrameSet], pages: u64) -> bool:
    """Takes frames of unknown contents. Returns False, nothing taken, when memory runs out or is too scattered."""
    first: u32 = NO_FRAME
    last: u32 = NO_FRAME
    count: u64 = 0
    order = _order_within(pages)
    left = pages
    while left != 0:
        while u64(1) << u64(order) > left:
            order -= 1
        place = physical.allocate(order) if count < MOST_EXTENTS else 0
        if place != 0:
            frame = u32(place >> PAGE_SHIFT)
            record(frame).next = NO_FRAME
            record(frame).order = u8(order)
            if last == NO_FRAME:
                first = frame
            else:
                record(last).next = frame
            last = frame
            left -= u64(1) << u64(order)
            count += 1
        elif order != 0 and count < MOST_EXTENTS:
            order -= 1
        else:
            _release_blocks(first)
            return False
    frames.pages = pages
    if not _make_room(frames, count):
        _release_blocks(first)
        return False
    _note_blocks(frames, first)
    return True


def fill_contiguous(frames: ptr[FrameSet], pages: u64) -> bool:
    """The same with one extent, for devices that know no other."""
    order = _order_within(pages)
    if u64(1) << u64(order) < pages:
        order += 1
    place = physical.allocate(order) if order < ORDERS else 0
    if place == 0:
        return False
    first = place >> PAGE_SHIFT
    place_range(frames, first, pages)
    physical.release_frames(first + pages, first + (u64(1) << u64(order)))
    return True


def empty(frames: ptr[FrameSet]) -> None:
    """Gives all frames back. Requires: nobody can reach them any more."""
    for index in range(frames.extent_count):
        first = u64(frames.extents[index].frame)
        physical.release_frames(first, first + _length(frames, index))
    if frames.extent_count > 1:
        _release_room(frames)
    frames.extent_count = 0


def find_run(frames: ptr[FrameSet], page: u64) -> tuple[u64, u64]:
    """The physical address of a page of the set, and how many pages from there on are contiguous."""
    if frames.extent_count == 1:
        return (u64(frames.only.frame) + page) << PAGE_SHIFT, frames.pages - page
    low: u64 = 0
    high = frames.extent_count
    while high - low > 1:
        middle = (low + high) // 2
        if u64(frames.extents[middle].page) <= page:
            low = middle
        else:
            high = middle
    inside = page - u64(frames.extents[low].page)
    return (u64(frames.extents[low].frame) + inside) << PAGE_SHIFT, _length(frames, low) - inside


def clear_pages(frames: ptr[FrameSet], page: u64, end: u64) -> None:
    """Fills pages with zeros."""
    at = page
    while at < end:
        place, run = find_run(frames, at)
        pages = min(run, end - at)
        memory_fill(ptr[u8](window.address(place)), 0, pages << PAGE_SHIFT)
        at += pages


def room_frames(frames: ptr[FrameSet]) -> u64:
    """The frames that the list of extents itself takes."""
    length = frames.extent_count * sizeof(Extent)
    return 0 if length <= slab.LARGEST_OBJECT else u64(1) << u64(_room_order(length))


def _length(frames: ptr[FrameSet], index: u64) -> u64:
    end = u64(frames.extents[index + 1].page) if index + 1 < frames.extent_count else frames.pages
    return end - u64(frames.extents[index].page)


def _order_within(pages: u64) -> u32:
    """Of the largest block that is not larger."""
    order: u32 = 0
    while order < ORDERS - 1 and u64(2) << u64(order) <= pages:
        order += 1
    return order


def _make_room(frames: ptr[FrameSet], count: u64) -> bool:
    frames.extent_count = count
    frames.extents = addr(frames.only)
    if count == 1:
        return True
    length = count * sizeof(Extent)
    if length <= slab.LARGEST_OBJECT:
        room = slab.allocate(length)
        if room is None:
            return False
        frames.extents = ptr[Extent](room)
        return True
    place = physical.allocate(_room_order(length))
    if place == 0:
        return False
    frames.extents = ptr[Extent](window.address(place))
    return True


def _release_room(frames: ptr[FrameSet]) -> None:
    length = frames.extent_count * sizeof(Extent)
    if length <= slab.LARGEST_OBJECT:
        slab.release(ptr[u8](frames.extents))
    else:
        physical.release(window.physical(u64(frames.extents)), _room_order(length))


def _room_order(length: u64) -> u32:
    order: u32 = 0
    while u64(PAGE_BYTES) << u64(order) < length:
        order += 1
    return order


def _note_blocks(frames: ptr[FrameSet], first: u32) -> None:
    page: u64 = 0
    index: u64 = 0
    frame = first
    while frame != NO_FRAME:
        frames.extents[index].page = u32(page)
        frames.extents[index].frame = frame
        page += u64(1) << u64(record(frame).order)
        frame = record(frame).next
        index += 1


def _release_blocks(first: u32) -> None:
    frame = first
    while frame != NO_FRAME:
        following = record(frame).next
        physical.release(u64(frame) << PAGE_SHIFT, u32(record(frame).order))
        frame = following
