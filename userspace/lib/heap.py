"""Memory for coroutine frames and other small things: blocks by size, free ones kept for the next of their size.

Blocks come from arenas, front to back; a block that was given back goes to the next that asks for its size. Sizes are
multiples of 16 bytes up to SMALL_BYTES, whole pages beyond. The first arena is part of the program; a further one is
Memory, as large as all before it together, mapped behind the last, charged to the program's account.
"""
from compiler.prelude import addr, array, const, frame_allocator, frame_release, panic, ptr, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from userspace.lib.memory import PAGE, create_memory, map_memory
from userspace.lib.start_info import start_info
from userspace.lib.syscall import close

SMALL_BYTES = const(4096)
LARGEST_PAGES = const(256)
_UNIT = const(16)
_FIRST_BYTES = const(256 << 10)
_LARGEST_ARENA_BYTES = const(8 << 20)
_PLACE = const(0x20_0000_0000)          # where further arenas are mapped, one behind the other

_first: array[u8, _FIRST_BYTES] = zeroed(align=_UNIT)
_next: u64 = 0                          # the arena in use: what is left of it
_end: u64 = 0
_place: u64 = _PLACE
_arena_bytes: u64 = 0                   # of the arena that was made last
# By size: the address of a free block, which begins with the next one's.
_free: array[u64, SMALL_BYTES // _UNIT + 1] = zeroed()
_free_pages: array[u64, LARGEST_PAGES + 1] = zeroed()


@frame_allocator
def allocate(size: u64) -> ptr[u8]:
    """A block of unknown contents. A program that has used up its memory ends."""
    if size > SMALL_BYTES:
        return _allocate_pages(size)
    units = (size + _UNIT - 1) // _UNIT
    block = _free[units]
    if block != 0:
        _free[units] = ptr[u64](block)[0]
        return ptr[u8](block)
    return ptr[u8](_cut(units * _UNIT))


@frame_release
def release(block: ptr[u8], size: u64) -> None:
    """`size` is what was asked for."""
    if size > SMALL_BYTES:
        pages = (size + PAGE - 1) // PAGE
        ptr[u64](block)[0] = _free_pages[pages]
        _free_pages[pages] = u64(block)
        return
    units = (size + _UNIT - 1) // _UNIT
    ptr[u64](block)[0] = _free[units]
    _free[units] = u64(block)


def _allocate_pages(size: u64) -> ptr[u8]:
    pages = (size + PAGE - 1) // PAGE
    if pages > LARGEST_PAGES:
        panic("a block is larger than any of the heap")
    block = _free_pages[pages]
    if block == 0:
        return ptr[u8](_cut(pages * PAGE))
    _free_pages[pages] = ptr[u64](block)[0]
    return ptr[u8](block)


def _cut(size: u64) -> u64:
    """Takes bytes off the arena; what the last arena has left when it is too little stays unused."""
    global _next
    if _end - _next < size:
        _open_arena(size)
    block = _next
    _next = block + size
    return block


def _open_arena(least: u64) -> None:
    global _next, _end, _place, _arena_bytes
    if _arena_bytes == 0 and least <= _FIRST_BYTES:
        _next = u64(addr(_first))
        _end = _next + _FIRST_BYTES
        _arena_bytes = _FIRST_BYTES
        return
    length = max(min(_arena_bytes * 2, u64(_LARGEST_ARENA_BYTES)), least)
    info = start_info()
    status, memory = create_memory(info.account, length)
    if status == Status.OK:
        status = map_memory(memory, info.process, _place | READ | WRITE, 0, length)
        _ = close(memory)
    if status != Status.OK:
        panic("out of memory")
    _next = _place
    _end = _place + length
    _place = _end
    _arena_bytes = length
