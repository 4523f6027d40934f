"""Layouts of structs, unions and bit-fields against ctypes', and what their fields read and write."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import (
    Trap,
    addr,
    array,
    atomic,
    bits,
    copy,
    offsetof,
    ptr,
    sizeof,
    span,
    struct,
    u8,
    u16,
    u32,
    u64,
    union,
    volatile,
)
from compiler.prelude.integers import i8, i16, i32, i64
from compiler.prelude.traps import LanguageError

SCALARS: list[tuple[Any, Any]] = [
    (u8, ctypes.c_uint8), (u16, ctypes.c_uint16), (u32, ctypes.c_uint32), (u64, ctypes.c_uint64),
    (i8, ctypes.c_int8), (i16, ctypes.c_int16), (i32, ctypes.c_int32), (i64, ctypes.c_int64),
    (bool, ctypes.c_bool), (ptr[u8], ctypes.c_void_p),
]  # fmt: skip
Form = tuple[Any, Any]


def arrays(of: st.SearchStrategy[Form]) -> st.SearchStrategy[Form]:
    return st.tuples(of, st.integers(1, 5)).map(lambda pair: (array[pair[0][0], pair[1]], pair[0][1] * pair[1]))


def records(of: st.SearchStrategy[Form]) -> st.SearchStrategy[Form]:
    return st.tuples(st.lists(of, min_size=1, max_size=6), st.booleans(), st.booleans()).map(lambda p: make(*p))


forms = st.recursive(st.sampled_from(SCALARS), lambda inner: arrays(inner) | records(inner), max_leaves=8)


def make(fields: list[Form], packed: bool, is_union: bool) -> Form:
    """The same struct or union in the language and in ctypes."""
    names = [f"f{i}" for i in range(len(fields))]
    ours = type("Made", (), {"__annotations__": dict(zip(names, (f[0] for f in fields), strict=True))})
    decorate: Any = union if is_union else struct
    body: dict[str, Any] = {"_fields_": list(zip(names, (f[1] for f in fields), strict=True))}
    if packed:
        body = {"_pack_": 1, **body}
    theirs = type("Made", (ctypes.Union if is_union else ctypes.Structure,), body)
    return decorate(packed=packed)(ours), theirs


@given(st.lists(forms, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_layout_is_that_of_ctypes(fields: list[Form], packed: bool, is_union: bool) -> None:
    ours, theirs = make(fields, packed, is_union)
    assert sizeof(ours) == ctypes.sizeof(theirs)
    assert [offsetof(ours, f"f{i}") for i in range(len(fields))] == [
        getattr(theirs, f"f{i}").offset for i in range(len(fields))
    ]


@given(st.data())
def test_fields_read_and_write_the_bytes_of_ctypes(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(SCALARS[:8]), min_size=1, max_size=8))
    ours, theirs = make(list(kinds), data.draw(st.booleans()), False)
    mine, reference = ours(), theirs()
    for index, (box, _) in enumerate(kinds):
        value = data.draw(st.integers(box.minimum, box.maximum))
        setattr(mine, f"f{index}", value)
        setattr(reference, f"f{index}", value)
        assert int(getattr(mine, f"f{index}")) == value
    for index, (box, _) in enumerate(kinds):
        at, size = offsetof(ours, f"f{index}"), sizeof(box)
        assert mine.memory_.data[at : at + size] == bytes(reference)[at : at + size]


@pytest.mark.parametrize(("unit", "theirs"), SCALARS[:4])
@given(data=st.data())
def test_bit_fields_are_those_of_ctypes(unit: Any, theirs: Any, data: st.DataObject) -> None:
    widths: list[int] = []
    while sum(widths) < unit.bits:
        widths.append(data.draw(st.integers(1, unit.bits - sum(widths))))
    lows = [sum(widths[:i]) for i in range(len(widths))]
    fields = {f"f{i}": bits[unit, low, width] for i, (low, width) in enumerate(zip(lows, widths, strict=True))}
    ours: Any = struct(type("Bits", (), {"__annotations__": fields}))
    shape = [(f"f{i}", theirs, width) for i, width in enumerate(widths)]
    reference = type("Bits", (ctypes.LittleEndianStructure,), {"_fields_": shape})()
    mine = ours()
    assert sizeof(ours) == sizeof(unit) == ctypes.sizeof(reference)
    for _ in range(2):
        for i, width in enumerate(widths):
            value = data.draw(st.integers(0, (1 << width) - 1))
            setattr(mine, f"f{i}", value)
            setattr(reference, f"f{i}", value)
    assert bytes(mine.memory_.data) == bytes(reference)
    assert [int(getattr(mine, f"f{i}")) for i in range(len(widths))] == [
        getattr(reference, f"f{i}") for i in range(len(widths))
    ]


@struct
class Descriptor:
    present: bits[u64, 0, 1]
    frame: bits[u64, 12, 40]
    lower_again: bits[u64, 3, 2]
    other_unit: bits[u32, 5, 3]
    plain: u8 = 7


def test_a_bit_field_that_does_not_rise_or_names_another_unit_begins_one() -> None:
    assert [offsetof(Descriptor, n) for n in ("present", "frame", "lower_again", "other_unit", "plain")] == [
        0, 0, 8, 16, 20,
    ]  # fmt: skip
    assert sizeof(Descriptor) == 24


@struct(align=64, size=192)
class Wide:
    count: atomic[u32]
    ready: volatile[u32]
    inner: Descriptor
    rows: array[array[u16, 3], 2]


def test_alignment_and_size_are_given() -> None:
    assert sizeof(Wide) == 192
    assert offsetof(Wide, "inner.plain") == 8 + 20
    with pytest.raises(LanguageError, match="more than size=8"):
        sizeof(struct(size=8)(type("Small", (), {"__annotations__": {"words": array[u64, 2]}})))


def test_missing_fields_take_their_default_else_zero() -> None:
    made: Any = Descriptor(frame=0x12345)
    assert (int(made.plain), int(made.frame), int(made.present)) == (7, 0x12345, 0)
    with pytest.raises(LanguageError, match="no field colour"):
        made = Descriptor(colour=1)  # type: ignore[call-arg]


def test_a_struct_copies_by_copy_alone() -> None:
    wide: Any = Wide()
    wide.rows[1][2] = 0xABCD
    other = copy(wide)
    other.rows[1][2] = 1
    pointer = addr(wide.inner)
    pointer.plain = 99
    assert (int(wide.rows[1][2]), int(other.rows[1][2])) == (0xABCD, 1)
    assert (int(wide.inner.plain), int(other.inner.plain)) == (99, 0)
    wide.inner = copy(other.inner)
    assert int(pointer.plain) == 0


def test_atomics_read_modify_write() -> None:
    count: Any = Wide().count
    assert int(count.fetch_add(5)) == 0
    assert int(count.fetch_sub(6, "relaxed")) == 5
    assert int(count.load("acquire")) == 0xFFFF_FFFF
    assert count.cas(1, 2) is False
    old, swapped = count.compare_exchange(0xFFFF_FFFF, 2, "acq_rel")
    assert (int(old), swapped, int(count.load())) == (0xFFFF_FFFF, True, 2)
    with pytest.raises(LanguageError, match="load has no order 'release'"):
        count.load("release")


def test_every_index_is_checked() -> None:
    form: Any = array[u16, 3]
    row = form(1, 2, 3)
    for bad in (3, -1, u64(1 << 40)):
        with pytest.raises(Trap, match="bounds"):
            _ = row[bad]
    part = row[1:3]
    assert [int(v) for v in part] == [2, 3]
    with pytest.raises(Trap, match="bounds"):
        _ = part[0:3]
    part[0] = 40
    assert int(row[1]) == 40
    assert int(span(addr_of_first(row), 3)[2]) == 3


def addr_of_first(row: Any) -> Any:
    from compiler.prelude.places import element_address

    return element_address(row, 0)
