"""The linker: relocatable objects to an executable image.

Input law: x86_64 ELF objects with explicit addends, as LLVM emits them for the static or (uefi) PIC model.
Output law: every symbol is resolved, every relocation is applied and in range; the same input gives the same bytes.
Left out of images: unwind tables, comments and other sections that are neither loaded nor `.debug_*`.
Not here: addresses (layout.py), the file format (elf_image.py), the backtrace table (symbol_table.py).
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from compiler import elf_format as elf
from compiler.elf_image import ImageSymbol, write_image
from compiler.elf_object import InputObject, InputSection, InputSymbol, LinkError, read_object
from compiler.layout import BUILD_ID, BUILD_ID_BYTES, LAYOUTS, SYMBOLS, Layout, OutputSection, Plan, place

__all__ = ["LAYOUTS", "Layout", "LinkError", "flat", "link"]

_BUILD_ID_HEADER = struct.pack("<III4s", 4, BUILD_ID_BYTES, elf.NT_GNU_BUILD_ID, b"GNU\0")
_WORD = 1 << 64

# relocation type: name, packing, bits, relative to the place, lowest value, highest value
_RELOCATIONS: dict[int, tuple[str, struct.Struct, int, bool, int, int]] = {
    1: ("R_X86_64_64", struct.Struct("<Q"), 64, False, -(1 << 63), (1 << 64) - 1),
    2: ("R_X86_64_PC32", struct.Struct("<I"), 32, True, -(1 << 31), (1 << 31) - 1),
    4: ("R_X86_64_PLT32", struct.Struct("<I"), 32, True, -(1 << 31), (1 << 31) - 1),
    10: ("R_X86_64_32", struct.Struct("<I"), 32, False, 0, (1 << 32) - 1),
    11: ("R_X86_64_32S", struct.Struct("<I"), 32, False, -(1 << 31), (1 << 31) - 1),
    12: ("R_X86_64_16", struct.Struct("<H"), 16, False, -(1 << 15), (1 << 16) - 1),
    13: ("R_X86_64_PC16", struct.Struct("<H"), 16, True, -(1 << 15), (1 << 15) - 1),
    14: ("R_X86_64_8", struct.Struct("<B"), 8, False, -(1 << 7), (1 << 8) - 1),
    15: ("R_X86_64_PC8", struct.Struct("<B"), 8, True, -(1 << 7), (1 << 7) - 1),
    24: ("R_X86_64_PC64", struct.Struct("<Q"), 64, True, -(1 << 63), (1 << 63) - 1),
}
_SOFT_FLOAT = re.compile(r"__\w+[sd]f(2|3|[sd]i|[dst]i)?|fmod[fl]?|__(float|fix)\w+|__extend\w+|__trunc\w+")
_GLOBAL_OFFSET_TABLE = (9, 22, 26, 41, 42)


def link(objects: Sequence[bytes], layout: Layout, entry: str = "_start", symbols: bytes = b"") -> bytes:
    """Links an ELF64 executable that starts at `entry`.

    `symbols` is the contents of the section `.symbols` behind the read-only data; text addresses do not depend on it.
    Errors: LinkError for what is undefined, defined twice, out of range, damaged or of no use to us.
    """
    linker = _Linker(objects)
    linker.add_section(BUILD_ID, elf.SHT_NOTE, _BUILD_ID_HEADER + bytes(BUILD_ID_BYTES), align=4)
    if symbols:
        linker.add_section(SYMBOLS, elf.SHT_PROGBITS, symbols, align=64)
    plan = linker.place(layout)
    start = linker.address_of(entry)
    return write_image(plan.sections, linker.image_symbols(plan), start, layout.page_bytes)


def flat(objects: Sequence[bytes], base: int, entry: str = "_start") -> bytes:
    """Links a raw binary for real mode and boot stages: loaded at `base`, its first byte is the first of `entry`.

    The bss is not stored: the code clears `__bss_start` to `__bss_end`. Errors: LinkError.
    """
    linker = _Linker(objects)
    plan = linker.place(Layout(base=base, page_bytes=1), first=linker.section_of(entry))
    if linker.address_of(entry) != base:
        raise LinkError(f"{entry} must be the first thing in its section of a raw binary")
    image = bytearray()
    for output in plan.sections:
        if output.segment is not None and output.kind != elf.SHT_NOBITS:
            image += bytes(output.address - base - len(image)) + output.contents
    return bytes(image)


class _Linker:
    def __init__(self, objects: Sequence[bytes]) -> None:
        self.objects = [read_object(data, position) for position, data in enumerate(objects, start=1)]
        self.definitions: dict[str, InputSymbol] = {}
        self.added: list[InputSection] = []
        self.provided: dict[str, int] = {}
        self.absolute_words: list[int] = []
        for owner in self.objects:
            self._define(owner)

    def add_section(self, name: str, kind: int, data: bytes, align: int) -> None:
        self.added.append(InputSection("the linker", name, kind, elf.SHF_ALLOC, data, len(data), align))

    def place(self, layout: Layout, first: InputSection | None = None) -> Plan:
        inputs = [section for owner in self.objects for section in owner.sections]
        plan = place(self.added + inputs, layout, first)
        self.provided = plan.symbols
        for owner in self.objects:
            _Relocator(self, owner, layout, plan).run()
        if layout.position_independent:
            plan.sections.append(self._relative_relocations())
        return plan

    def section_of(self, name: str) -> InputSection | None:
        symbol = self.definitions.get(name)
        if symbol is None:
            raise LinkError(f"the entry symbol {name} is not defined")
        return symbol.section

    def address_of(self, name: str) -> int:
        self.section_of(name)
        address = symbol_address(self.definitions[name])
        if address is None:
            raise LinkError(f"the entry symbol {name} lies in a section that is not loaded")
        return address

    def image_symbols(self, plan: Plan) -> Iterator[ImageSymbol]:
        """Local symbols first, as the format demands; then global ones, then those of the linker, by name."""
        for owner in self.objects:
            for symbol in owner.symbols:
                if symbol.bind == elf.STB_LOCAL and symbol.name and symbol.kind != elf.STT_SECTION:
                    yield from _image_symbol(symbol)
        for name in sorted(self.definitions):
            yield from _image_symbol(self.definitions[name])
        for name, address in sorted(plan.symbols.items()):
            if name not in self.definitions:
                yield ImageSymbol(name, elf.STB_GLOBAL, elf.STT_NOTYPE, elf.SHN_ABS, address, 0)

    def _define(self, owner: InputObject) -> None:
        for symbol in owner.symbols:
            if symbol.bind == elf.STB_LOCAL or symbol.is_undefined():
                continue
            where = symbol.section.name if symbol.section else "absolute"
            if symbol.index == elf.SHN_COMMON:
                raise LinkError(f"{symbol.name} of {owner.name} is a common symbol: give it an initial value")
            other = self.definitions.get(symbol.name)
            if other is None or (other.bind == elf.STB_WEAK and symbol.bind != elf.STB_WEAK):
                self.definitions[symbol.name] = symbol
            elif symbol.bind != elf.STB_WEAK:
                first = other.section.object_name if other.section else "another object"
                raise LinkError(f"{symbol.name} is defined twice: in {first} and in {owner.name} (section {where})")

    def _relative_relocations(self) -> OutputSection:
        """The words that a loader adds the load address to, for the PE wrapper to read."""
        entries = b"".join(
            elf.RELOCATION.pack(place, elf.R_X86_64_RELATIVE, 0) for place in sorted(self.absolute_words)
        )
        return OutputSection(
            ".rela.dyn", elf.SHT_RELA, 0, None, size=len(entries), align=8, contents=bytearray(entries)
        )


def symbol_address(symbol: InputSymbol) -> int | None:
    """The final address of a defined symbol, None when its section is left out."""
    if symbol.section is None:
        return symbol.value
    return None if symbol.section.address is None else symbol.section.address + symbol.value


def _image_symbol(symbol: InputSymbol) -> Iterator[ImageSymbol]:
    address = symbol_address(symbol)
    if address is not None:
        index: int | InputSection = symbol.section if symbol.section is not None else elf.SHN_ABS
        yield ImageSymbol(symbol.name, symbol.bind, symbol.kind, index, address, symbol.size)


class _Relocator:
    """Applies the relocations of one object."""

    def __init__(self, linker: _Linker, owner: InputObject, layout: Layout, plan: Plan) -> None:
        self.linker = linker
        self.owner = owner
        self.layout = layout
        self.targets: list[int | None] = [self._resolve(symbol) for symbol in owner.symbols]
        self.homes = {id(section): output for output in plan.sections for section in output.inputs}

    def run(self) -> None:
        for section in self.owner.sections:
            if section.relocations and section.address is not None:
                self._relocate(section, self.homes[id(section)])

    def _resolve(self, symbol: InputSymbol) -> int | None:
        if symbol.bind != elf.STB_LOCAL:
            definition = self.linker.definitions.get(symbol.name)
            if definition is None:
                missing = 0 if symbol.bind == elf.STB_WEAK else None
                return self.linker.provided.get(symbol.name, missing)
            symbol = definition
        return symbol_address(symbol)

    def _relocate(self, section: InputSection, home: OutputSection) -> None:
        contents, targets = home.contents, self.targets
        assert section.address is not None
        start = section.address - home.address
        loaded = home.segment is not None
        for offset, info, addend in elf.RELOCATION.iter_unpack(section.relocations):
            rule = _RELOCATIONS.get(info & 0xFFFFFFFF)
            target = targets[info >> 32]
            if rule is None or target is None:
                if info & 0xFFFFFFFF == elf.R_X86_64_NONE:
                    continue
                if rule is None or loaded:
                    raise self._refusal(section, offset, info)
                target, addend = 0, 0  # debug information of a section that was left out
            _name, packing, bits, relative, low, high = rule
            value = target + addend
            if relative:
                value -= section.address + offset
            if not low <= value <= high:
                value = self._wrap(value, low, high, section, offset, info)
            if start + offset + packing.size > len(contents):
                raise LinkError(f"a relocation lies outside section {section.name} of {section.object_name}")
            packing.pack_into(contents, start + offset, value & ((1 << bits) - 1))
            if loaded and not relative and self.layout.position_independent:
                self._note_absolute(section, offset, info)

    def _wrap(self, value: int, low: int, high: int, section: InputSection, offset: int, info: int) -> int:
        """Addresses are 64-bit words: a value that fits modulo 2^64 is good (a negative offset, the top 2 GiB)."""
        for other in (value - _WORD, value + _WORD):
            if low <= other <= high:
                return other
        name, symbol = _RELOCATIONS[info & 0xFFFFFFFF][0], self.owner.symbols[info >> 32]
        raise LinkError(
            f"{self._where(section, offset)}: {_named(symbol)} is out of reach, "
            f"{name} holds {low:#x} to {high:#x} and the value is {value:#x}"
        )

    def _note_absolute(self, section: InputSection, offset: int, info: int) -> None:
        symbol = self.owner.symbols[info >> 32]
        definition = self.linker.definitions.get(symbol.name, symbol)
        if definition.section is None and symbol.name not in self.linker.provided:
            return  # a number, not an address
        if info & 0xFFFFFFFF != elf.R_X86_64_64:
            raise LinkError(
                f"{self._where(section, offset)}: the address of {_named(symbol)} is stored in less than 64 bits, "
                "which a position independent image cannot have: address it relative to rip"
            )
        assert section.address is not None
        self.linker.absolute_words.append(section.address + offset)

    def _refusal(self, section: InputSection, offset: int, info: int) -> LinkError:
        kind, symbol = info & 0xFFFFFFFF, self.owner.symbols[info >> 32]
        where = self._where(section, offset)
        if kind in _GLOBAL_OFFSET_TABLE:
            return LinkError(f"{where}: {_named(symbol)} is reached through an offset table: declare it dso_local")
        if kind not in _RELOCATIONS:
            return LinkError(f"{where}: relocation type {kind} against {_named(symbol)} is not supported")
        if symbol.section is not None:
            return LinkError(f"{where}: {_named(symbol)} lies in {symbol.section.name}, which is not part of the image")
        hint = ": a number with a point needs vector registers" if _SOFT_FLOAT.fullmatch(symbol.name) else ""
        return LinkError(f"{where}: {_named(symbol)} is not defined{hint}")

    def _where(self, section: InputSection, offset: int) -> str:
        """The place in words: object, section, and the function when there is one."""
        functions = sorted(
            (symbol.value, symbol.name)
            for symbol in self.owner.symbols
            if symbol.section is section and symbol.name and symbol.kind != elf.STT_SECTION
        )
        index = bisect_right(functions, (offset, "\U0010ffff")) - 1
        inside = f", in {functions[index][1]}" if index >= 0 else ""
        return f"{self.owner.name}: section {section.name}+{offset:#x}{inside}"


def _named(symbol: InputSymbol) -> str:
    return symbol.name or (f"section {symbol.section.name}" if symbol.section else "an absolute address")
