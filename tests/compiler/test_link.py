"""The linker: segments, relocations, symbols and refusals."""

import hashlib
import itertools

import pytest

from compiler.elf_object import read_object
from compiler.layout import LAYOUTS
from compiler.link import LinkError, flat, link
from tests.compiler.link_objects import assemble, assemble_lines, bytes_at, notes, read, section, symbols, word_at

KERNEL = """
@counter = dso_local global i64 7
@zeros = dso_local global [100 x i8] zeroinitializer, align 64
@table = dso_local constant [2 x ptr] [ptr @_start, ptr @helper]
@ticks = dso_local global i64 3, section ".percpu"
@marker_end = dso_local global i64 22, section ".limine_requests_end"
@request = dso_local global i64 11, section ".limine_requests"
@marker_start = dso_local global i64 1, section ".limine_requests_start"
@__percpu_start = external dso_local global i8
@unused_weak = extern_weak dso_local global i8
@weak_address = dso_local constant i64 ptrtoint (ptr @unused_weak to i64)
define dso_local i64 @_start() {
  %a = load i64, ptr @counter
  %b = load volatile i8, ptr @zeros
  %c = call i64 @helper(i64 %a)
  ret i64 %c
}
define internal i64 @helper(i64 %x) noinline { ret i64 %x }
define dso_local ptr @template() { ret ptr @__percpu_start }
"""


@pytest.fixture(scope="module")
def image() -> bytes:
    return link([assemble(KERNEL)], LAYOUTS["kernel"])


def test_segments_are_page_aligned_and_never_writable_and_executable(image: bytes) -> None:
    segments = list(read(image).iter_segments("PT_LOAD"))
    assert [segment["p_flags"] for segment in segments] == [6, 5, 4, 6]
    assert segments[0]["p_vaddr"] == 0xFFFF_FFFF_8000_0000
    for segment in segments:
        assert segment["p_vaddr"] % 0x1000 == segment["p_offset"] % 0x1000 == 0
        assert segment["p_paddr"] == segment["p_vaddr"]
    for low, high in itertools.pairwise(segments):
        assert low["p_vaddr"] + low["p_memsz"] <= high["p_vaddr"]
        assert low["p_offset"] + low["p_filesz"] <= high["p_offset"]
    assert segments[3]["p_memsz"] > segments[3]["p_filesz"]


def test_requests_lie_between_their_markers(image: bytes) -> None:
    base = LAYOUTS["kernel"].base
    assert [word_at(image, base + 8 * i) for i in range(3)] == [1, 11, 22]


def test_linker_symbols_bound_the_sections(image: bytes) -> None:
    names = symbols(image)
    order = [
        *("__image_start", "__text_start", "__text_end", "__rodata_start", "__rodata_end", "__data_start"),
        *("__percpu_start", "__percpu_end", "__data_end", "__bss_start", "__bss_end", "__image_end"),
    ]
    assert [names[name] for name in order] == sorted(names[name] for name in order)
    assert names["__percpu_end"] - names["__percpu_start"] == 8 and names["ticks"] == names["__percpu_start"]
    assert names["__bss_start"] <= names["zeros"] and names["zeros"] + 100 <= names["__bss_end"]
    assert names["__text_start"] <= names["_start"] < names["__text_end"]
    assert names["__rodata_start"] <= names["table"] < names["__rodata_end"]
    assert names["__image_end"] % 0x1000 == 0


def test_data_hold_their_initial_values_and_addresses(image: bytes) -> None:
    names = symbols(image)
    assert word_at(image, names["counter"]) == 7
    assert word_at(image, names["zeros"]) == 0
    assert word_at(image, names["ticks"]) == 3
    assert [word_at(image, names["table"] + 8 * i) for i in range(2)] == [names["_start"], names["helper"]]
    assert word_at(image, names["weak_address"]) == 0
    assert read(image)["e_entry"] == names["_start"]


def test_symbol_table_keeps_local_functions_and_sizes(image: bytes) -> None:
    table = section(image, ".symtab")
    found = {symbol.name: symbol for symbol in table.iter_symbols()}
    assert found["helper"]["st_info"]["bind"] == "STB_LOCAL" and found["helper"]["st_size"] > 0
    assert found["_start"]["st_info"]["bind"] == "STB_GLOBAL"
    locals_first = [symbol["st_info"]["bind"] == "STB_LOCAL" for symbol in table.iter_symbols()]
    assert locals_first == sorted(locals_first, reverse=True) and table["sh_info"] == sum(locals_first)


def test_build_id_is_the_hash_of_the_image(image: bytes) -> None:
    note = section(image, ".note.gnu.build-id")
    identity = bytes.fromhex(notes(image)[0]["n_desc"])
    at = note["sh_offset"] + note["sh_size"] - len(identity)
    assert len(identity) == 20 and image[at : at + 20] == identity
    assert identity == hashlib.sha256(image[:at] + bytes(20) + image[at + 20 :]).digest()[:20]


