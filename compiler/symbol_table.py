"""The table inside an image that turns an address into function, file and line.

The kernel finds it between `__symbols_start` and `__symbols_end` and searches it in place, with no allocation.
Numbers are little endian, offsets count from the start of the table, addresses are u32 offsets from `base`.

    header    u32 magic, u32 table bytes, u64 base, u32 functions, u32 blocks, u32 lines offset, u32 strings offset
    functions (from byte 32) each u32 start, u32 size, u32 module offset, u32 name offset; by rising start
    blocks    (behind the functions) each u32 first address, u32 offset of its rows; by rising address
    lines     rows of the blocks, see below
    strings   each u8 length, then that many bytes

A row says from which address on a file and line hold. It is coded as three variable-length numbers (7 bits a byte,
low bits first, bit 7 set when more follow): address step * 2 + F; when F is 1 the file, where 0 is "no source" and
n > 0 the string at strings offset + n - 1; the line step, zigzag (step * 2, or -step * 2 - 1 when negative).
A block starts from its first address, no source and line 0; it ends where the next begins, the last at the lines' end.

For a return address look up the byte before it. A name with an empty module is a symbol of the assembler or an export.
"""

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from elftools.elf.elffile import ELFFile

from compiler.layout import Layout
from compiler.link import link

_HEADER = struct.Struct("<IIQIIII")
_FUNCTION = struct.Struct("<IIII")
_BLOCK = struct.Struct("<II")
_MAGIC = 0x534C4252
_ROWS_PER_BLOCK = 32


@dataclass(frozen=True)
class Place:
    """What is known of an address; `file` is empty and `line` 0 without line information."""

    function: str
    offset: int
    file: str
    line: int


@dataclass(frozen=True)
class Row:
    """From this address on, code comes from a line; no file where a sequence ends."""

    address: int
    file: str
    line: int


@dataclass(frozen=True)
class _Function:
    start: int
    size: int
    name: str


def link_with_symbols(objects: Sequence[bytes], layout: Layout, entry: str = "_start") -> bytes:
    """Links twice: the table is made of the first image and goes behind the code of the second. Errors: LinkError."""
    return link(objects, layout, entry, symbol_table_blob(link(objects, layout, entry)))


def symbol_table_blob(image: bytes) -> bytes:
    """The table of a linked image."""
    elf = ELFFile(BytesIO(image))
    text = elf.get_section_by_name(".text")
    base = text["sh_addr"] if text is not None else 0
    functions = _functions(elf)
    rows = _merge_rows(line_rows(elf), {function.start for function in functions})
    strings = _Strings()
    for row in rows:  # files first: their offsets stand in the rows and stay short
        strings.add(row.file)
    blocks, stream = _encode_rows(rows, base, strings)
    names = [
        (strings.add(module), strings.add(name)) for module, _, name in (f.name.rpartition(".") for f in functions)
    ]
    lines_at = _HEADER.size + len(functions) * _FUNCTION.size + len(blocks) * _BLOCK.size
    strings_at = lines_at + len(stream)
    total = strings_at + len(strings.data)
    table = bytearray(_HEADER.pack(_MAGIC, total, base, len(functions), len(blocks), lines_at, strings_at))
    for function, (module, name) in zip(functions, names, strict=True):
        table += _FUNCTION.pack(function.start - base, function.size, strings_at + module, strings_at + name)
    for address, offset in blocks:
        table += _BLOCK.pack(address, lines_at + offset)
    return bytes(table + stream + strings.data)


def look_up(table: bytes, address: int) -> Place | None:
    """Searches a table as the kernel does; None for an address that is in no function."""
    magic, _total, base, function_count, block_count, _lines_at, strings_at = _HEADER.unpack_from(table)
    if magic != _MAGIC:
        raise ValueError("not a symbol table")
    target = address - base
    index = _last_not_above(table, _HEADER.size, _FUNCTION.size, function_count, target)
    if index < 0:
        return None
    start, size, module, name = _FUNCTION.unpack_from(table, _HEADER.size + index * _FUNCTION.size)
    if target >= start + size:
        return None
    full_name = ".".join(filter(None, (_string(table, module), _string(table, name))))
    blocks_at = _HEADER.size + function_count * _FUNCTION.size
    block = _last_not_above(table, blocks_at, _BLOCK.size, block_count, target)
    if block < 0:
        return Place(full_name, target - start, "", 0)
    end = strings_at
    if block + 1 < block_count:
        end = _BLOCK.unpack_from(table, blocks_at + (block + 1) * _BLOCK.size)[1]
    file, line = _last_row(table, blocks_at + block * _BLOCK.size, end, target)
    return Place(full_name, target - start, _string(table, strings_at + file - 1) if file else "", line)


def _last_row(table: bytes, block: int, end: int, target: int) -> tuple[int, int]:
    """File code and line of the last row of a block that is not above the target."""
    address, position = _BLOCK.unpack_from(table, block)
    file = line = found_file = found_line = 0
    while position < end:
        step, position = _number(table, position)
        if step & 1:
            file, position = _number(table, position)
        address += step >> 1
        change, position = _number(table, position)
        line += -(change + 1 >> 1) if change & 1 else change >> 1
        if address > target:
            break
        found_file, found_line = file, line
    return found_file, found_line


