"""The frame allocator: all usable memory of the machine, by whole frames.

Single frames come from and go to a cache of this CPU; caches trade with the buddy system (buddy.py) in batches. Each
CPU also keeps some frames full of zeros, made when it has nothing else to do.
Locks: _lock (Rank.FRAMES) guards _buddy. A cache is its CPU's own.
"""
from boot.limine.protocol import (
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_FRAMEBUFFER,
    MEMORY_RESERVED,
    MEMORY_USABLE,
    MemoryMapEntry,
)
from compiler.prelude import (
    addr,
    array,
    const,
    memory_fill,
    percpu,
    percpu_address,
    ptr,
    sizeof,
    span,
    struct,
    u8,
    u32,
    u64,
    wrap_add,
    zeroed,
)
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.memory import buddy, frame_table, window
from kernel.memory.buddy import Buddy
from kernel.memory.fail_nth import must_fail
from kernel.memory.frame_table import Frame, Use, record
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_CACHED = const(32)                     # frames that a CPU keeps at most
_BATCH = const(16)                      # frames that a cache trades with the buddy system at once
_FEW = const(1024)                      # so few are left that no CPU may hoard what it gets back
_ZEROED = const(16)                     # frames of zeros that a CPU keeps at most


@struct
class FrameCache:
    count: u32 = 0
    zeroed_count: u32 = 0
    frames: array[u32, _CACHED]
    zeroed_frames: array[u32, _ZEROED]


_lock: SpinLock = SpinLock(rank=Rank.FRAMES)
_buddy: Buddy = zeroed()
_total_frames: u64 = 0
_regions: u64 = 0                       # address of the machine's map, which stays
_region_count: u64 = 0
_cache: percpu[FrameCache] = FrameCache()


def start(regions: span[MemoryMapEntry]) -> bool:
    """Takes over all usable regions. Returns False when no region can hold the table of frames."""
    global _regions, _region_count
    _regions = u64(addr(regions[0]))
    _region_count = u64(len(regions))
    end: u64 = 0
    for index in range(len(regions)):
        kind = regions[index].kind
        if kind == MEMORY_USABLE or kind == MEMORY_BOOTLOADER_RECLAIMABLE:
            end = max(end, regions[index].base + regions[index].length)
    frame_count = end >> PAGE_SHIFT
    table_bytes = (frame_count * sizeof(Frame) + PAGE_BYTES - 1) & ~u64(PAGE_BYTES - 1)
    table = _place_table(regions, table_bytes)
    if table == 0:
        return False
    memory_fill(ptr[u8](window.address(table)), 0, table_bytes)
    frame_table.place(window.address(table))
    buddy.start(addr(_buddy), ptr[Frame](window.address(table)), frame_count)
    for index in range(len(regions)):
        if regions[index].kind == MEMORY_USABLE:
            base = regions[index].base
            region_end = base + regions[index].length
            if base <= table < region_end:
                add_range(base, table)
                base = table + table_bytes
            add_range(base, region_end)
    return True


def is_memory(start_at: u64, end: u64) -> bool:
    """Whether a range touches memory, or anything else of the machine's map that is no device's."""
    for index in range(_region_count):
        region = ptr[MemoryMapEntry](_regions + index * sizeof(MemoryMapEntry))
        is_device = region.kind == MEMORY_RESERVED or region.kind == MEMORY_FRAMEBUFFER
        if not is_device and start_at < region.base + region.length and region.base < end:
            return True
    return False


def add_range(base: u64, end: u64) -> None:
    """Makes a range free memory: part of a usable region at boot, later what the loader leaves."""
    global _total_frames
    with _lock:
        before = _buddy.free_frames
        buddy.add_frames(addr(_buddy), (base + PAGE_BYTES - 1) >> PAGE_SHIFT, end >> PAGE_SHIFT)
        _total_frames += _buddy.free_frames - before


def allocate(order: u32) -> u64:
    """The physical address of 2^order frames of unknown contents, aligned to their size; 0 when there are none."""
    if must_fail():
        return 0
    if order == 0:
        return _allocate_single()
    with _lock:
        return u64(buddy.allocate(addr(_buddy), order)) << PAGE_SHIFT