def test_output_is_deterministic_and_follows_the_input(image: bytes) -> None:
    assert link([assemble(KERNEL)], LAYOUTS["kernel"]) == image
    assert link([assemble(KERNEL.replace("i64 7", "i64 8"))], LAYOUTS["kernel"]) != image


@pytest.mark.parametrize("target", ["user", "loader"])
def test_objects_refer_to_each_other_in_every_target(target: str) -> None:
    caller = assemble(
        "declare dso_local i64 @callee()\ndefine i64 @_start() { %r = call i64 @callee() ret i64 %r }", target
    )
    callee = assemble(
        "@value = dso_local global i64 5\ndefine dso_local i64 @callee() { %r = load i64, ptr @value ret i64 %r }",
        target,
    )
    image = link([caller, callee], LAYOUTS[target])
    names = symbols(image)
    code = bytes_at(image, names["_start"], names["__text_end"] - names["_start"])
    assert names["__image_start"] == LAYOUTS[target].base
    jump = next(i for i in range(len(code)) if code[i] in (0xE8, 0xE9))
    distance = int.from_bytes(code[jump + 1 : jump + 5], "little", signed=True)
    assert names["_start"] + jump + 5 + distance == names["callee"]


def test_every_relocation_type_gets_its_value() -> None:
    lines = """
        .globl _start
        _start: nop
        .section .rodata
        first: .quad target + 3
        second: .quad target - .
        third: .long target
        fourth: .long target - .
        fifth: .word small
        sixth: .byte small - 0x1200
        .section .text
        target: movq $target, %rax
        .globl small
        small = 0x1234
    """
    image = link([assemble_lines(lines, "loader")], LAYOUTS["loader"])
    names = symbols(image)
    target, mask = names["target"], (1 << 64) - 1
    assert word_at(image, names["first"]) == target + 3
    assert word_at(image, names["second"]) == (target - names["second"]) & mask
    assert word_at(image, names["third"], 4) == target
    assert word_at(image, names["fourth"], 4) == (target - names["fourth"]) & 0xFFFFFFFF
    assert word_at(image, names["fifth"], 2) == 0x1234
    assert word_at(image, names["sixth"], 1) == 0x34
    assert word_at(image, target + 3, 4) == target


def test_each_note_section_has_a_program_header_of_its_own() -> None:
    lines = """
        .section .note.pvh, "a", @note
        .long 4, 4, 18
        .asciz "Xen"
        .long start32
        .text
        .globl _start
        _start:
        .code32
        start32: movl $start32, %eax
    """
    image = link([assemble_lines(lines, "loader")], LAYOUTS["loader"])
    found = {note["n_name"]: note for note in notes(image)}
    assert set(found) == {"Xen", "GNU"} and found["Xen"]["n_type"] == 18
    assert found["Xen"]["n_descdata"] == symbols(image)["start32"].to_bytes(4, "little")
    assert len(list(read(image).iter_segments("PT_NOTE"))) == 2


def test_debug_sections_are_joined_and_relocated() -> None:
    unit = """
        define i64 @NAME(i64 %x) !dbg !5 { ret i64 %x, !dbg !8 }
        !llvm.dbg.cu = !{!0}
        !llvm.module.flags = !{!2, !3}
        !0 = distinct !DICompileUnit(language: DW_LANG_Python, file: !1, emissionKind: FullDebug)
        !1 = !DIFile(filename: "NAME.py", directory: "kernel")
        !2 = !{i32 7, !"Dwarf Version", i32 4}
        !3 = !{i32 2, !"Debug Info Version", i32 3}
        !4 = !DISubroutineType(types: !{})
        !5 = distinct !DISubprogram(name: "NAME", file: !1, line: 3, type: !4, unit: !0, spFlags: DISPFlagDefinition)
        !8 = !DILocation(line: 4, column: 1, scope: !5)
    """
    image = link([assemble(unit.replace("NAME", name)) for name in ("_start", "second")], LAYOUTS["kernel"])
    names = symbols(image)
    found = {}
    for unit_entry in read(image).get_dwarf_info().iter_CUs():
        for die in unit_entry.iter_DIEs():
            if die.tag == "DW_TAG_subprogram":
                found[die.attributes["DW_AT_name"].value.decode()] = die.attributes["DW_AT_low_pc"].value
    assert found == {name: names[name] for name in ("_start", "second")}


