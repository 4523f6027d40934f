"""The kernel file's reader: what it accepts, and what it says of what it refuses."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.core import elf
from compiler.prelude import addr, u64

BASE = 0xFFFFFFFF80000000
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")


def make(segments: list[tuple[int, int, int, int, int, int]], **changes: int) -> bytes:
    """An executable; a segment is (type, flags, offset, address, bytes in the file, bytes in memory)."""
    given_values = {"machine": 62, "type": 2, "program_size": 56, "class": 2, "table": 64, **changes}
    ident = b"\x7fELF" + bytes([given_values["class"], 1, 1]) + bytes(9)
    shape = (64, given_values["program_size"], len(segments), 64, 0, 0)
    header = HEADER.pack(
        ident, given_values["type"], given_values["machine"], 1, BASE + 16, given_values["table"], 0, 0, *shape
    )
    table = b"".join(PROGRAM.pack(k, f, o, a, a, n, m, 4096) for k, f, o, a, n, m in segments)
    return (header + table).ljust(4096, b"\0") + bytes(range(256)) * 16


GOOD = (1, 5, 4096, BASE, 100, 200)


def problems(file: bytes) -> str:
    problem = elf.check_executable(file)
    if problem:
        return problem
    for index in range(int(elf.segment_count(file))):
        segment = elf.Segment()
        problem = elf.read_segment(file, u64(index), addr(segment))
        if problem:
            return problem
    return ""


def test_a_segment_is_read() -> None:
    file = make([GOOD])
    segment = elf.Segment()
    assert problems(file) == "" == elf.read_segment(file, u64(0), addr(segment))
    assert (int(segment.virtual), int(segment.offset)) == (BASE, 4096)
    assert (int(segment.file_bytes), int(segment.memory_bytes), int(segment.flags)) == (100, 200, 5)
    assert segment.is_loaded and elf.entry_point(file) == BASE + 16


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "not an ELF file"),
        (b"#!" + bytes(100), "not an ELF file"),
        (make([GOOD], machine=3), "not an ELF file for x86_64"),
        (make([GOOD], **{"class": 1}), "not an ELF file for x86_64"),
        (make([GOOD], type=3), "not a static executable"),
        (make([GOOD], program_size=32), "unknown size"),
        (make([GOOD], table=1 << 40), "outside the file"),
        (make([(1, 5, 4096, 0x400000, 1, 1)]), "below the top two gigabytes"),
        (make([(1, 5, 4096, BASE, 200, 100)]), "impossible size"),
        (make([(1, 5, 4096, BASE, 1, 1 << 32)]), "impossible size"),
        (make([(1, 5, 4096, BASE, 1 << 20, 1 << 20)]), "cut short"),
    ],
)
def test_a_bad_file_is_refused_in_words(file: bytes, words: str) -> None:
    assert words in problems(file)


@given(st.binary(max_size=300), st.integers(0, 130))
def test_no_file_traps_the_reader(noise: bytes, place: int) -> None:
    file = make([GOOD])
    problems(file[:place] + noise + file[place + len(noise) :])