def allocate_zeroed() -> u64:
    """One frame of zeros; 0 when there is none."""
    if must_fail():
        return 0
    cache = _mine()
    if cache.zeroed_count != 0:
        cache.zeroed_count -= 1
        frame = cache.zeroed_frames[cache.zeroed_count]
        record(frame).use = Use.TAKEN
        return u64(frame) << PAGE_SHIFT
    place = _allocate_single()
    if place != 0:
        memory_fill(ptr[u8](window.address(place)), 0, PAGE_BYTES)
    return place


def release(physical: u64, order: u32) -> None:
    if order == 0:
        release_frame(physical)
        return
    with _lock:
        buddy.release(addr(_buddy), u32(physical >> PAGE_SHIFT), order)


def release_frame(physical: u64) -> None:
    frame = u32(physical >> PAGE_SHIFT)
    assert frame != 0 and u64(frame) < _buddy.frame_count, "a released frame is not memory"
    use = record(frame).use
    assert use != Use.FREE and use != Use.CACHED, "a frame was released twice"
    if _buddy.free_frames < _FEW:
        with _lock:
            buddy.release(addr(_buddy), frame, 0)
        return
    record(frame).use = Use.CACHED
    cache = _mine()
    if cache.count == _CACHED:
        with _lock:
            for _ in range(_BATCH):
                cache.count -= 1
                buddy.release(addr(_buddy), cache.frames[cache.count], 0)
    cache.frames[cache.count] = frame
    cache.count += 1


def release_frames(first: u64, end: u64) -> None:
    """Gives a range of frames back, by their numbers. Requires: all of them were given out."""
    if end - first == 1:
        release_frame(first << PAGE_SHIFT)
    elif first < end:
        with _lock:
            buddy.add_frames(addr(_buddy), first, end)


def prepare_zeroed_frame() -> bool:
    """Clears one frame ahead of its use, for a CPU without work. Returns False when there is nothing to prepare."""
    cache = _mine()
    if cache.zeroed_count == _ZEROED or _buddy.free_frames < _FEW:
        return False
    place = _allocate_single()
    if place == 0:
        return False
    memory_fill(ptr[u8](window.address(place)), 0, PAGE_BYTES)
    frame = u32(place >> PAGE_SHIFT)
    record(frame).use = Use.CACHED
    cache.zeroed_frames[cache.zeroed_count] = frame
    cache.zeroed_count += 1
    return True


def free_frames() -> u64:
    """Those in the caches of all CPUs included; exact while no other CPU allocates."""
    count = _buddy.free_frames
    for index in range(cpu.running_cpus.load("relaxed")):
        cache = ptr[FrameCache](wrap_add(cpu.bases[index], percpu_address(_cache)))
        count += u64(cache.count) + u64(cache.zeroed_count)
    return count


def total_frames() -> u64:
    """All that was ever given to the allocator."""
    return _total_frames


def _allocate_single() -> u64:
    cache = _mine()
    if cache.count == 0:
        _refill(cache)
        if cache.count == 0:
            return _take_zeroed(cache)
    cache.count -= 1
    frame = cache.frames[cache.count]
    record(frame).use = Use.TAKEN
    return u64(frame) << PAGE_SHIFT


def _refill(cache: ptr[FrameCache]) -> None:
    with _lock:
        while cache.count < _BATCH:
            frame = buddy.allocate(addr(_buddy), 0)
            if frame == 0:
                break
            record(frame).use = Use.CACHED
            cache.frames[cache.count] = frame
            cache.count += 1


def _take_zeroed(cache: ptr[FrameCache]) -> u64:
    """The last resort of an allocation that does not need zeros."""
    if cache.zeroed_count == 0:
        return 0
    cache.zeroed_count -= 1
    frame = cache.zeroed_frames[cache.zeroed_count]
    record(frame).use = Use.TAKEN
    return u64(frame) << PAGE_SHIFT


def _mine() -> ptr[FrameCache]:
    return ptr[FrameCache](wrap_add(cpu.base, percpu_address(_cache)))


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
