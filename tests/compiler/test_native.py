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
