"""A program's file: ELF64, static, for x86_64, looked at in full before anything is made of it, by the kernel for the
first program and by programs for all others.

The file is somebody else's: every offset is checked against the file, every address against the program's part of the
address space. Pure: tested on the host. Source: System V ABI, chapters 4 and 5.
"""
from boot.core.elf import (
    CLASS_64,
    CLASS_OFFSET,
    ENTRY_OFFSET,
    HEADER_BYTES,
    MACHINE_OFFSET,
    MACHINE_X86_64,
    PROGRAM_COUNT_OFFSET,
    PROGRAM_HEADER_BYTES,
    PROGRAM_SIZE_OFFSET,
    PROGRAM_TABLE_OFFSET,
    SEGMENT_EXECUTABLE,
    SEGMENT_LOAD,
    SEGMENT_WRITABLE,
    TYPE_EXECUTABLE,
    TYPE_OFFSET,
)
from boot.core.fields import starts_with, u16_at, u32_at, u64_at
from compiler.prelude import addr, array, const, ptr, span, struct, u8, u32, u64
from kernel.abi.layout import FIRST_RING, USER_LOWEST
from kernel.abi.memory import EXECUTE, READ, WRITE
from kernel.arch.x86_64.pages import PAGE_BYTES

MOST_SEGMENTS = const(16)
_PAGE_MASK = const(PAGE_BYTES - 1)


@struct
class Segment:
    start: u64                          # where it goes: a page
    length: u64                         # there, in whole pages; what the file does not fill is zero
    offset: u64                         # in the file
    file_bytes: u64
    access: u64                         # kernel/abi/memory.py


@struct
class Image:
    entry: u64
    count: u64
    segments: array[Segment, MOST_SEGMENTS]


def read_image(file: span[u8], image: ptr[Image]) -> str:
    """Fills `image`. Returns what is wrong with the file, or nothing."""
    problem = _check_header(file)
    if len(problem) != 0:
        return problem
    image.entry = u64_at(file, ENTRY_OFFSET)
    image.count = 0
    for index in range(u64(u16_at(file, PROGRAM_COUNT_OFFSET))):
        at = u64_at(file, PROGRAM_TABLE_OFFSET) + index * PROGRAM_HEADER_BYTES
        if u32_at(file, at) != SEGMENT_LOAD or u64_at(file, at + 40) == 0:
            continue
        if image.count == MOST_SEGMENTS:
            return "more than 16 segments"
        problem = _read_segment(file, at, image)
        if len(problem) != 0:
            return problem
    if not _can_start(image):
        return "the entry point lies in no segment that can be executed"
    return ""


def _check_header(file: span[u8]) -> str:
    if u64(len(file)) < HEADER_BYTES or not starts_with(file, b"\x7fELF"):
        return "not an ELF file"
    if file[CLASS_OFFSET] != CLASS_64 or u16_at(file, MACHINE_OFFSET) != MACHINE_X86_64:
        return "not an ELF file for x86_64"
    if u16_at(file, TYPE_OFFSET) != TYPE_EXECUTABLE or u16_at(file, PROGRAM_SIZE_OFFSET) != PROGRAM_HEADER_BYTES:
        return "not a static executable"
    table_bytes = u64(u16_at(file, PROGRAM_COUNT_OFFSET)) * PROGRAM_HEADER_BYTES
    if not _is_inside(u64_at(file, PROGRAM_TABLE_OFFSET), table_bytes, u64(len(file))):
        return "program headers lie outside the file"
    return ""


def _read_segment(file: span[u8], at: u64, image: ptr[Image]) -> str:
    segment = addr(image.segments[image.count])
    flags = u32_at(file, at + 4)
    memory_bytes = u64_at(file, at + 40)
    segment.offset = u64_at(file, at + 8)
    segment.start = u64_at(file, at + 16)
    segment.file_bytes = u64_at(file, at + 32)
    if flags & (SEGMENT_WRITABLE | SEGMENT_EXECUTABLE) == SEGMENT_WRITABLE | SEGMENT_EXECUTABLE:
        return "a segment is both writable and executable"
    if segment.file_bytes > memory_bytes or not _is_inside(segment.offset, segment.file_bytes, u64(len(file))):
        return "a segment lies outside the file"
    if segment.start < USER_LOWEST or not _is_inside(segment.start, memory_bytes, FIRST_RING):
        return "a segment lies outside the program's addresses"
    if segment.start & _PAGE_MASK != 0:
        return "a segment does not begin on a page"
    segment.length = (memory_bytes + _PAGE_MASK) & ~u64(_PAGE_MASK)
    segment.access = _access(flags)
    for index in range(image.count):
        other = addr(image.segments[index])
        if segment.start < other.start + other.length and other.start < segment.start + segment.length:
            return "two segments share a page"
    image.count += 1
    return ""


def _can_start(image: ptr[Image]) -> bool:
    for index in range(image.count):
        segment = addr(image.segments[index])
        if segment.access & EXECUTE != 0 and segment.start <= image.entry < segment.start + segment.length:
            return True
    return False


def _access(flags: u32) -> u64:
    if flags & SEGMENT_EXECUTABLE != 0:
        return READ | EXECUTE
    return READ | WRITE if flags & SEGMENT_WRITABLE != 0 else READ


def _is_inside(offset: u64, length: u64, whole: u64) -> bool:
    return offset <= whole and length <= whole - offset
