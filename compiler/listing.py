"""Listings: the source of an image beside its disassembly.

Input law: a linked ELF image with line tables, and the folder that its paths start from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import capstone
from elftools.elf.elffile import ELFFile

from compiler.disassembly import read_functions
from compiler.symbol_table import Row, line_rows


def list_image(image: bytes, root: Path) -> Iterator[str]:
    """Lines of text: each function, each run of instructions under the source line it was made from."""
    elf = ELFFile(BytesIO(image))
    text: Any = elf.get_section_by_name(".text")
    if text is None:
        return
    code, base = text.data(), text["sh_addr"]
    lines = _Lines(line_rows(elf), root)
    functions = read_functions(elf)
    names = {function.address: function.name for function in functions}
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    for function in functions:
        yield ""
        yield f"{function.name}:    {function.size} bytes, {function.frame_bytes} of stack"
        shown = ("", 0)
        start = function.address - base
        for address, size, mnemonic, operands in decoder.disasm_lite(
            code[start : start + function.size], function.address
        ):
            place = lines.place(address)
            if place != shown and place[1]:
                shown = place
                yield f"  {place[0]}:{place[1]}: {lines.text(*place)}"
            raw = code[address - base : address - base + size].hex(" ")
            target = names.get(int(operands, 16), "") if operands.startswith("0x") else ""
            yield f"    {address:x}  {raw:<30}  {mnemonic:<8} {target or operands}".rstrip()


class _Lines:
    """Where an address comes from, and what stands there."""

    def __init__(self, rows: list[Row], root: Path) -> None:
        self.rows, self.root = rows, root
        self.addresses = [row.address for row in rows]
        self.files: dict[str, list[str]] = {}

    def place(self, address: int) -> tuple[str, int]:
        """File and line, or ("", 0)."""
        index = bisect_right(self.addresses, address) - 1
        row = self.rows[index] if index >= 0 else None
        return (row.file, row.line) if row else ("", 0)

    def text(self, file: str, line: int) -> str:
        if file not in self.files:
            path = self.root / file
            self.files[file] = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        known = self.files[file]
        return known[line - 1].strip() if 0 < line <= len(known) else ""
