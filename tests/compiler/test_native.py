"""Compiled functions called from CPython."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from compiler.native import NativeModule, load_module

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=[0, 2], ids=["O0", "O2"])
def adler(request: pytest.FixtureRequest) -> NativeModule:
    return load_module("tests.compiler.run.adler", opt=request.param, root=ROOT)


@pytest.mark.parametrize("data", [b"", b"a", b"restricted Python", bytes(range(256)) * 64])
def test_compiled_checksum_equals_the_library(adler: NativeModule, data: bytes) -> None:
    assert adler.adler32(data) == zlib.adler32(data)


def test_percpu_data_are_plain_data_here(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(
        "from compiler.prelude import array, percpu, percpu_address, ptr, u64\n\n"
        "counter: percpu[u64] = 3\n"
        "table: percpu[array[u64, 4]] = array(1, 2, 3, 4)\n\n\n"
        "def count() -> u64:\n"
        "    global counter\n"
        "    counter += 1\n"
        "    return counter + table[2] + ptr[u64](percpu_address(counter))[0]\n"
    )
    counting = load_module("counting", root=tmp_path)
    assert [counting.count(), counting.count()] == [11, 13]


def test_assembler_reaches_percpu_data_as_plain_data(tmp_path: Path) -> None:
    (tmp_path / "asking.py").write_text(
        "from compiler.prelude import array, asm_x64, naked, percpu, u64\n"
        "from compiler.prelude.x64 import *\n\n"
        "table: percpu[array[u64, 4]] = array(1, 2, 3, 4)\n\n\n"
        "@naked\n"
        "@asm_x64\n"
        "def third() -> u64:\n"
        "    mov(rax, gs[table, 16])\n"
        "    ret()\n\n\n"
        "def ask() -> u64:\n"
        "    return third()\n"
    )
    assert load_module("asking", root=tmp_path).ask() == 3


def test_large_copies_find_what_they_call_beside_assembler_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "copying.py").write_text(
        "from compiler.prelude import addr, array, asm_x64, memory_copy, naked, ptr, u8, u64, zeroed\n"
        "from compiler.prelude.x64 import *\n\n"
        "source: array[u8, 4096] = array(7 for _ in range(4096))\n"
        "target: array[u8, 4096] = zeroed()\n\n\n"
        "@naked\n"
        "@asm_x64\n"
        "def nowhere() -> None:\n"
        '    raw("jmp a_door_of_another_program")\n\n\n'
        "def copied(count: u64) -> u64:\n"
        "    memory_copy(ptr[u8](addr(target)), ptr[u8](addr(source)), count)\n"
        "    return u64(target[count - 1])\n"
    )
    assert load_module("copying", root=tmp_path).copied(4000) == 7
