"""Loads, stores and copies in LLVM IR: alignment, volatility, per-CPU segments, results made in place."""

import re
from pathlib import Path

import pytest

from compiler.errors import CompilationFailed
from tests.compiler.source_text import create_build, emit_function

STRUCTS = """
@struct
class Pair:
    low: u32
    high: u64

@struct(packed=True)
class Packed:
    tag: u8
    pair: Pair
    words: array[u32, 4]

@struct
class Device:
    status: volatile[u32]
    flags: bits[u32, 4, 3]

shared: Packed = zeroed()
aligned: Packed = zeroed(align=64)
mine: percpu[Pair] = Pair(low=1)
"""


@pytest.mark.parametrize(
    ("body", "kind", "align"),
    [
        ("shared.pair.low = 5", "i32", 1),
        ("shared.pair.high = 5", "i64", 1),
        ("shared.words[index] = 5", "i32", 1),
        ("aligned.tag = 5", "i8", 64),
        ("pointer[0] = 5", "i32", 1),
        ("pointer[index] = 5", "i32", 1),
        ("items[index] = 5", "i32", 1),
        ("mem32[index] = 5", "i32", 1),
    ],
)
def test_a_store_claims_no_more_alignment_than_its_place_has(tmp_path: Path, body: str, kind: str, align: int) -> None:
    source = f"{STRUCTS}\ndef f(pointer: ptr[u32], items: span[u32], index: u64) -> None:\n    {body}\n"
    assert re.search(rf"store (volatile )?{kind} 5, ptr \S+, align {align}\b", emit_function(tmp_path, source, "f"))


def test_a_local_keeps_its_alignment(tmp_path: Path) -> None:
    source = f"{STRUCTS}\ndef f() -> u64:\n    pair = Pair(low=1)\n    pair.high = 7\n    return pair.high\n"
    assert "store i64 7, ptr %v" in (text := emit_function(tmp_path, source, "f"))
    assert re.search(r"store i64 7, ptr \S+, align 8", text)


def test_raw_pointers_move_anywhere_but_elements_stay_inside(tmp_path: Path) -> None:
    source = "def f(p: ptr[u8], s: span[u8], i: u64) -> u8:\n    return p[i] + s[i]\n"
    steps = re.findall(r"getelementptr ([a-z ]*)\[1 x i8\]", emit_function(tmp_path, source, "f"))
    assert steps == ["", "inbounds nuw "]


def test_volatile_accesses_appear_once_each(tmp_path: Path) -> None:
    body = "    device.status = 1\n    device.status = device.status\n    mem32[16] = mem32[16]\n"
    text = emit_function(tmp_path, f"{STRUCTS}\ndef f(device: ptr[Device]) -> None:\n{body}", "f")
    assert text.count("store volatile i32") == 3
    assert text.count("load volatile i32") == 2


def test_a_bit_field_is_one_access_of_its_unit(tmp_path: Path) -> None:
    text = emit_function(tmp_path, f"{STRUCTS}\ndef f(device: ptr[Device]) -> u32:\n    return device.flags\n", "f")
    assert text.count("load i32") == 1


def test_atomic_accesses_appear_once_each(tmp_path: Path) -> None:
    source = """
count: atomic[u64] = 0
def f() -> u64:
    count.store(1, "release")
    _ = count.fetch_add(2, "relaxed")
    _ = count.cas(3, 4, "acq_rel")
    return count.load("acquire")
"""
    text = emit_function(tmp_path, source, "f")
    assert re.findall(r"store atomic .* release|atomicrmw add .* monotonic|cmpxchg .* acq_rel acquire", text)
    assert [text.count(word) for word in ("store atomic", "atomicrmw", "cmpxchg ptr", "load atomic")] == [1, 1, 1, 1]


def test_per_cpu_structs_are_copied_through_their_segment(tmp_path: Path) -> None:
    source = (
        f"{STRUCTS}\n@export\ndef f() -> u64:\n    mine = Pair(low=2)\n    other = copy(mine)\n    return other.high\n"
    )
    source = source.replace("    mine =", "    global mine\n    mine =")
    text = create_build(tmp_path, source).object("asm").decode()
    assert "%gs:" in text


def test_the_address_of_per_cpu_data_is_refused(tmp_path: Path) -> None:
    source = f"{STRUCTS}\ndef f() -> ptr[Pair]:\n    return addr(mine)\n"
    with pytest.raises(CompilationFailed, match="per-CPU data have no address"):
        create_build(tmp_path, source).ir()


def test_a_result_is_not_made_where_its_arguments_are_read(tmp_path: Path) -> None:
    """The callee's result is `noalias`: a call that reads what it replaces goes through a temporary."""
    source = f"""{STRUCTS}
@noinline
def swapped(p: ptr[Pair]) -> Pair:
    return Pair(low=u32(p.high), high=u64(p.low))
def f() -> u64:
    pair = Pair(low=1, high=2)
    pair = swapped(addr(pair))
    return pair.high
"""
    text = emit_function(tmp_path, source, "f")
    call = re.search(r"sret\(\[16 x i8\]\) align 8 (%\w+), ptr noundef (%\w+)", text)
    assert call and call[1] != call[2]


def test_a_misaligned_result_goes_through_a_temporary(tmp_path: Path) -> None:
    source = f"""{STRUCTS}
@noinline
def made() -> Pair:
    return Pair(low=1)
def f() -> None:
    shared.pair = made()
"""
    text = emit_function(tmp_path, source, "f")
    assert re.search(r"memcpy.p0.p0.i64\(ptr align 1 ", text)


def test_address_zero_is_memory(tmp_path: Path) -> None:
    source = "@export\ndef f(count: u64) -> u8:\n    base = count - count\n    return ptr[u8](base)[0]\n"
    assert "ud2" not in create_build(tmp_path, source).object("asm").decode().split("f:")[1].split(".size")[0]
