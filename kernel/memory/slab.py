"""Memory of kernel objects: frames cut into objects of one size class, a cache of free ones on every CPU.

A free object begins with the address of the next one; a slab's free objects hang on its frame's record, a CPU's on its
cache. In debug builds the rest of a free object is poisoned, and checked when it is given out again.
Invariants: I-MEM-5: the record of a slab's frame says SLAB and the size class, so an address tells its class.
Locks: one per size class (Rank.SLAB) guards the class's slabs. A cache is its CPU's own.
Not here: who pays; callers charge an account first (caps/account.py).
"""
from compiler.prelude import (
    addr,
    array,
    const,
    guarded_by,
    option,
    percpu,
    percpu_address,
    ptr,
    requires,
    struct,
    u8,
    u16,
    u32,
    u64,
    wrap_add,
)
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.memory import physical, window
from kernel.memory.buddy import NO_FRAME
from kernel.memory.fail_nth import must_fail
from kernel.memory.frame_table import Frame, Use, record
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

LARGEST_OBJECT = const(2048)
UNIT = const(64)                        # sizes are multiples of a cache line, and objects begin on one

_SIZES = const([64, 128, 192, 256, 384, 512, 768, 1024, 2048])
_CLASSES = const(9)
_CLASS_BY_UNITS = const([sum(size < units * UNIT for size in _SIZES) for units in range(LARGEST_OBJECT // UNIT + 1)])
_WORD_BYTES = const(8)
_NO_OBJECT = const(0xFF)
_CACHED = const(16)                     # objects of a class that a CPU keeps at most
_BATCH = const(8)
_POISON = const(0x6B6B_6B6B_6B6B_6B6B)
_POISONED = const(option("DEBUG", False))


@struct
class SizeClass:
    lock: SpinLock
    with guarded_by("lock"):
        first_slab: u32                 # those with a free object, linked by their records


@struct
class ObjectCache:
    first: u64 = 0                      # address of a free object; each begins with the next one's
    count: u32 = 0


@struct
class Caches:
    of_class: array[ObjectCache, _CLASSES]


_size_of: array[u32, _CLASSES] = array(size for size in _SIZES)
_class_of: array[u8, LARGEST_OBJECT // UNIT + 1] = array(kind for kind in _CLASS_BY_UNITS)   # by units, rounded up
_classes: array[SizeClass, _CLASSES] = array(
    SizeClass(lock=SpinLock(rank=Rank.SLAB), first_slab=NO_FRAME) for _ in range(_CLASSES)
)
_caches: percpu[Caches] = Caches()


def allocate(length: u64) -> ptr[u8] | None:
    """At least `length` zeroed bytes on a cache line of their own; None when memory runs out."""
    assert length <= LARGEST_OBJECT
    if must_fail():
        return None
    kind = u64(_class_of[(length + UNIT - 1) // UNIT])
    cache = addr(_mine().of_class[kind])
    if cache.count == 0 and not _refill(cache, kind):
        return None
    place = cache.first
    cache.first = ptr[u64](place)[0]
    cache.count -= 1
    size = u64(_size_of[kind])
    if _POISONED:
        _check_poison(place, size)
    words = ptr[u64](place)
    for index in range(size // _WORD_BYTES):
        words[index] = 0
    return ptr[u8](place)


def release(pointer: ptr[u8]) -> None:
    place = u64(pointer)
    frame = record(_frame_of(place))
    assert frame.use == Use.SLAB, "a released object is not in a slab"
    kind = u64(frame.size_class)
    if _POISONED:
        _poison(place, u64(_size_of[kind]))
    cache = addr(_mine().of_class[kind])
    if cache.count == _CACHED:
        _give_back(cache, kind)
    ptr[u64](place)[0] = cache.first
    cache.first = place
    cache.count += 1


def _refill(cache: ptr[ObjectCache], kind: u64) -> bool:
    """Returns False when not even one object can be had."""
    sizes = addr(_classes[kind])
    with sizes.lock:
        while cache.count < _BATCH:
            if sizes.first_slab == NO_FRAME and (cache.count != 0 or not _add_slab(sizes, kind)):
                break
            frame = sizes.first_slab
            slab = record(frame)
            place = window.address(u64(frame) << PAGE_SHIFT) + u64(slab.first_object) * UNIT
            following = ptr[u64](place)[0]
            slab.first_object = _place_in_slab(following)
            slab.in_use += 1
            if following == 0:
                _unlink(sizes, slab)
            ptr[u64](place)[0] = cache.first
            cache.first = place
            cache.count += 1
    return cache.count != 0


def _give_back(cache: ptr[ObjectCache], kind: u64) -> None:
    sizes = addr(_classes[kind])
    with sizes.lock:
        for _ in range(_BATCH):
            place = cache.first
            cache.first = ptr[u64](place)[0]
            cache.count -= 1
            frame = _frame_of(place)
            slab = record(frame)
            if slab.first_object == _NO_OBJECT:
                ptr[u64](place)[0] = 0
                _link(sizes, frame)
            else:
                ptr[u64](place)[0] = (place & ~u64(PAGE_BYTES - 1)) + u64(slab.first_object) * UNIT
            slab.first_object = _place_in_slab(place)
            slab.in_use -= 1
            if slab.in_use == 0:
                _unlink(sizes, slab)
                physical.release_frame(u64(frame) << PAGE_SHIFT)


@requires("sizes.lock")
def _add_slab(sizes: ptr[SizeClass], kind: u64) -> bool:
    place = physical.allocate(0)
    if place == 0:
        return False
    size = u64(_size_of[kind])
    start = window.address(place)
    following: u64 = 0
    at = PAGE_BYTES // size * size
    while at != 0:
        at -= size
        if _POISONED:
            _fill_poison(start + at, size)
        ptr[u64](start + at)[0] = following
        following = start + at
    frame = u32(place >> PAGE_SHIFT)
    slab = record(frame)
    slab.use = Use.SLAB
    slab.size_class = u8(kind)
    slab.first_object = 0
    slab.in_use = u16(0)
    _link(sizes, frame)
    return True


@requires("sizes.lock")
def _link(sizes: ptr[SizeClass], frame: u32) -> None:
    slab = record(frame)
    slab.next = sizes.first_slab
    slab.previous = NO_FRAME
    if sizes.first_slab != NO_FRAME:
        record(sizes.first_slab).previous = frame
    sizes.first_slab = frame


@requires("sizes.lock")
def _unlink(sizes: ptr[SizeClass], slab: ptr[Frame]) -> None:
    if slab.next != NO_FRAME:
        record(slab.next).previous = slab.previous
    if slab.previous != NO_FRAME:
        record(slab.previous).next = slab.next
    else:
        sizes.first_slab = slab.next


def _place_in_slab(place: u64) -> u8:
    return u8((place & (PAGE_BYTES - 1)) // UNIT) if place != 0 else u8(_NO_OBJECT)


def _frame_of(place: u64) -> u32:
    return u32(window.physical(place) >> PAGE_SHIFT)


def _mine() -> ptr[Caches]:
    return ptr[Caches](wrap_add(cpu.base, percpu_address(_caches)))


def _poison(place: u64, size: u64) -> None:
    words = ptr[u64](place)
    assert words[1] != _POISON or words[2] != _POISON, "an object was released twice"
    _fill_poison(place, size)


def _fill_poison(place: u64, size: u64) -> None:
    words = ptr[u64](place)
    for index in range(u64(1), size // _WORD_BYTES):
        words[index] = _POISON


def _check_poison(place: u64, size: u64) -> None:
    words = ptr[u64](place)
    for index in range(u64(1), size // _WORD_BYTES):
        assert words[index] == _POISON, "an object was written after its release"
