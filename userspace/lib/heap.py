"""Memory for coroutine frames and other small things: blocks by size, free ones kept for the next of their size.

Blocks come from one arena, front to back; a block that was given back goes to the next that asks for its size. Sizes
are multiples of 16 bytes up to LARGEST_BLOCK.
"""
from compiler.prelude import addr, array, const, frame_allocator, frame_release, panic, ptr, u8, u64, zeroed

LARGEST_BLOCK = const(4096)
_UNIT = const(16)
_ARENA_BYTES = const(1 << 20)

_arena: array[u8, _ARENA_BYTES] = zeroed(align=_UNIT)
_used: u64 = 0
# By size: the address of a free block, which begins with the next one's.
_free: array[u64, LARGEST_BLOCK // _UNIT + 1] = zeroed()


@frame_allocator
def allocate(size: u64) -> ptr[u8]:
    """A block of unknown contents. A program that has used up its memory ends."""
    global _used
    units = (size + _UNIT - 1) // _UNIT
    if units * _UNIT > LARGEST_BLOCK:
        panic("a coroutine's frame is larger than any block of the heap")
    block = _free[units]
    if block != 0:
        _free[units] = ptr[u64](block)[0]
        return ptr[u8](block)
    start = _used
    if start + units * _UNIT > _ARENA_BYTES:
        panic("out of memory")
    _used = start + units * _UNIT
    return addr(_arena[start])


@frame_release
def release(block: ptr[u8], size: u64) -> None:
    units = (size + _UNIT - 1) // _UNIT
    ptr[u64](block)[0] = _free[units]
    _free[units] = u64(block)
