"""The kernel's segments: placed in one physically contiguous range and mapped with their own permissions.

Invariants: no page belongs to two segments; only what a segment names is writable or executable.
"""
from boot.core.elf import (
    SEGMENT_EXECUTABLE,
    SEGMENT_WRITABLE,
    Segment,
    check_executable,
    entry_point,
    read_segment,
    segment_count,
)
from boot.core.memory_map import find_room
from boot.core.pages import LIMIT, allocate_range, memory
from boot.core.paging import NO_EXECUTE, WRITABLE, map_range
from boot.core.processor_features import has_no_execute
from boot.core.report import fail
from boot.core.rounding import round_down, round_up
from boot.limine.protocol import MEMORY_EXECUTABLE_AND_MODULES
from compiler.prelude import addr, const, memory_copy, ptr, span, struct, u8, u32, u64, zeroed
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES

LARGEST_KERNEL_BYTES = const(1 << 28)


@struct
class KernelImage:
    physical_base: u64
    virtual_base: u64
    length: u64
    entry: u64


def load_kernel(file: span[u8], root: u64, image: ptr[KernelImage]) -> None:
    _check(check_executable(file))
    _measure(file, image)
    alignment: u64 = LARGE_PAGE_BYTES
    if find_room(addr(memory), image.length, alignment, LIMIT) == 0:
        alignment = PAGE_BYTES
    image.physical_base = allocate_range(image.length, alignment, MEMORY_EXECUTABLE_AND_MODULES)
    image.entry = entry_point(file)
    segment: Segment = zeroed()
    for index in range(u64(segment_count(file))):
        _check(read_segment(file, index, addr(segment)))
        if segment.is_loaded and segment.memory_bytes != 0:
            _place(file, addr(segment), root, image)


def _measure(file: span[u8], image: ptr[KernelImage]) -> None:
    """Finds the pages that the segments cover; segments must ascend and keep to pages of their own."""
    segment: Segment = zeroed()
    end: u64 = 0
    for index in range(u64(segment_count(file))):
        _check(read_segment(file, index, addr(segment)))
        if not segment.is_loaded or segment.memory_bytes == 0:
            continue
        first = round_down(segment.virtual, PAGE_BYTES)
        if end == 0:
            image.virtual_base = first
        elif first < end:
            fail("kernel: two segments share a page or do not ascend")
        end = round_up(segment.virtual + segment.memory_bytes, PAGE_BYTES)
    if end == 0:
        fail("kernel: it has no segments to load")
    image.length = end - image.virtual_base
    if image.length > LARGEST_KERNEL_BYTES:
        fail("kernel: its segments span more than 256 MiB")


def _place(file: span[u8], segment: ptr[Segment], root: u64, image: ptr[KernelImage]) -> None:
    target = image.physical_base + (segment.virtual - image.virtual_base)
    if segment.file_bytes != 0:
        source = file[segment.offset:segment.offset + segment.file_bytes]
        memory_copy(ptr[u8](target), addr(source[0]), segment.file_bytes)
    first = round_down(segment.virtual, PAGE_BYTES)
    end = round_up(segment.virtual + segment.memory_bytes, PAGE_BYTES)
    physical = image.physical_base + (first - image.virtual_base)
    map_range(root, first, physical, end - first, _page_flags(segment.flags))


def _page_flags(segment_flags: u32) -> u64:
    flags: u64 = 0
    if (segment_flags & SEGMENT_WRITABLE) != 0:
        flags = WRITABLE
    if (segment_flags & SEGMENT_EXECUTABLE) == 0 and has_no_execute():
        flags = flags | NO_EXECUTE
    return flags


def _check(problem: str) -> None:
    if len(problem) != 0:
        fail(problem)
