"""The kernel file: ELF64 header and program headers, read with every offset checked.

Pure: tested on the host. Source: System V ABI, chapters 4 and 5.
"""
from boot.core.fields import starts_with, u16_at, u32_at, u64_at
from boot.limine.protocol import LOWEST_EXECUTABLE_ADDRESS
from compiler.prelude import const, ptr, span, struct, u8, u16, u32, u64, wrap_sub

HEADER_BYTES = const(64)
PROGRAM_HEADER_BYTES = const(56)
CLASS_OFFSET = const(4)
TYPE_OFFSET = const(16)
MACHINE_OFFSET = const(18)
ENTRY_OFFSET = const(24)
PROGRAM_TABLE_OFFSET = const(32)
PROGRAM_SIZE_OFFSET = const(54)
PROGRAM_COUNT_OFFSET = const(56)
CLASS_64 = const(2)
TYPE_EXECUTABLE = const(2)
MACHINE_X86_64 = const(62)
SEGMENT_LOAD = const(1)
SEGMENT_EXECUTABLE = const(1)
SEGMENT_WRITABLE = const(2)


@struct
class Segment:
    virtual: u64
    offset: u64
    file_bytes: u64
    memory_bytes: u64
    flags: u32
    is_loaded: bool


def check_executable(file: span[u8]) -> str:
    """What keeps this file from being a kernel, or nothing."""
    if u64(len(file)) < HEADER_BYTES or not starts_with(file, b"\x7fELF"):
        return "kernel: not an ELF file"
    if file[CLASS_OFFSET] != CLASS_64 or u16_at(file, MACHINE_OFFSET) != MACHINE_X86_64:
        return "kernel: not an ELF file for x86_64"
    if u16_at(file, TYPE_OFFSET) != TYPE_EXECUTABLE:
        return "kernel: not a static executable"
    if u16_at(file, PROGRAM_SIZE_OFFSET) != PROGRAM_HEADER_BYTES:
        return "kernel: program headers of an unknown size"
    table_bytes = u64(segment_count(file)) * PROGRAM_HEADER_BYTES
    if not _is_inside(u64_at(file, PROGRAM_TABLE_OFFSET), table_bytes, u64(len(file))):
        return "kernel: program headers lie outside the file"
    return ""


def entry_point(file: span[u8]) -> u64:
    return u64_at(file, ENTRY_OFFSET)


def segment_count(file: span[u8]) -> u16:
    return u16_at(file, PROGRAM_COUNT_OFFSET)


def read_segment(file: span[u8], index: u64, segment: ptr[Segment]) -> str:
    """Fills `segment`. Returns what is wrong with it, or nothing. Requires: check_executable passed."""
    at = u64_at(file, PROGRAM_TABLE_OFFSET) + index * PROGRAM_HEADER_BYTES
    segment.is_loaded = u32_at(file, at) == SEGMENT_LOAD
    segment.flags = u32_at(file, at + 4)
    segment.offset = u64_at(file, at + 8)
    segment.virtual = u64_at(file, at + 16)
    segment.file_bytes = u64_at(file, at + 32)
    segment.memory_bytes = u64_at(file, at + 40)
    if not segment.is_loaded:
        return ""
    if segment.virtual < LOWEST_EXECUTABLE_ADDRESS:
        return "kernel: a segment lies below the top two gigabytes of the address space"
    room = wrap_sub(u64(0), segment.virtual) - 1
    if segment.memory_bytes > room or segment.file_bytes > segment.memory_bytes:
        return "kernel: a segment has an impossible size"
    if not _is_inside(segment.offset, segment.file_bytes, u64(len(file))):
        return "kernel: a segment lies outside the file; the file is cut short"
    return ""


def _is_inside(offset: u64, length: u64, whole: u64) -> bool:
    return offset <= whole and length <= whole - offset
