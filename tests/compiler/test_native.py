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
