"""Bytes of code in a relocatable object, without padding."""

from io import BytesIO
from typing import Any

from elftools.elf.elffile import ELFFile

_EXECUTABLE = 0x4


def code_bytes(data: bytes, without: str = "") -> int:
    """Adds up the functions of an object; those whose name begins with `without` are left out."""
    elf = ELFFile(BytesIO(data))
    code = {index for index, section in enumerate(elf.iter_sections()) if section["sh_flags"] & _EXECUTABLE}
    table: Any = elf.get_section_by_name(".symtab")
    return sum(
        symbol["st_size"]
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] in code and not (without and symbol.name.startswith(without))
    )
