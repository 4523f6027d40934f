"""The reader of programs' files: what it accepts, and what it says of what it refuses."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import addr
from kernel.abi import program_file

BASE = 0x400000
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
READ, WRITE, EXECUTE = 4, 2, 1

TEXT = (1, READ | EXECUTE, 4096, BASE, 100, 200)
DATA = (1, READ | WRITE, 4196, BASE + 0x1000, 50, 9000)


def make(segments: list[tuple[int, int, int, int, int, int]], entry: int = BASE + 16, **changes: int) -> bytes:
    """An executable; a segment is (type, flags, offset, address, bytes in the file, bytes in memory)."""
    values = {"machine": 62, "type": 2, "program_size": 56, "class": 2, "table": 64, **changes}
    ident = b"\x7fELF" + bytes([values["class"], 1, 1]) + bytes(9)
    shape = (64, values["program_size"], len(segments), 64, 0, 0)
    header = HEADER.pack(ident, values["type"], values["machine"], 1, entry, values["table"], 0, 0, *shape)
    table = b"".join(PROGRAM.pack(k, f, o, a, a, n, m, 4096) for k, f, o, a, n, m in segments)
    return (header + table).ljust(4096, b"\0") + bytes(range(256)) * 16


def problem(file: bytes) -> str:
    return str(program_file.read_image(file, addr(program_file.Image())))


def test_accepts_text_and_data() -> None:
    image = program_file.Image()
    assert program_file.read_image(make([TEXT, DATA]), addr(image)) == ""
    assert (int(image.entry), int(image.count)) == (BASE + 16, 2)
    data = image.segments[1]
    assert (int(data.start), int(data.length)) == (BASE + 0x1000, 12288)
    assert (int(data.offset), int(data.file_bytes)) == (4196, 50)


def test_leaves_out_what_is_not_loaded_and_what_is_empty() -> None:
    image = program_file.Image()
    assert program_file.read_image(make([TEXT, (2, READ, 1 << 60, 0, 1, 1), (1, READ, 0, 0, 0, 0)]), addr(image)) == ""
    assert int(image.count) == 1


def test_refuses_files_that_are_no_programs() -> None:
    assert problem(b"") == "not an ELF file"
    assert problem(make([TEXT])[:63]) == "not an ELF file"
    assert problem(make([TEXT], machine=3)) == "not an ELF file for x86_64"
    assert problem(make([TEXT], **{"class": 1})) == "not an ELF file for x86_64"
    assert problem(make([TEXT], type=3)) == "not a static executable"
    assert problem(make([TEXT], program_size=32)) == "not a static executable"
    assert problem(make([TEXT], table=1 << 63)) == "program headers lie outside the file"
    assert problem(make([])) == "the entry point lies in no segment that can be executed"


def test_refuses_segments_that_are_wrong() -> None:
    def with_data(*data: int) -> str:
        return problem(make([TEXT, data]))  # type: ignore[list-item]

    top = 0x7FFF_0000_0000
    assert with_data(1, WRITE | EXECUTE, 4096, BASE + 0x1000, 1, 1) == "a segment is both writable and executable"
    assert with_data(1, READ, 8192, BASE + 0x1000, 1, 1) == "a segment lies outside the file"
    assert with_data(1, READ, 2**64 - 1, BASE + 0x1000, 2, 2) == "a segment lies outside the file"
    assert with_data(1, READ, 4096, BASE + 0x1000, 2, 1) == "a segment lies outside the file"
    assert with_data(1, READ, 4096, 0, 1, 1) == "a segment lies outside the program's addresses"
    assert with_data(1, READ, 4096, top - 4096, 1, 4097) == "a segment lies outside the program's addresses"
    assert with_data(1, READ, 4096, BASE + 0x1000, 1, 2**64 - 1) == "a segment lies outside the program's addresses"
    assert with_data(1, READ, 4096, 0xFFFF_8000_0000_0000, 1, 1) == "a segment lies outside the program's addresses"
    assert with_data(1, READ, 4096, BASE + 0x1010, 1, 1) == "a segment does not begin on a page"
    assert with_data(1, READ, 4096, BASE, 1, 1) == "two segments share a page"
    assert with_data(1, READ, 4096, BASE - 0x1000, 1, 0x1001) == "two segments share a page"


def test_refuses_an_entry_point_that_cannot_be_executed() -> None:
    wanted = "the entry point lies in no segment that can be executed"
    assert problem(make([TEXT, DATA], entry=BASE + 0x1000)) == wanted
    assert problem(make([TEXT, DATA], entry=0)) == wanted


def test_refuses_more_segments_than_it_has_places_for() -> None:
    segments = [(1, READ | EXECUTE, 4096, BASE + index * 4096, 1, 1) for index in range(17)]
    assert problem(make(segments[:16])) == ""
    assert problem(make(segments)) == "more than 16 segments"


@given(place=st.integers(0, 64 + 2 * 56 - 1), value=st.binary(min_size=1, max_size=9), cut=st.integers(0, 8192))
def test_never_reads_outside_or_accepts_what_lies_outside(place: int, value: bytes, cut: int) -> None:
    whole = make([TEXT, DATA])
    file = (whole[:place] + value + whole[place + len(value) :])[: len(whole) - cut]
    image = program_file.Image()
    if program_file.read_image(file, addr(image)) != "":
        return
    for segment in image.segments[: int(image.count)]:
        assert int(segment.offset) + int(segment.file_bytes) <= len(file)
        assert int(segment.file_bytes) <= int(segment.length)
        assert int(segment.start) >= 0x1000 and int(segment.start) + int(segment.length) <= 0x7FFF_0000_0000
