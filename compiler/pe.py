"""The PE32+ wrapper: a linked `uefi` image becomes an EFI application.

Input law: an ELF executable of the layout `uefi`, whose segments begin at 0x1000, behind the PE headers.
Output law: preferred address 0, so that relative addresses equal those of the ELF file; one section for each segment;
a `.reloc` section, dummy when no word holds an address, because firmware refuses images without one.
Source: Microsoft PE format; UEFI specification 2.1.1 (images, subsystem 10).
"""

import struct
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from typing import Any

from elftools.elf.elffile import ELFFile

from compiler.elf_object import LinkError

_DOS_HEADER = struct.Struct("<2s58xI")
_COFF_HEADER = struct.Struct("<4sHHIIIHH")
_OPTIONAL_HEADER = struct.Struct("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII")
_SECTION_HEADER = struct.Struct("<8sIIIIIIHHI")
_BLOCK_HEADER = struct.Struct("<II")

_MACHINE_X64 = 0x8664
_EXECUTABLE_LARGE_ADDRESSES = 0x22
_PE32_PLUS = 0x20B
_EFI_APPLICATION = 10
_RELOCATABLE_NX = 0x160  # high entropy addresses, dynamic base, NX compatible
_DIRECTORIES = 16
_RELOCATION_DIRECTORY = 5
_PAGE = 0x1000
_FILE_ALIGNMENT = 0x200
_DIR64 = 10

_CODE, _DATA, _DISCARDABLE = 0x20, 0x40, 0x02000000
_EXECUTE, _READ, _WRITE = 0x20000000, 0x40000000, 0x80000000
# ELF segment flags: name and characteristics
_KINDS = {
    5: (b".text", _CODE | _EXECUTE | _READ),
    4: (b".rdata", _DATA | _READ),
    6: (b".data", _DATA | _READ | _WRITE),
}

_Section = tuple[bytes, int, int, int, bytes]  # name, characteristics, address, memory bytes, contents


def wrap(image: bytes) -> bytes:
    """Returns the EFI application. Errors: LinkError when the image was not linked with the layout `uefi`."""
    elf = ELFFile(BytesIO(image))
    table: Any = elf.get_section_by_name(".rela.dyn")
    if table is None:
        raise LinkError("the image is not position independent: link it with the layout uefi")
    words = [entry["r_offset"] for entry in table.iter_relocations()]
    sections: list[_Section] = []
    for segment in elf.iter_segments("PT_LOAD"):
        name, characteristics = _KINDS[segment["p_flags"]]
        contents = segment.data().rstrip(b"\0")
        sections.append((name, characteristics, segment["p_vaddr"], segment["p_memsz"], contents))
    last = sections[-1]
    relocations = _relocation_blocks(words)
    place = _align(last[2] + last[3], _PAGE)
    sections.append((b".reloc", _DATA | _READ | _DISCARDABLE, place, len(relocations), relocations))
    return _write(sections, elf["e_entry"])


def _relocation_blocks(words: Sequence[int]) -> bytes:
    """One block for each page, of 16-bit entries, padded to a multiple of four bytes by entries that mean nothing."""
    blocks = bytearray()
    for page, group in groupby(sorted(words), key=lambda word: word // _PAGE):
        entries = [_DIR64 << 12 | word % _PAGE for word in group]
        entries += [0] * (len(entries) % 2)
        blocks += _BLOCK_HEADER.pack(page * _PAGE, _BLOCK_HEADER.size + 2 * len(entries))
        blocks += struct.pack(f"<{len(entries)}H", *entries)
    return bytes(blocks) or _BLOCK_HEADER.pack(0, _BLOCK_HEADER.size + 4) + bytes(4)


def _write(sections: Sequence[_Section], entry: int) -> bytes:
    optional_bytes = _OPTIONAL_HEADER.size + 8 * _DIRECTORIES
    headers_end = _DOS_HEADER.size + _COFF_HEADER.size + optional_bytes + len(sections) * _SECTION_HEADER.size
    headers_bytes = _align(headers_end, _FILE_ALIGNMENT)
    table, body = bytearray(), bytearray()
    for name, characteristics, address, size, contents in sections:
        stored = contents + bytes(-len(contents) % _FILE_ALIGNMENT)
        offset = headers_bytes + len(body) if stored else 0
        table += _SECTION_HEADER.pack(name, size, address, len(stored), offset, 0, 0, 0, 0, characteristics)
        body += stored
    front = _DOS_HEADER.pack(b"MZ", _DOS_HEADER.size)
    kind = (_MACHINE_X64, len(sections), 0, 0, 0, optional_bytes, _EXECUTABLE_LARGE_ADDRESSES)
    front += _COFF_HEADER.pack(b"PE\0\0", *kind)
    front += _optional_header(sections, entry, headers_bytes) + table
    return front + bytes(headers_bytes - len(front)) + body


def _optional_header(sections: Sequence[_Section], entry: int, headers_bytes: int) -> bytes:
    code = sum(_align(len(s[4]), _FILE_ALIGNMENT) for s in sections if s[1] & _CODE)
    data = sum(_align(len(s[4]), _FILE_ALIGNMENT) for s in sections if s[1] & _DATA)
    text = next((address for _, characteristics, address, _, _ in sections if characteristics & _CODE), 0)
    *_, (_, _, place, size, _) = sections
    image_bytes = _align(place + size, _PAGE)
    header = _OPTIONAL_HEADER.pack(
        *(_PE32_PLUS, 0, 0, code, data, 0, entry, text),
        *(0, _PAGE, _FILE_ALIGNMENT, 0, 0, 0, 0, 0, 0, 0, image_bytes, headers_bytes, 0),
        *(_EFI_APPLICATION, _RELOCATABLE_NX, 0, 0, 0, 0, 0, _DIRECTORIES),
    )
    directories = bytearray(8 * _DIRECTORIES)
    struct.pack_into("<II", directories, 8 * _RELOCATION_DIRECTORY, place, size)
    return header + bytes(directories)


def _align(value: int, alignment: int) -> int:
    return (value + alignment - 1) // alignment * alignment
