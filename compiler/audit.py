"""The audit of a linked image: rules that every image obeys, and where its bytes and its stack go.

Rules: no segment or section is writable and executable; no vector or x87 instruction in code that runs without saved
vector state (every target but `user`), apart from those that save and restore it; every function decodes.
Not here: the worst stack depth, which takes the program's call graph (call_depth.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from elftools.elf.elffile import ELFFile

from compiler import elf_format
from compiler.disassembly import Function, read_functions
from compiler.layout import LAYOUTS

_UNNAMED = "(no module)"
_LISTED = 15
_KINDS = ("code", "rodata", "data", "bss")


@dataclass
class Report:
    """What an audit found; `problems` is empty for a good image."""

    target: str
    problems: list[str] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)

    def frames(self) -> dict[str, int]:
        """Bytes of stack by function."""
        return {function.name: function.frame_bytes for function in self.functions}

    def privileged(self) -> dict[str, list[str]]:
        """Functions with instructions that need ring 0, and these."""
        return {function.name: function.privileged for function in self.functions if function.privileged}

    def text(self) -> str:
        """The printed form."""
        parts = [
            self._head(),
            self._size_table(),
            self._largest(),
            self._frames(),
            self._privileged_list(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _head(self) -> str:
        verdict = [f"problem: {problem}" for problem in self.problems] or ["no problems"]
        return "\n".join([f"target {self.target}", *verdict, "", "segments", *self.segments])

    def _size_table(self) -> str:
        total = {kind: sum(row[kind] for row in self.sizes.values()) for kind in _KINDS}
        rows = sorted(self.sizes.items(), key=lambda item: (-sum(item[1].values()), item[0]))
        lines = [f"{'bytes per module':<44}" + "".join(f"{kind:>10}" for kind in _KINDS)]
        for name, row in [*rows, ("total", total)]:
            lines.append(f"{name:<44}" + "".join(f"{row[kind]:>10}" for kind in _KINDS))
        return "\n".join(lines)

    def _largest(self) -> str:
        ranked = sorted(self.functions, key=lambda function: (-function.size, function.name))
        return "\n".join(["largest functions", *(f"{f.size:>8}  {f.name}" for f in ranked[:_LISTED])])

    def _frames(self) -> str:
        ranked = sorted(self.functions, key=lambda function: (-function.frame_bytes, function.name))
        lines = [f"{f.frame_bytes:>8}  {f.name}{'  (moves rsp)' if f.frame_varies else ''}" for f in ranked[:_LISTED]]
        return "\n".join(["largest stack frames", *lines])

    def _privileged_list(self) -> str:
        lines = []
        for name, instructions in sorted(self.privileged().items()):
            counts = Counter(instructions)
            lines.append(f"  {name}: " + ", ".join(f"{i} x{n}" if n > 1 else i for i, n in counts.items()))
        return "\n".join(["privileged instructions", *lines]) if lines else ""


def audit(image: bytes) -> Report:
    """Examines a linked ELF image. The target is known by the base address."""
    elf = ELFFile(BytesIO(image))
    report = Report(_target(elf), functions=read_functions(elf))
    report.segments = list(_segments(elf))
    report.sizes = _sizes(elf)
    report.problems += _writable_code(elf)
    for function in report.functions:
        if function.undecoded_bytes:
            report.problems.append(f"{function.name}: {function.undecoded_bytes} bytes are no instructions")
        if report.target != "user":
            report.problems += [f"{function.name}: vector instruction {text}" for text in function.vector]
    return report


def _target(elf: ELFFile) -> str:
    base = min((segment["p_vaddr"] for segment in elf.iter_segments("PT_LOAD")), default=None)
    return next((name for name, layout in LAYOUTS.items() if layout.base == base), "unknown")


def _writable_code(elf: ELFFile) -> list[str]:
    both = elf_format.PF_W | elf_format.PF_X
    problems = [
        f"the segment at {segment['p_vaddr']:#x} is writable and executable"
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_flags"] & both == both
    ]
    both = elf_format.SHF_WRITE | elf_format.SHF_EXECINSTR
    problems += [
        f"section {section.name} is writable and executable"
        for section in elf.iter_sections()
        if section["sh_flags"] & both == both
    ]
    return problems


def _segments(elf: ELFFile) -> Iterator[str]:
    for segment in elf.iter_segments("PT_LOAD"):
        flags = "".join(
            letter if segment["p_flags"] & bit else "-"
            for letter, bit in (("r", elf_format.PF_R), ("w", elf_format.PF_W), ("x", elf_format.PF_X))
        )
        yield f"  {segment['p_vaddr']:#018x}  {flags}  {segment['p_memsz']:>8} bytes"


def _sizes(elf: ELFFile) -> dict[str, dict[str, int]]:
    """Bytes by module and kind; what no symbol with a module covers stands under one name of its own."""
    table: Any = elf.get_section_by_name(".symtab")
    kinds = {index: _kind(section) for index, section in enumerate(elf.iter_sections())}
    sizes: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_KINDS, 0))
    unnamed = dict.fromkeys(_KINDS, 0)
    for section in elf.iter_sections():
        if kind := _kind(section):
            unnamed[kind] += section["sh_size"]
    seen: set[int] = set()
    for symbol in table.iter_symbols() if table is not None else ():
        kind = kinds.get(symbol["st_shndx"], "")
        module = module_of(symbol.name)
        if kind and module and symbol["st_size"] and symbol["st_value"] not in seen:
            seen.add(symbol["st_value"])
            sizes[module][kind] += symbol["st_size"]
            unnamed[kind] -= symbol["st_size"]
    sizes[_UNNAMED] = unnamed
    return dict(sizes)


def _kind(section: Any) -> str:
    flags = section["sh_flags"]
    if not flags & elf_format.SHF_ALLOC:
        return ""
    if flags & elf_format.SHF_EXECINSTR:
        return "code"
    if not flags & elf_format.SHF_WRITE:
        return "rodata"
    return "bss" if section["sh_type"] == "SHT_NOBITS" else "data"


def module_of(name: str) -> str:
    """The module of a symbol named by dotted path; classes, which begin with a capital, are no part of it."""
    parts = name.split("[")[0].split(".")
    while parts[-1].isdigit():  # LLVM split the data
        parts.pop()
    parts.pop()
    while parts and parts[-1].lstrip("_")[:1].isupper():
        parts.pop()
    return ".".join(parts)