class _Strings:
    """Strings with a length byte, each stored once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.known: dict[str, int] = {}

    def add(self, text: str) -> int:
        if text not in self.known:
            self.known[text] = len(self.data)
            shortened = text.encode()[:255]
            self.data += bytes([len(shortened)]) + shortened
        return self.known[text]


def _functions(elf: ELFFile) -> list[_Function]:
    """Code symbols by address, one for each. A label of the assembler reaches to the next symbol."""
    text: Any = elf.get_section_by_name(".text")
    table: Any = elf.get_section_by_name(".symtab")
    if text is None or table is None:
        return []
    index = elf.get_section_index(".text")
    found: dict[int, tuple[int, str]] = {}
    for symbol in table.iter_symbols():
        if symbol["st_shndx"] != index or symbol["st_info"]["type"] not in ("STT_FUNC", "STT_NOTYPE"):
            continue
        best = found.get(symbol["st_value"])
        if best is None or (best[0] == 0 and symbol["st_size"] > 0):
            found[symbol["st_value"]] = (symbol["st_size"], symbol.name)
    starts = [*sorted(found), text["sh_addr"] + text["sh_size"]]
    functions: list[_Function] = []
    for start, following in itertools.pairwise(starts):
        size, name = found[start]
        inside = bool(functions) and start < functions[-1].start + functions[-1].size
        if size == 0 and inside:
            continue  # a label within a function
        functions.append(_Function(start, size or following - start, name))
    return functions


def line_rows(elf: ELFFile) -> list[Row]:
    """The rows of `.debug_line`, by address; the row that ends a sequence has no file."""
    if not elf.has_dwarf_info():
        return []
    dwarf = elf.get_dwarf_info()
    rows = []
    for unit in dwarf.iter_CUs():
        program: Any = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = _file_names(program.header, unit)
        first = _first_index(program.header)
        for entry in program.get_entries():
            state = entry.state
            if state is not None:
                ends = state.end_sequence
                rows.append((state.address, not ends, "" if ends else files[state.file - first], state.line))
    rows.sort(key=lambda row: row[:2])  # where one sequence ends and the next begins, the beginning counts
    return [Row(address, file, line if file else 0) for address, _, file, line in rows]


def _file_names(header: Any, unit: Any) -> list[str]:
    """Paths relative to the directory of the compilation, as the sources are named in the project."""
    top = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    root = PurePosixPath(top.value.decode() if top is not None else "/")
    directories = [PurePosixPath(name.decode()) for name in header.include_directory]
    names = []
    for entry in header.file_entry:
        index = entry.dir_index - _first_index(header)
        path = (root / directories[index] if index >= 0 else root) / entry.name.decode()
        names.append(str(path.relative_to(root) if path.is_relative_to(root) else path))
    return names


def _first_index(header: Any) -> int:
    """DWARF 5 counts files and directories from 0; before, 0 was the unit's own."""
    return 0 if header.version >= 5 else 1


def _merge_rows(rows: list[Row], function_starts: set[int]) -> list[Row]:
    """One row for each change. Code without a line (merged by the optimiser) counts to the line before it."""
    by_address: dict[int, Row] = {}
    for row in rows:
        if row.file and row.line == 0:
            if row.address not in function_starts:
                continue
            row = Row(row.address, "", 0)
        by_address[row.address] = row
    merged: list[Row] = []
    for row in by_address.values():
        if not merged or (row.file, row.line) != (merged[-1].file, merged[-1].line):
            merged.append(row)
    return merged


def _encode_rows(rows: list[Row], base: int, strings: _Strings) -> tuple[list[tuple[int, int]], bytes]:
    """The blocks (first address, offset in the stream) and the stream."""
    blocks: list[tuple[int, int]] = []
    stream = bytearray()
    address, file, line = 0, "", 0
    for count, row in enumerate(rows):
        if count % _ROWS_PER_BLOCK == 0:
            address, file, line = row.address, "", 0
            blocks.append((address - base, len(stream)))
        changed = row.file != file
        stream += _encode((row.address - address) * 2 + changed)
        if changed:
            stream += _encode(strings.add(row.file) + 1 if row.file else 0)
        step = row.line - line
        stream += _encode(step * 2 if step >= 0 else -step * 2 - 1)
        address, file, line = row.address, row.file, row.line
    return blocks, bytes(stream)


def _encode(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(table: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = table[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _string(table: bytes, offset: int) -> str:
    return table[offset + 1 : offset + 1 + table[offset]].decode()


def _last_not_above(table: bytes, first: int, record_bytes: int, count: int, target: int) -> int:
    """The last of `count` records whose leading u32 is not above `target`, -1 when there is none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if struct.unpack_from("<I", table, first + middle * record_bytes)[0] <= target:
            low = middle + 1
        else:
            high = middle
    return low - 1
