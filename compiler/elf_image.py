"""The executable file: headers, segments, sections, symbol table.

Input law: sections are placed, relocated and in address order, those that are not loaded last.
Output law: file offsets of loaded sections are congruent to their addresses modulo the page, physical addresses equal
virtual ones, each note section has a PT_NOTE of its own (where QEMU looks for the PVH entry).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compiler import elf_format as elf
from compiler.elf_object import InputSection
from compiler.layout import BUILD_ID, BUILD_ID_BYTES, SEGMENT_FLAGS, OutputSection


@dataclass(frozen=True)
class ImageSymbol:
    """`place` is the section that holds the symbol, or one of the reserved section numbers."""

    name: str
    bind: int
    kind: int
    place: InputSection | int
    address: int
    size: int


class _Strings:
    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self.known = {"": 0}

    def add(self, text: str) -> int:
        if text not in self.known:
            self.known[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self.known[text]


def write_image(
    sections: Sequence[OutputSection], symbols: Iterable[ImageSymbol], entry: int, page_bytes: int
) -> bytes:
    """Returns the bytes of an ELF64 executable, its build id filled in."""
    offsets, end = _file_offsets(sections, page_bytes)
    programs = _program_headers(sections, offsets, page_bytes)
    names = _Strings()
    headers = [elf.SECTION_HEADER.pack(0, elf.SHT_NULL, 0, 0, 0, 0, 0, 0, 0, 0)]
    image = bytearray(end)
    for section, offset in zip(sections, offsets, strict=True):
        if section.kind != elf.SHT_NOBITS:
            image[offset : offset + section.size] = section.contents
        entry_bytes = elf.RELOCATION.size if section.kind == elf.SHT_RELA else 0
        place = (section.address, offset, section.size, 0, 0, section.align, entry_bytes)
        headers.append(elf.SECTION_HEADER.pack(names.add(section.name), section.kind, section.flags, *place))
    table, strings, local_count = _symbol_table(sections, symbols)
    symbol_place = (len(headers) + 1, local_count, 8, elf.SYMBOL.size)
    headers.append(_append(image, names, ".symtab", elf.SHT_SYMTAB, table, symbol_place))
    headers.append(_append(image, names, ".strtab", elf.SHT_STRTAB, strings))
    names.add(".shstrtab")
    headers.append(_append(image, names, ".shstrtab", elf.SHT_STRTAB, bytes(names.data)))
    image += bytes(-len(image) % 8)
    shape = (elf.FILE_HEADER.size, elf.PROGRAM_HEADER.size, len(programs), elf.SECTION_HEADER.size, len(headers))
    front = elf.FILE_HEADER.pack(
        *(elf.IDENT, elf.TYPE_EXECUTABLE, elf.MACHINE_X86_64, 1, entry),
        *(elf.FILE_HEADER.size, len(image), 0, *shape, len(headers) - 1),
    )
    front += b"".join(programs)
    image[: len(front)] = front
    image += b"".join(headers)
    _stamp(image, sections, offsets)
    return bytes(image)


def _append(
    image: bytearray,
    names: _Strings,
    name: str,
    kind: int,
    data: bytes,
    place: tuple[int, int, int, int] = (0, 0, 1, 0),
) -> bytes:
    """Appends a section that is not loaded; `place` is its link, info, alignment and entry size. Returns its header."""
    image += bytes(-len(image) % place[2])
    header = elf.SECTION_HEADER.pack(names.add(name), kind, 0, 0, len(image), len(data), *place)
    image += data
    return header


def _stamp(image: bytearray, sections: Sequence[OutputSection], offsets: Sequence[int]) -> None:
    """The build id is the beginning of the SHA-256 of the file with the id still zero."""
    for section, offset in zip(sections, offsets, strict=True):
        if section.name == BUILD_ID:
            end = offset + section.size
            image[end - BUILD_ID_BYTES : end] = hashlib.sha256(image).digest()[:BUILD_ID_BYTES]


def _file_offsets(sections: Sequence[OutputSection], page_bytes: int) -> tuple[list[int], int]:
    """The first page holds the headers; each segment starts on a page of the file."""
    offsets = []
    position, segment, segment_address, segment_offset = page_bytes, -1, 0, page_bytes
    for section in sections:
        if section.segment is None:
            offset = position + -position % section.align
        else:
            if section.segment != segment:
                segment = section.segment
                segment_address = section.address // page_bytes * page_bytes
                segment_offset = position + -position % page_bytes
            offset = segment_offset + section.address - segment_address
        offsets.append(offset)
        if section.kind != elf.SHT_NOBITS:
            position = offset + section.size
    return offsets, position


def _program_headers(sections: Sequence[OutputSection], offsets: Sequence[int], page_bytes: int) -> list[bytes]:
    headers = []
    for segment, flags in enumerate(SEGMENT_FLAGS):
        members = [(s, offset) for s, offset in zip(sections, offsets, strict=True) if s.segment == segment]
        if not members:
            continue
        first, start = members[0]
        lead = first.address % page_bytes
        stored = max((offset + s.size for s, offset in members if s.kind != elf.SHT_NOBITS), default=start)
        last = members[-1][0]
        address, offset = first.address - lead, start - lead
        memory = last.address + last.size - address
        headers.append(
            elf.PROGRAM_HEADER.pack(
                elf.PT_LOAD, flags, offset, address, address, max(stored - offset, 0), memory, page_bytes
            )
        )
    for section, offset in zip(sections, offsets, strict=True):
        if section.kind == elf.SHT_NOTE:
            place = (offset, section.address, section.address, section.size, section.size, section.align)
            headers.append(elf.PROGRAM_HEADER.pack(elf.PT_NOTE, elf.PF_R, *place))
    return headers


def _symbol_table(sections: Sequence[OutputSection], symbols: Iterable[ImageSymbol]) -> tuple[bytes, bytes, int]:
    """The table, its strings, and the number of local symbols, which come first."""
    homes = {id(part): index for index, section in enumerate(sections, start=1) for part in section.inputs}
    strings = _Strings()
    entries = [elf.SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    local_count = 1
    for symbol in symbols:
        place = symbol.place
        index = place if isinstance(place, int) else homes.get(id(place), elf.SHN_ABS)
        info = symbol.bind << 4 | symbol.kind
        entries.append(elf.SYMBOL.pack(strings.add(symbol.name), info, 0, index, symbol.address, symbol.size))
        if symbol.bind == elf.STB_LOCAL:
            local_count += 1
    return b"".join(entries), bytes(strings.data), local_count
