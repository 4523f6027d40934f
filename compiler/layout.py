"""Where sections go in an image: the order of segments, addresses, and the symbols that the linker defines.

An image is, from its base up: Limine requests (read-write), text (read-execute), notes and read-only data,
then per-CPU template, data and bss (read-write). Each begins on a page of its own, so no page is writable and
executable. The start symbols of these four are page aligned and the end symbols exact, except `__image_end`,
which is aligned too:
`__image_start __text_start __text_end __rodata_start __rodata_end __data_start __percpu_start __percpu_end
__data_end __bss_start __bss_end __image_end`, and `__symbols_start __symbols_end` inside read-only data.

Per-CPU data keep the addresses of the template: a CPU whose copy lies at C sets its gs base to
C - `__percpu_start`; a gs base of 0 is the template itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from compiler import elf_format as elf
from compiler.elf_object import InputSection, LinkError


@dataclass(frozen=True)
class Layout:
    """How a target is linked. A position independent image also lists the words that hold an address."""

    base: int
    page_bytes: int = 0x1000
    position_independent: bool = False


LAYOUTS: dict[str, Layout] = {
    "kernel": Layout(base=0xFFFF_FFFF_8000_0000),
    "user": Layout(base=0x40_0000),
    "loader": Layout(base=0x10_0000),
    "uefi": Layout(base=0x1000, position_independent=True),
}


@dataclass(eq=False)
class OutputSection:
    """A section of the image. `segment` is the index of its PT_LOAD, None for what is not loaded."""

    name: str
    kind: int
    flags: int
    segment: int | None
    inputs: list[InputSection] = field(default_factory=list)
    address: int = 0
    size: int = 0
    align: int = 1
    contents: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Plan:
    """Placed sections in address order, debug sections last, and the linker's own symbols."""

    sections: list[OutputSection]
    symbols: dict[str, int]


SEGMENT_FLAGS = (elf.PF_R | elf.PF_W, elf.PF_R | elf.PF_X, elf.PF_R, elf.PF_R | elf.PF_W)
_REQUESTS, _TEXT, _RODATA, _DATA = range(4)
_SEGMENT_NAMES = ("requests", "text", "rodata", "data")
_REQUEST_ORDER = (".limine_requests_start", ".limine_requests", ".limine_requests_end")
BUILD_ID = ".note.gnu.build-id"
BUILD_ID_BYTES = 20
SYMBOLS = ".symbols"
# Names in address order; note sections come between text and read-only data under their own names.
_LOADED = (
    (".limine_requests", _REQUESTS, elf.SHF_ALLOC | elf.SHF_WRITE),
    (".text", _TEXT, elf.SHF_ALLOC | elf.SHF_EXECINSTR),
    (".rodata", _RODATA, elf.SHF_ALLOC),
    (SYMBOLS, _RODATA, elf.SHF_ALLOC),
    (".percpu", _DATA, elf.SHF_ALLOC | elf.SHF_WRITE),
    (".data", _DATA, elf.SHF_ALLOC | elf.SHF_WRITE),
    (".bss", _DATA, elf.SHF_ALLOC | elf.SHF_WRITE),
)
_CACHE_LINE = 64
_INT3 = b"\xcc"


def place(inputs: Sequence[InputSection], layout: Layout, first: InputSection | None = None) -> Plan:
    """Gives every kept section its address; `first` leads the text. Errors: LinkError."""
    outputs = _collect(inputs)
    if first is not None:
        text = outputs[".text"].inputs
        if first not in text:
            raise LinkError(f"the entry lies in section {first.name}, which is not code: mark the section executable")
        text.remove(first)
        text.insert(0, first)
    symbols = _assign_addresses(_loaded(outputs), layout)
    for output in outputs.values():
        if output.segment is None:
            _fill(output, 0)
    return Plan([o for o in outputs.values() if o.size], symbols)


