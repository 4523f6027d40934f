"""Debug information as debuggers see it: a gdb session on a compiled program, addr2line, and DWARF read directly.

The program is a user program that ends by Linux's exit call, so that it runs here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.compiler.source_text import create_build

SOURCE = """
from enum import IntEnum
from compiler.prelude.x64 import *

class Kind(IntEnum):
    SMALL = 1
    LARGE = 2

@struct
class Point:
    x: u32
    y: i64
    kind: bits[u8, 2, 3]
    corners: array[u16, 3]

origin: Point = Point(x=7, y=-3, corners=array(1, 2, 3))
total: u64 = 0

@noinline
def weigh(point: ptr[Point], factor: u64) -> u64:
    global total
    sum = u64(point.x) * factor
    for corner in point.corners:
        sum += u64(corner)
    total = sum
    return sum + unknown(u64(point)) - u64(point)  # stop here

@noinline
def walk(count: u64) -> u64:
    label = b"walk"
    size: Kind = Kind.LARGE
    weight = weigh(ptr[Point](unknown(u64(addr(origin)))), count + 2)
    return weight + len(label)

@naked
@asm_x64
def leave(status: u64) -> NoReturn:
    mov(eax, 60)
    syscall()

@asm_x64
def unknown(number: u64) -> u64:
    mov(rax, rdi)                       # the optimizer cannot see through it

@export("_start")
def begin() -> NoReturn:
    origin.kind = 5
    origin.x = u32(unknown(7))
    weight = walk(unknown(4))
    leave(weight + total - total)
"""


@pytest.fixture(scope="module", params=[("release", 0), ("release", 2), ("debug", 2)], ids=["O0", "O2", "debug"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sources, with the executable `program.elf`."""
    folder = tmp_path_factory.mktemp("gdb")
    profile, opt = request.param
    create_build(folder, SOURCE, "user", profile, opt).write(folder / "program.elf")
    (folder / "program.elf").chmod(0o755)
    return folder


def marked_line(folder: Path) -> int:
    lines = (folder / "program.py").read_text().split("\n")
    return next(number for number, text in enumerate(lines, start=1) if "stop here" in text)


def run_gdb(folder: Path, *commands: str) -> str:
    if shutil.which("gdb") is None:
        pytest.skip("gdb is missing: apt-get install gdb")
    words = ["gdb", "-nx", "-batch", *(word for command in commands for word in ("-ex", command)), "program.elf"]
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout + result.stderr


def test_gdb_stops_at_a_line_and_shows_what_is_there(program: Path) -> None:
    line = marked_line(program)
    seen = run_gdb(
        program,
        f"break program.py:{line}",
        "run",
        "backtrace",
        "info args",
        "print *point",
        "print point->corners[2]",
        "list",
        "up",
        "info locals",
        "print label.length",
        "print size",
        "print 'program.origin'.y",
    )
    assert re.search(
        rf"Breakpoint 1, .*program.weigh \(point=0x[0-9a-f]+.*, factor=.*\) at \.?/?program.py:{line}", seen
    ), seen
    assert re.search(r"#1 .*\.walk \(count=.*\) at", seen), seen
    assert re.search(r"#2 .* _start \(\) at", seen), seen
    assert "x = 7, y = -3, kind = 5 '\\005', corners = {1, 2, 3}" in seen
    assert "stop here" in seen
    assert re.search(r"label = \{pointer = .*, length = 4\}", seen), seen
    assert seen.rstrip().endswith("= 4\n$4 = LARGE\n$5 = -3")


def test_gdb_steps_by_lines_of_the_source(program: Path) -> None:
    seen = run_gdb(program, "break 'program.weigh'", "run", "next", "next", "info source")
    assert "Current source file is program.py" in seen
    assert "for corner in point.corners" in seen or "sum += u64(corner)" in seen


def test_the_program_runs_to_its_end(program: Path) -> None:
    result = subprocess.run([program / "program.elf"], timeout=20, check=False)
    assert result.returncode == 7 * 6 + 1 + 2 + 3 + 4


def test_addr2line_names_function_and_line(program: Path) -> None:
    if shutil.which("addr2line") is None:
        pytest.skip("addr2line is missing: apt-get install binutils")
    address = address_of(program / "program.elf", "program.walk")
    words = ["addr2line", "-f", "-e", "program.elf", hex(address)]
    function, place = subprocess.run(
        words, cwd=program, capture_output=True, text=True, check=True, timeout=20
    ).stdout.split()
    assert function == "program.walk"
    assert re.search(r"program.py:\d+$", place)


def address_of(image: Path, name: str) -> int:
    table: Any = ELFFile(BytesIO(image.read_bytes())).get_section_by_name(".symtab")
    return int(table.get_symbol_by_name(name)[0]["st_value"])


def test_every_function_has_an_entry_with_its_range(program: Path) -> None:
    elf = ELFFile(BytesIO((program / "program.elf").read_bytes()))
    table: Any = elf.get_section_by_name(".symtab")
    functions = {s.name: s["st_value"] for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC"}
    described = set()
    for unit in elf.get_dwarf_info().iter_CUs():
        for entry in unit.iter_DIEs():
            if entry.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in entry.attributes:
                described.add(entry.attributes["DW_AT_low_pc"].value)
    assert len(functions) > 5
    assert {name for name, address in functions.items() if address not in described} == set()


def test_struct_members_lie_where_the_layout_puts_them(program: Path) -> None:
    elf = ELFFile(BytesIO((program / "program.elf").read_bytes()))
    members = {}
    for unit in elf.get_dwarf_info().iter_CUs():
        for entry in unit.iter_DIEs():
            if entry.tag == "DW_TAG_structure_type" and entry.attributes["DW_AT_name"].value == b"Point":
                for child in entry.iter_children():
                    at = child.attributes.get("DW_AT_data_member_location") or child.attributes["DW_AT_data_bit_offset"]
                    members[child.attributes["DW_AT_name"].value.decode()] = at.value
    assert members == {"x": 0, "y": 8, "kind": 16 * 8 + 2, "corners": 18}
