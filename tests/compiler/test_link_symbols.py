"""The symbol and line table inside the image: every address of the text is looked up."""

import itertools
import struct

import pytest

from compiler.layout import LAYOUTS
from compiler.link import link
from compiler.symbol_table import Place, link_with_symbols, look_up, symbol_table_blob
from tests.compiler.link_objects import assemble, bytes_at, read, section, symbols

FUNCTIONS = 120


def program(functions: int = FUNCTIONS) -> str:
    """Functions of two modules whose bodies take lines of both files, forwards, backwards and without a line."""
    text = [
        'module asm ".globl stub"',
        'module asm "stub: nop"',
        'module asm "inner: ret"',
        "@cell = dso_local global i64 0",
    ]
    metadata = [
        "!llvm.dbg.cu = !{!0}",
        "!llvm.module.flags = !{!2, !3}",
        "!0 = distinct !DICompileUnit(language: DW_LANG_Python, file: !1, emissionKind: FullDebug)",
        '!1 = !DIFile(filename: "kernel/memory/frames.py", directory: "/project")',
        '!2 = !{i32 7, !"Dwarf Version", i32 4}',
        '!3 = !{i32 2, !"Debug Info Version", i32 3}',
        "!4 = !DISubroutineType(types: !{})",
        '!5 = !DIFile(filename: "kernel/sync/spinlock.py", directory: "/project")',
    ]
    for number in range(functions):
        name, first = f"kernel.memory.frames.allocate_{number}", 10 + number * 20
        scope, other = first, first + 1
        metadata.append(
            f'!{scope} = distinct !DISubprogram(name: "{name}", file: !1, line: {number + 1}, type: !4, unit: !0, '
            "spFlags: DISPFlagDefinition)"
        )
        metadata.append(f"!{other} = !DILexicalBlockFile(scope: !{scope}, file: !5, discriminator: 0)")
        places = [(number * 9 + 1, scope), (700, other), (0, scope), (number * 9 + 5, scope), (3, other)]
        body = []
        for index, (line, where) in enumerate(places, start=first + 2):
            metadata.append(f"!{index} = !DILocation(line: {line}, column: 1, scope: !{where})")
            body.append(f"  store volatile i64 {index}, ptr @cell, !dbg !{index}")
        text += [f'define dso_local void @"{name}"() !dbg !{scope} {{', *body, f"  ret void, !dbg !{first + 2} }}"]
    return "\n".join(text + metadata)


def truth(image: bytes) -> dict[int, Place]:
    """What each address of the text belongs to, worked out the slow way."""
    text = section(image, ".text")
    sizes = {s.name: (s["st_value"], s["st_size"]) for s in section(image, ".symtab").iter_symbols()}
    starts = {"stub": (sizes["stub"][0], 1), "inner": (sizes["inner"][0], 1)}
    starts |= {name: place for name, place in sizes.items() if name.startswith("kernel.")}
    dwarf = read(image).get_dwarf_info()
    program = dwarf.line_program_for_CU(next(dwarf.iter_CUs()))
    assert program is not None
    paths = {b"frames.py": "kernel/memory/frames.py", b"spinlock.py": "kernel/sync/spinlock.py"}
    states = [entry.state for entry in program.get_entries() if entry.state is not None]
    lines: dict[int, tuple[str, int]] = {}
    for state, following in itertools.pairwise(states):
        name = paths[program.header.file_entry[state.file - 1].name]
        for address in range(state.address, following.address):
            lines[address] = (name, state.line) if state.line else lines[address - 1]
    found = {}
    for name, (start, size) in starts.items():
        for address in range(start, start + size):
            found[address] = Place(name, address - start, *lines.get(address, ("", 0)))
    assert len(found) > text["sh_size"] // 2
    return found


@pytest.fixture(scope="module")
def image() -> bytes:
    return link_with_symbols([assemble(program())], LAYOUTS["kernel"], "stub")


def test_every_address_is_found_with_function_file_and_line(image: bytes) -> None:
    table = section(image, ".symbols").data()
    text, expected = section(image, ".text"), truth(image)
    padding = []
    for address in range(text["sh_addr"], text["sh_addr"] + text["sh_size"]):
        place = look_up(table, address)
        if address in expected:
            assert place == expected[address]
        elif place is None:
            padding.append(address)
    assert padding, "the gaps between functions belong to nobody"
    assert {place.file for place in expected.values()} == {"", "kernel/memory/frames.py", "kernel/sync/spinlock.py"}


def test_addresses_outside_the_text_are_not_found(image: bytes) -> None:
    table, names = section(image, ".symbols").data(), symbols(image)
    for address in (0, names["__text_start"] - 1, names["__text_end"], names["cell"], (1 << 64) - 1):
        assert look_up(table, address) is None


def test_table_is_loaded_and_leaves_the_text_where_it_was(image: bytes) -> None:
    names, plain = symbols(image), link([assemble(program())], LAYOUTS["kernel"], "stub")
    start, end = names["__symbols_start"], names["__symbols_end"]
    assert bytes_at(image, start, end - start) == symbol_table_blob(plain) == symbol_table_blob(image)
    assert names["__rodata_start"] <= start and end == names["__rodata_end"]
    functions = {name: value for name, value in symbols(plain).items() if name.startswith("kernel.")}
    assert functions.items() <= names.items() and len(functions) == FUNCTIONS
    assert names["cell"] >= symbols(plain)["cell"]


def test_table_stays_small() -> None:
    small, large = (
        len(symbol_table_blob(link([assemble(program(count))], LAYOUTS["kernel"], "stub"))) for count in (100, 300)
    )
    assert (large - small) / 200 < 60  # bytes a function: 16 for its record, 14 for its name, 5 rows


def test_without_debug_information_functions_are_still_named() -> None:
    image = link_with_symbols([assemble("define void @_start() { ret void }")], LAYOUTS["user"])
    assert look_up(section(image, ".symbols").data(), symbols(image)["_start"]) == Place("_start", 0, "", 0)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a symbol table"):
        look_up(struct.pack("<8I", *range(8)), 0)