def _collect(inputs: Iterable[InputSection]) -> dict[str, OutputSection]:
    outputs: dict[str, OutputSection] = {}
    notes: dict[str, OutputSection] = {}
    unloaded: dict[str, OutputSection] = {}
    for loaded, segment, flags in _LOADED:
        kind = elf.SHT_NOBITS if loaded == ".bss" else elf.SHT_PROGBITS
        outputs[loaded] = OutputSection(loaded, kind, flags, segment)
    for section in inputs:
        name = _output_name(section)
        if name is None:
            continue
        if name in outputs:
            outputs[name].inputs.append(section)
        elif section.flags & elf.SHF_ALLOC:
            note = notes.setdefault(name, OutputSection(name, elf.SHT_NOTE, elf.SHF_ALLOC, _RODATA))
            note.inputs.append(section)
        else:
            debug = unloaded.setdefault(name, OutputSection(name, elf.SHT_PROGBITS, 0, None))
            debug.inputs.append(section)
    outputs[".limine_requests"].inputs.sort(key=lambda section: _REQUEST_ORDER.index(section.name))
    front = {name: outputs.pop(name) for name in (".limine_requests", ".text")}
    return {**front, **notes, **outputs, **unloaded}


def _output_name(section: InputSection) -> str | None:
    """The output section that takes an input section, None when it is left out."""
    name, flags, kind = section.name, section.flags, section.kind
    if not flags & elf.SHF_ALLOC:
        return name if name.startswith(".debug_") else None
    if kind == elf.SHT_X86_64_UNWIND or name == ".eh_frame":
        return None
    where = f"section {name} of {section.object_name}"
    if flags & elf.SHF_TLS:
        raise LinkError(f"{where} is thread-local: use per-CPU data")
    if kind in (elf.SHT_INIT_ARRAY, elf.SHT_FINI_ARRAY) or name.startswith((".ctors", ".dtors")):
        raise LinkError(f"{where} holds constructors, which nothing would run")
    if flags & elf.SHF_WRITE and flags & elf.SHF_EXECINSTR:
        raise LinkError(f"{where} is both writable and executable: give it one of the two flags")
    if name in _REQUEST_ORDER:
        return ".limine_requests"
    if name == ".percpu" or name.startswith(".percpu."):
        return ".percpu"
    if name == SYMBOLS:
        return SYMBOLS
    if kind == elf.SHT_NOTE:
        return name
    if flags & elf.SHF_EXECINSTR:
        return ".text"
    if flags & elf.SHF_WRITE:
        return ".bss" if kind == elf.SHT_NOBITS else ".data"
    return ".rodata"


def _loaded(outputs: dict[str, OutputSection]) -> list[OutputSection]:
    return [output for output in outputs.values() if output.segment is not None]


def _assign_addresses(outputs: list[OutputSection], layout: Layout) -> dict[str, int]:
    symbols = {"__image_start": layout.base}
    address, segment = layout.base, -1
    for output in outputs:
        assert output.segment is not None
        if output.segment != segment:
            if segment >= 0 and segment != _DATA:
                symbols[f"__{_SEGMENT_NAMES[segment]}_end"] = address
            segment = output.segment
            address = _align(address, layout.page_bytes)
            symbols[f"__{_SEGMENT_NAMES[segment]}_start"] = address
        if output.name == ".bss":
            symbols["__data_end"] = address
        if output.name in (".percpu", ".bss", SYMBOLS):
            output.align = _CACHE_LINE
        address = _fill(output, address)
        if output.name in (".percpu", ".bss", SYMBOLS):
            symbols[f"__{output.name[1:]}_start"] = output.address
            symbols[f"__{output.name[1:]}_end"] = address
    symbols["__image_end"] = _align(address, layout.page_bytes)
    return symbols


def _fill(output: OutputSection, address: int) -> int:
    """Lays the inputs of a section out from `address` on; returns the address behind it."""
    for section in output.inputs:
        output.align = max(output.align, section.align)
    output.address = _align(address, output.align)
    padding = _INT3 if output.flags & elf.SHF_EXECINSTR else b"\0"
    position = 0
    for section in output.inputs:
        start = _align(position, section.align)
        section.address = output.address + start
        if output.kind != elf.SHT_NOBITS:
            output.contents += padding * (start - position)
            output.contents += section.data or bytes(section.size)
        position = start + section.size
    output.size = position
    return output.address + position


def _align(value: int, alignment: int) -> int:
    return (value + alignment - 1) // alignment * alignment