def test_pic_image_lists_the_words_that_hold_addresses() -> None:
    text = """
        @number = dso_local constant i64 99
        @pointer = dso_local global ptr @number
        define dso_local ptr @_start() { %p = load ptr, ptr @pointer ret ptr %p }
    """
    image = link([assemble(text, "uefi")], LAYOUTS["uefi"])
    names = symbols(image)
    table = section(image, ".rela.dyn")
    assert [(entry["r_offset"], entry["r_info_type"]) for entry in table.iter_relocations()] == [(names["pointer"], 8)]
    assert word_at(image, names["pointer"]) == names["number"]


def test_flat_binary_begins_with_its_entry() -> None:
    lines = """
        .data
        value: .word 0x55aa
        .text
        other: ret
        .section .text.boot, "ax", @progbits
        .code16
        .globl _start
        _start: movw $value, %ax
        jmp _start
        .bss
        .skip 64
    """
    image = flat([assemble_lines(lines, "loader")], base=0x7C00)
    assert image[0] == 0xB8
    at = int.from_bytes(image[1:3], "little") - 0x7C00
    assert image[at : at + 2] == b"\xaa\x55" and len(image) == at + 2
    with pytest.raises(LinkError, match="other must be the first thing in its section"):
        flat([assemble_lines(lines.replace("other: ret", "nop\n.globl other\nother: ret"), "loader")], 0x7C00, "other")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["declare dso_local void @lost()\ndefine void @_start() { call void @lost() ret void }"],
         r"section \.text\+0x\w+, in _start: lost is not defined"),
        (["define void @_start() { ret void }", "define void @_start() { ret void }"], "_start is defined twice"),
        (["define void @main() { ret void }"], "the entry symbol _start is not defined"),
        (["@t = thread_local global i64 0\ndefine void @_start() { ret void }"], r"section \.tbss .* is thread-local"),
        (["@llvm.global_ctors = appending global [1 x {i32, ptr, ptr}] "
          "[{i32, ptr, ptr} {i32 1, ptr @_start, ptr null}]\n"
          "define void @_start() { ret void }"], "constructors"),
        (["@c = common global i64 0\ndefine void @_start() { ret void }"], "c of .* is a common symbol"),
        (["@o = external global i64\ndefine i64 @_start() { %r = load i64, ptr @o ret i64 %r }"],
         "o is reached through an offset table: declare it dso_local"),
    ],
)  # fmt: skip
def test_refusals_name_symbol_and_place(texts: list[str], message: str) -> None:
    target = "uefi" if "external global" in texts[0] else "kernel"
    with pytest.raises(LinkError, match=message):
        link([assemble(text, target) for text in texts], LAYOUTS[target])


@pytest.mark.parametrize(
    ("lines", "target", "message"),
    [
        (
            ".long _start",
            "kernel",
            r"_start is out of reach, R_X86_64_32 holds 0x0 to 0xffffffff and .* 0xffffffff8000",
        ),
        (".word _start", "loader", "_start is out of reach, R_X86_64_16"),
        (
            ".long 1f - .\n1: .long far - .\n.globl far\nfar = 0x123456789000",
            "loader",
            "an absolute address is out of reach, R_X86_64_PC32",
        ),
        (".long _start", "uefi", "the address of _start is stored in less than 64 bits"),
        ('.section .both, "awx"\n.byte 1', "kernel", "section .both of .* is both writable and executable"),
    ],
)
def test_assembler_refusals(lines: str, target: str, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        link([assemble_lines(f".globl _start\n_start: nop\n{lines}", target)], LAYOUTS[target])


def test_weak_definition_yields_to_a_strong_one() -> None:
    weak = assemble("define weak i64 @value() { ret i64 1 }")
    strong = assemble("define i64 @value() { ret i64 2 }\ndefine void @_start() { ret void }")
    for order in ([weak, strong], [strong, weak]):
        image = link(order, LAYOUTS["kernel"])
        assert bytes_at(image, symbols(image)["value"], 6) == b"\xb8\x02\0\0\0\xc3"


def test_damaged_objects_are_refused_with_a_message() -> None:
    good = assemble(KERNEL)
    for length in range(0, len(good), 61):
        with pytest.raises(LinkError):
            link([good[:length]], LAYOUTS["kernel"])
    with pytest.raises(LinkError, match="object 1 is not a relocatable ELF object"):
        link([link([good], LAYOUTS["kernel"])], LAYOUTS["kernel"])
    for position in range(0, len(good), 7):
        broken = bytearray(good)
        broken[position] ^= 0xFF
        try:
            link([bytes(broken)], LAYOUTS["kernel"])
        except LinkError:
            continue


def test_object_name_comes_from_the_source_file() -> None:
    assert read_object(assemble('source_filename = "kernel.main"\n' + KERNEL), 4).name == "kernel.main"
    unnamed = assemble_lines(".globl _start\n_start: nop").replace(b"<string>\0", bytes(9))
    assert read_object(unnamed, 4).name == "object 4"
