"""Prints how many bytes each module takes in what was built, and what changed since the last time it was asked.

A symbol belongs to the module whose dotted name it begins with; what has no such name (the runtime, exported names) is
counted under `(other)`.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tools.build import PROGRAMS
from tools.build import main as build_main
from tools.paths import ROOT, SIZES

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
KINDS = ("code", "constants", "data", "zeroed")
OTHER = "(other)"

Sizes = dict[str, dict[str, int]]


def measure(program: Path) -> Sizes:
    """Bytes of each kind for each module, and for the whole program under its file name."""
    sizes: Sizes = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    with program.open("rb") as file:
        elf = ELFFile(file)
        kinds = {}
        for number, section in enumerate(elf.iter_sections()):
            if section["sh_flags"] & SHF_ALLOC:
                kinds[number] = _kind(section["sh_type"], section["sh_flags"])
                sizes[program.name][kinds[number]] += section["sh_size"]
        table = elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            if symbol["st_shndx"] in kinds and symbol["st_size"]:
                sizes[_module(symbol.name)][kinds[symbol["st_shndx"]]] += symbol["st_size"]
    return dict(sizes)


def _kind(section_type: str, flags: int) -> str:
    if flags & SHF_EXECINSTR:
        return "code"
    if section_type == "SHT_NOBITS":
        return "zeroed"
    return "data" if flags & SHF_WRITE else "constants"


def _module(symbol: str) -> str:
    parts = symbol.split(".")
    for end in range(len(parts) - 1, 0, -1):
        path = ROOT.joinpath(*parts[:end])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return ".".join(parts[:end])
    return OTHER


def _print_table(sizes: Sizes, before: Sizes) -> None:
    print(f"{'':44}" + "".join(f"{kind:>11}" for kind in KINDS) + f"{'change':>11}")
    for name in sorted(sizes, key=lambda name: -sum(sizes[name].values())):
        row = sizes[name]
        change = sum(row.values()) - sum(before.get(name, row).values())
        print(f"{name:44}" + "".join(f"{row[kind]:>11,}" for kind in KINDS) + (f"{change:>+11,}" if change else ""))
    for name in sorted(set(before) - set(sizes)):
        print(f"{name:44} is gone ({sum(before[name].values()):,} bytes)")
    print()


def main() -> int:
    if build_main([]):
        return 1
    before: dict[str, Sizes] = json.loads(SIZES.read_text()) if SIZES.exists() else {}
    now = {program.output.name: measure(program.output) for program in PROGRAMS}
    for name, sizes in now.items():
        _print_table(sizes, before.get(name, sizes))
    SIZES.write_text(json.dumps(now))
    return 0


if __name__ == "__main__":
    sys.exit(main())
