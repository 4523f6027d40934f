"""Copying from one Memory object to another, or within one.

Locks: none: frames stay until the kernel is left, whatever becomes of the Memory (core/grace.py).
Not here: how long a copy may take at a time, who may copy (submit/copying.py).
"""
from compiler.prelude import addr, memory_copy, ptr, u8, u64
from kernel.abi.errors import Status
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps.object import State
from kernel.memory import frame_set, window
from kernel.objects.memory_block import Memory


def check_copy(source: ptr[Memory], begin: u64, target: ptr[Memory], place: u64, length: u64) -> Status:
    """Whether `length` bytes at `begin` may be copied to `place`. Errors: BAD_ARGUMENT, NOT_READY."""
    if source.is_device or target.is_device:
        return Status.BAD_ARGUMENT
    if not _is_inside(source, begin, length) or not _is_inside(target, place, length):
        return Status.BAD_ARGUMENT
    if source == target and begin < place + length and place < begin + length:
        return Status.BAD_ARGUMENT
    if not _is_ready(source, begin + length) or not _is_ready(target, place + length):
        return Status.NOT_READY
    return Status.OK


def copy_part(source: ptr[Memory], begin: u64, target: ptr[Memory], place: u64, length: u64) -> Status:
    """Errors: DESTROYED, nothing copied. Requires: check_copy() of a range that this is part of."""
    if source.header.state.load("acquire") != State.ALIVE or target.header.state.load("acquire") != State.ALIVE:
        return Status.DESTROYED
    done: u64 = 0
    while done < length:
        read, readable = _run_at(source, begin + done)
        written, writable = _run_at(target, place + done)
        count = min(length - done, min(readable, writable))
        memory_copy(ptr[u8](written), ptr[u8](read), count)
        done += count
    return Status.OK


def _is_inside(memory: ptr[Memory], begin: u64, length: u64) -> bool:
    size = memory.frames.pages << PAGE_SHIFT
    return begin <= size and length <= size - begin


def _is_ready(memory: ptr[Memory], end: u64) -> bool:
    return end <= memory.ready_pages << PAGE_SHIFT


def _run_at(memory: ptr[Memory], at: u64) -> tuple[u64, u64]:
    """The address of a byte of the Memory, and how many bytes from there on are contiguous."""
    physical, pages = frame_set.find_run(addr(memory.frames), at >> PAGE_SHIFT)
    inside = at & (PAGE_BYTES - 1)
    return window.address(physical) + inside, (pages << PAGE_SHIFT) - inside
