"""The PE32+ wrapper, read back field by field and loaded as firmware would load it."""

import struct
from dataclasses import dataclass

import pytest

from compiler.elf_object import LinkError
from compiler.layout import LAYOUTS
from compiler.link import link
from compiler.pe import wrap
from tests.compiler.link_objects import assemble, bytes_at, symbols

TABLE = """
@number = dso_local constant i64 99
@table = dso_local global [600 x ptr] [POINTERS]
@single = dso_local global ptr @number
@zeros = dso_local global [9000 x i8] zeroinitializer
@text = dso_local constant [5 x i8] c"hello"
define dso_local ptr @_start(i64 %i) {
  %p = getelementptr [600 x ptr], ptr @table, i64 0, i64 %i
  %v = load ptr, ptr %p
  ret ptr %v
}
""".replace("POINTERS", ", ".join(["ptr @number"] * 600))


@dataclass(frozen=True)
class Section:
    name: bytes
    size: int
    address: int
    stored: int
    offset: int
    flags: int


@dataclass(frozen=True)
class Parsed:
    data: bytes
    optional: tuple[int, ...]
    directories: list[tuple[int, int]]
    sections: list[Section]

    def load(self, base: int) -> bytearray:
        """The image in memory at `base`, relocated."""
        memory = bytearray(self.optional[18])
        for section in self.sections:
            stored = self.data[section.offset : section.offset + section.stored]
            memory[section.address : section.address + len(stored)] = stored
        position, size = self.directories[5]
        end = position + size
        while position < end:
            page, block = struct.unpack_from("<II", memory, position)
            for (entry,) in struct.iter_unpack("<H", memory[position + 8 : position + block]):
                if entry >> 12 == 10:
                    at = page + (entry & 0xFFF)
                    (word,) = struct.unpack_from("<Q", memory, at)
                    struct.pack_into("<Q", memory, at, word + base)
                else:
                    assert entry == 0
            position += block
        return memory


def parse(data: bytes) -> Parsed:
    assert data[:2] == b"MZ"
    start = struct.unpack_from("<I", data, 0x3C)[0]
    signature, machine, count, *_, optional_bytes, kind = struct.unpack_from("<4sHHIIIHH", data, start)
    assert (signature, machine, kind & 2) == (b"PE\0\0", 0x8664, 2)
    optional = struct.unpack_from("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", data, start + 24)
    directories = list(struct.iter_unpack("<II", data[start + 24 + 112 : start + 24 + optional_bytes]))
    assert len(directories) == optional[-1] == 16
    sections = []
    for index in range(count):
        fields = struct.unpack_from("<8sIIII12xI", data, start + 24 + optional_bytes + 40 * index)
        sections.append(Section(fields[0].rstrip(b"\0"), *fields[1:]))
    return Parsed(data, optional, directories, sections)


@pytest.fixture(scope="module")
def image() -> bytes:
    return link([assemble(TABLE, "uefi")], LAYOUTS["uefi"])


def test_headers_describe_an_efi_application(image: bytes) -> None:
    optional = parse(wrap(image)).optional
    assert optional[0] == 0x20B and optional[21] == 10
    assert optional[6] == symbols(image)["_start"]
    assert optional[8] == 0 and optional[9:11] == (0x1000, 0x200)
    assert optional[19] % 0x200 == 0 and optional[19] <= 0x1000


def test_sections_are_ordered_aligned_and_never_writable_and_executable(image: bytes) -> None:
    pe = parse(wrap(image))
    assert [section.name for section in pe.sections] == [b".text", b".rdata", b".data", b".reloc"]
    end = 0x1000
    for section in pe.sections:
        assert section.address % 0x1000 == 0 and section.address >= end
        assert section.offset % 0x200 == section.stored % 0x200 == 0
        assert section.offset + section.stored <= len(pe.data)
        assert section.flags & 0xA0000000 != 0xA0000000 and section.flags & 0x40000000
        end = section.address + section.size
    assert pe.optional[18] >= end and pe.optional[18] % 0x1000 == 0


@pytest.mark.parametrize("base", [0, 0x7E00_0000, 0x1234_5678_9000])
def test_loaded_image_points_to_where_it_was_loaded(image: bytes, base: int) -> None:
    memory, names = parse(wrap(image)).load(base), symbols(image)
    table = struct.unpack_from("<600Q", memory, names["table"])
    assert set(table) == {base + names["number"]}
    assert struct.unpack_from("<Q", memory, names["single"])[0] == base + names["number"]
    assert struct.unpack_from("<Q", memory, names["number"])[0] == 99
    assert memory[names["text"] : names["text"] + 5] == b"hello"
    assert not any(memory[names["zeros"] : names["zeros"] + 9000])
    start, end = names["__text_start"], names["__text_end"]
    assert memory[start:end] == bytes_at(image, start, end - start)


def test_image_without_addresses_has_a_dummy_block() -> None:
    pe = parse(wrap(link([assemble("define i64 @_start() { ret i64 0 }", "uefi")], LAYOUTS["uefi"])))
    place, size = pe.directories[5]
    assert size == 12 and pe.load(0)[place : place + 12] == struct.pack("<III", 0, 12, 0)


def test_other_layouts_are_refused() -> None:
    with pytest.raises(LinkError, match="link it with the layout uefi"):
        wrap(link([assemble("define void @_start() { ret void }", "user")], LAYOUTS["user"]))
