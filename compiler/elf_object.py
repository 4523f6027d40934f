"""Relocatable ELF objects as LLVM emits them, read into plain records.

Owns: the decoding of one object file. Every offset is checked; a damaged file is a LinkError, never a traceback.
Not here: which sections are kept and where they go (layout.py), what symbols mean together (link.py).
"""

import struct
from dataclasses import dataclass, field

from compiler import elf_format as elf


class LinkError(Exception):
    """Objects that cannot be linked; the text names what is wrong and where."""


@dataclass(eq=False)
class InputSection:
    """A section of an object; `address` is set by the layout and stays None when the section is left out."""

    object_name: str
    name: str
    kind: int
    flags: int
    data: bytes
    size: int
    align: int
    relocations: bytes = b""
    address: int | None = None


@dataclass(eq=False)
class InputSymbol:
    """A symbol of an object; `section` is None for undefined, absolute and file symbols."""

    name: str
    bind: int
    kind: int
    index: int
    section: InputSection | None
    value: int
    size: int

    def is_undefined(self) -> bool:
        return self.index == elf.SHN_UNDEF


@dataclass(eq=False)
class InputObject:
    """One object file: its sections in file order and its symbol table in index order."""

    name: str
    sections: list[InputSection] = field(default_factory=list)
    symbols: list[InputSymbol] = field(default_factory=list)


_SECTION_LIMIT = 1 << 31  # all code and data lie within reach of each other
_Header = tuple[int, int, int, int, int, int, int, int, int, int]


def read_object(data: bytes, position: int) -> InputObject:
    """Decodes an object; `position` (from 1) names it until its own file symbol does. Errors: LinkError."""
    name = f"object {position}"
    try:
        return _Reader(data, name).read()
    except (struct.error, IndexError, ValueError) as error:
        raise LinkError(f"{name} is damaged: {error}") from error


class _Reader:
    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.result = InputObject(name)
        self.headers = self._section_headers()
        self.by_index: dict[int, InputSection] = {}

    def read(self) -> InputObject:
        self._read_sections()
        for header in self.headers:
            if header[1] == elf.SHT_SYMTAB:
                self._read_symbols(header)
        for header in self.headers:
            if header[1] == elf.SHT_RELA and header[7] in self.by_index:
                self.by_index[header[7]].relocations = self._relocations(header)
        return self.result

    def _section_headers(self) -> list[_Header]:
        fields = elf.FILE_HEADER.unpack_from(self.data)
        ident, kind, machine, table = fields[0], fields[1], fields[2], fields[6]
        entry_size, count = fields[11], fields[12]
        wanted = (elf.IDENT[:7], elf.TYPE_RELOCATABLE, elf.MACHINE_X86_64, elf.SECTION_HEADER.size)
        if (ident[:7], kind, machine, entry_size) != wanted:
            raise LinkError(f"{self.result.name} is not a relocatable ELF object for x86_64")
        return [elf.SECTION_HEADER.unpack_from(self.data, table + i * entry_size) for i in range(count)]

    def _contents(self, header: _Header) -> bytes:
        offset, size = header[4], header[5]
        if offset + size > len(self.data):
            raise LinkError(f"{self.result.name} is damaged: a section ends beyond the file")
        return self.data[offset : offset + size]

    def _read_sections(self) -> None:
        names = self._contents(self.headers[elf.FILE_HEADER.unpack_from(self.data)[13]])
        for index, header in enumerate(self.headers):
            kind, flags, size = header[1], header[2], header[5]
            if kind in (elf.SHT_NULL, elf.SHT_SYMTAB, elf.SHT_STRTAB, elf.SHT_RELA):
                continue
            data = b"" if kind == elf.SHT_NOBITS else self._contents(header)
            self._check_section(header)
            section = InputSection(
                self.result.name, _string(names, header[0]), kind, flags, data, size, max(header[8], 1)
            )
            self.by_index[index] = section
            self.result.sections.append(section)

    def _check_section(self, header: _Header) -> None:
        size, align = header[5], max(header[8], 1)
        if size > _SECTION_LIMIT or align > _SECTION_LIMIT or align & (align - 1):
            raise LinkError(f"{self.result.name} is damaged: a section of {size:#x} bytes, aligned to {align:#x}")

    def _relocations(self, header: _Header) -> bytes:
        entries = self._contents(header)
        if any(info >> 32 >= len(self.result.symbols) for _, info, _ in elf.RELOCATION.iter_unpack(entries)):
            raise LinkError(f"{self.result.name} is damaged: a relocation names a symbol that is not there")
        return entries

    def _read_symbols(self, table: _Header) -> None:
        names = self._contents(self.headers[table[6]])
        for name, info, _other, index, value, size in elf.SYMBOL.iter_unpack(self._contents(table)):
            section = self.by_index.get(index)
            if size > _SECTION_LIMIT or (section is not None and value > section.size):
                raise LinkError(f"{self.result.name} is damaged: a symbol lies outside its section")
            symbol = InputSymbol(_string(names, name), info >> 4, info & 15, index, section, value, size)
            self.result.symbols.append(symbol)
            if symbol.kind == elf.STT_FILE and self.result.name.startswith("object ") and symbol.name:
                self._rename(symbol.name)

    def _rename(self, name: str) -> None:
        self.result.name = name
        for section in self.result.sections:
            section.object_name = name


def _string(table: bytes, offset: int) -> str:
    return table[offset : table.index(b"\0", offset)].decode()
