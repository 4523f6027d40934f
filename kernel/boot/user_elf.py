"""The first program's ELF file, loaded by the kernel because there is no user program yet that could.

Source: System V ABI, chapters 4 and 5. Every offset is checked against the file, every address against the user's part
of the address space, before anything is mapped.
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
from compiler.prelude import addr, const, memory_copy, ptr, span, struct, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_RING, USER_LOWEST
from kernel.abi.memory import EXECUTE, READ, WRITE
from kernel.arch.x86_64 import paging
from kernel.core.process_block import Process
from kernel.memory import window
from kernel.memory_map import PAGE_BYTES
from kernel.objects.fresh import map_fresh

_PAGE_MASK = const(PAGE_BYTES - 1)


@struct
class Segment:
    flags: u32
    offset: u64
    start: u64
    file_bytes: u64
    memory_bytes: u64


def load(file: span[u8], process: ptr[Process]) -> str:
    """Maps every segment into an address space. Returns what is wrong with the file, or nothing."""
    problem = _check_header(file)
    if len(problem) != 0:
        return problem
    for index in range(u64(u16_at(file, PROGRAM_COUNT_OFFSET))):
        at = u64_at(file, PROGRAM_TABLE_OFFSET) + index * PROGRAM_HEADER_BYTES
        if u32_at(file, at) != SEGMENT_LOAD:
            continue
        segment = Segment(
            flags=u32_at(file, at + 4),
            offset=u64_at(file, at + 8),
            start=u64_at(file, at + 16),
            file_bytes=u64_at(file, at + 32),
            memory_bytes=u64_at(file, at + 40),
        )
        problem = _check_segment(file, addr(segment), process.space.root)
        if len(problem) != 0:
            return problem
        if not _map_segment(file, addr(segment), process):
            return "out of memory"
    return ""


def entry_point(file: span[u8]) -> u64:
    return u64_at(file, ENTRY_OFFSET)


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
    entry = entry_point(file)
    if not USER_LOWEST <= entry < FIRST_RING:
        return "the entry point lies outside the program's addresses"
    return ""


def _check_segment(file: span[u8], segment: ptr[Segment], root: u64) -> str:
    if segment.flags & (SEGMENT_WRITABLE | SEGMENT_EXECUTABLE) == SEGMENT_WRITABLE | SEGMENT_EXECUTABLE:
        return "a segment is both writable and executable"
    if segment.file_bytes > segment.memory_bytes or not _is_inside(segment.offset, segment.file_bytes, u64(len(file))):
        return "a segment lies outside the file"
    if segment.start < USER_LOWEST or not _is_inside(segment.start, segment.memory_bytes, FIRST_RING):
        return "a segment lies outside the program's addresses"
    if segment.start & _PAGE_MASK != 0:
        return "a segment does not begin on a page"
    for page in range(segment.start, segment.start + segment.memory_bytes, PAGE_BYTES):
        if paging.translate(root, page) != 0:
            return "two segments share a page"
    return ""


def _map_segment(file: span[u8], segment: ptr[Segment], process: ptr[Process]) -> bool:
    length = (segment.memory_bytes + _PAGE_MASK) & ~u64(_PAGE_MASK)
    if map_fresh(process, segment.start, length, _access(segment.flags)) != Status.OK:
        return False
    done: u64 = 0
    while done < segment.file_bytes:
        frame = paging.translate(process.space.root, segment.start + done) & paging.ADDRESS
        part = file[segment.offset + done : segment.offset + min(done + PAGE_BYTES, segment.file_bytes)]
        memory_copy(ptr[u8](window.address(frame)), addr(part[0]), u64(len(part)))
        done += PAGE_BYTES
    return True


def _access(flags: u32) -> u64:
    if flags & SEGMENT_EXECUTABLE != 0:
        return READ | EXECUTE
    return READ | WRITE if flags & SEGMENT_WRITABLE != 0 else READ


def _is_inside(offset: u64, length: u64, whole: u64) -> bool:
    return offset <= whole and length <= whole - offset
