"""Struct layouts equal C's, as ctypes knows it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from random import Random
from typing import Any

import pytest

from compiler.driver import Build
from compiler.symbols import TypeSymbol
from compiler.type_model import StructType

SCALARS: dict[str, Any] = {
    "u8": ctypes.c_uint8,
    "i16": ctypes.c_int16,
    "u32": ctypes.c_uint32,
    "i64": ctypes.c_int64,
    "bool": ctypes.c_bool,
    "ptr[u8]": ctypes.c_void_p,
    "atomic[u32]": ctypes.c_uint32,
    "volatile[u16]": ctypes.c_uint16,
}


def make_struct(random: Random, name: str, known: dict[str, Any]) -> tuple[str, Any]:
    """The source of a struct or union, and ctypes' idea of it."""
    union, packed = random.random() < 0.2, random.random() < 0.3
    lines, fields = [], []
    for number in range(random.randint(1, 7)):
        kind, c_type = random.choice(list({**SCALARS, **known}.items()))
        if random.random() < 0.3 and "atomic" not in kind and "volatile" not in kind:
            count = random.randint(1, 5)
            kind, c_type = f"array[{kind}, {count}]", c_type * count
        lines.append(f"    f{number}: {kind}")
        fields.append((f"f{number}", c_type))
    body: dict[str, Any] = {"_pack_": 1} if packed and not union else {}
    made = type(name, (ctypes.Union if union else ctypes.Structure,), {**body, "_fields_": fields})
    decorator = "@union" if union else "@struct(packed=True)" if packed else "@struct"
    return "\n".join([decorator, f"class {name}:", *lines]), made


@pytest.mark.parametrize("seed", range(20))
def test_offsets_and_sizes(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    known: dict[str, Any] = {}
    texts: list[str] = []
    for number in range(8):
        text, known[f"S{number}"] = make_struct(random, f"S{number}", dict(known))
        texts.append(text)
    imports = "from compiler.prelude import array, atomic, i16, i64, ptr, struct, u8, u16, u32, union, volatile"
    (tmp_path / "layouts.py").write_text("\n\n\n".join([imports, *texts]) + "\n")
    job = Build(tmp_path, "layouts", "host")
    job.check()
    assert job.project is not None
    module = job.project.modules["layouts"]
    for name, expected in known.items():
        symbol = module.symbols[name]
        assert isinstance(symbol, TypeSymbol) and isinstance(symbol.type, StructType)
        offsets = {field: getattr(expected, field).offset for field, _ in expected._fields_}
        assert {field.name: field.offset for field in symbol.type.fields.values()} == offsets
        assert (symbol.type.size, symbol.type.align) == (ctypes.sizeof(expected), ctypes.alignment(expected))
