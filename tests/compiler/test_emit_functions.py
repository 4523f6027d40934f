"""Functions in LLVM IR: calling conventions, assembler, traps, loops and debug locations."""

import re
from pathlib import Path

import pytest

from tests.compiler.source_text import create_build, emit_function


def test_small_integers_are_extended_at_calls_as_at_definitions(tmp_path: Path) -> None:
    source = """
@noinline
def g(a: u8, b: i16, c: bool, d: u64) -> bool:
    return c
def f(a: u8, b: i16) -> bool:
    return g(a, b, True, 7)
""".replace("i16", "i8")
    text = create_build(tmp_path, source).ir()
    assert re.search(r"define internal zeroext noundef i1 @program.g\(i8 zeroext noundef \S+, i8 signext", text)
    assert re.search(r"call zeroext noundef i1 @program.g\(i8 zeroext noundef \S+, i8 signext .* i1 zeroext", text)


def test_an_indirect_call_extends_like_a_direct_one(tmp_path: Path) -> None:
    source = """
from collections.abc import Callable
def f(handler: Callable[[u8], u16], a: u8) -> u16:
    return handler(a)
"""
    assert re.search(r"call zeroext noundef i16 %\S+\(i8 zeroext", emit_function(tmp_path, source, "f"))


def test_inlined_assembler_declares_what_it_writes(tmp_path: Path) -> None:
    source = """
from compiler.prelude.x64 import *
@asm_x64
def mix(a: u64) -> u64:
    mov(rbx, rdi)
    xor(ebp, ebp)
    lea(rax, [rbx, 1])
def f(a: u64) -> u64:
    return mix(a)
"""
    text = emit_function(tmp_path, source, "mix")
    constraints = re.search(r'", "([^"]*)"\(i64', text)
    assert constraints
    words = constraints[1].split(",")
    assert words[:3] == ["={rax}", "={rdi}", "1"]
    assert {"~{rbx}", "~{rbp}", "~{memory}", "~{flags}"} <= set(words)


def test_callee_saved_registers_survive_inlined_assembler(tmp_path: Path) -> None:
    source = """
from compiler.prelude.x64 import *
@asm_x64
def spoil() -> None:
    xor(ebx, ebx)
    xor(ebp, ebp)
@export
def f() -> None:
    spoil()
"""
    text = create_build(tmp_path, source).object("asm").decode()
    body = text.split("\nf:")[1].split(".size")[0]
    assert body.count("pushq\t%rbx") == body.count("popq\t%rbx") == 1
    assert body.count("pushq\t%rbp") == body.count("popq\t%rbp") == 2


def test_a_naked_function_has_its_body_alone_and_a_line(tmp_path: Path) -> None:
    source = """
from compiler.prelude.x64 import *
@export
@naked
@asm_x64
def door() -> None:
    ret()
"""
    build = create_build(tmp_path, source)
    assert re.search(r"asm sideeffect inteldialect .*!dbg", emit_function(tmp_path, source, "door"))
    lines = build.object("asm").decode().split("\ndoor:")[1].split(".size")[0].split("\n")
    code = [line.strip() for line in lines if line.strip() and line.startswith("\t") and not line.startswith("\t.")]
    assert [line for line in code if not line.startswith("#")] == ["retq"]


def test_an_interrupt_handler_saves_what_it_uses_and_returns_by_iretq(tmp_path: Path) -> None:
    source = """
@struct
class Frame:
    ip: u64
    cs: u64
    flags: u64
    sp: u64
    ss: u64
count: u64 = 0
@export
@interrupt
def timer(frame: ptr[Frame]) -> None:
    global count
    count = frame.ip
"""
    body = create_build(tmp_path, source).object("asm").decode().split("\ntimer:")[1].split(".size")[0]
    saved = re.findall(r"pushq\t(%r[a-ds]\w)\b", body)
    assert saved and saved == re.findall(r"popq\t(%r[a-ds]\w)\b", body)[::-1]
    assert "iretq" in body


def test_one_trap_block_for_a_line(tmp_path: Path) -> None:
    source = "def f(s: span[u8], i: u64) -> u8:\n    return s[i] + s[i + 1] + s[i + 2]\n"
    text = emit_function(tmp_path, source, "f")
    assert text.count("icmp ult") == 3
    assert text.count("call void @compiler.trap") == 1


def test_a_counting_loop_says_that_it_cannot_wrap(tmp_path: Path) -> None:
    source = "def f(n: u64) -> u64:\n    t: u64 = 0\n    for i in range(n):\n        t += i\n    return t\n"
    assert "add nuw i64" in emit_function(tmp_path, source, "f")


def test_a_step_that_could_pass_the_end_of_the_range_compares_distances(tmp_path: Path) -> None:
    source = "def f(n: u64) -> u64:\n    t: u64 = 0\n    for i in range(0, n, 3):\n        t += i\n    return t\n"
    text = emit_function(tmp_path, source, "f")
    assert "nuw" not in text and "icmp ugt" in text


def test_tuples_with_bools_are_kept_in_whole_bytes(tmp_path: Path) -> None:
    source = """
def pair(a: u64) -> tuple[u64, bool]:
    return a, a > 3
def f(a: u64) -> u64:
    both = pair(a)
    low, high = both
    return low if high else 0
"""
    assert "alloca {i64, i1}, align 8" in emit_function(tmp_path, source, "f")


def test_every_call_in_a_function_has_a_location(tmp_path: Path) -> None:
    """LLVM refuses inlinable calls without one, and a backtrace would show line 0."""
    source = (
        "@noinline\ndef g(a: u64) -> u64:\n    return a\ndef f(s: span[u64]) -> u64:\n    return g(s[1]) + g(len(s))\n"
    )
    calls = [line for line in emit_function(tmp_path, source, "f").split("\n") if " call " in line]
    assert len(calls) == 3
    assert all("!dbg" in line for line in calls)


def test_a_large_frame_touches_every_page(tmp_path: Path) -> None:
    """A guard page below the stack is of use only when no frame can jump over it."""
    source = """
@noinline
def fill(items: span[u8]) -> u64:
    for i in range(len(items)):
        items[i] = mem8[i]
    return u64(items[5])
@export
def f() -> u64:
    large: array[u8, 20000] = zeroed()
    return fill(large[0:20000])
"""
    body = create_build(tmp_path, source).object("asm").decode().split("\nf:")[1].split(".size")[0]
    assert re.search(r"subq\t\$4096, %(rsp|r11)", body)
    assert re.search(r"(orq|movq)\t\$0, \(%rsp\)", body)


def test_text_of_another_file_keeps_its_file(tmp_path: Path) -> None:
    """A default value stands in the struct's file, not in that of the function that makes one."""
    other = (
        "from compiler.prelude import struct, u64\n\nsize: u64 = 3\n\n\n@struct\nclass Box:\n    a: u64 = 1 + size\n"
    )
    (tmp_path / "other.py").write_text(other)
    source = "from other import Box\n@export\ndef f() -> u64:\n    box = Box()\n    return box.a\n"
    ir = create_build(tmp_path, source).ir()
    assert re.search(r"!DILexicalBlockFile\(scope: !\d+, file: !\d+, discriminator: 0\)", ir)


def test_wide_atomics_are_single_instructions(tmp_path: Path) -> None:
    source = """
pair: atomic[u128] = 0
@export
def f(low: u64) -> u64:
    pair.store(u128(low))
    _ = pair.cas(1, 2)
    return u64(pair.load())
"""
    text = create_build(tmp_path, source).object("asm").decode()
    assert text.count("cmpxchg16b") >= 3
    assert "__atomic" not in text


@pytest.mark.parametrize("small", [False, True])
def test_functions_that_never_return_save_no_registers(tmp_path: Path, small: bool) -> None:
    """LLVM 22 gives up over calls of functions that clobber the frame pointer, where it describes them to debuggers."""
    source = """from compiler.prelude.x64 import *
@noinline
def called(a: u64) -> NoReturn:
    panic('over')
def entered() -> NoReturn:
    called(ptr[u64](8)[0])
@naked
@asm_x64
def stub() -> None:
    jmp(entered)
@export("_start")
def f(a: u64) -> None:
    if a == 0:
        called(a)
    stub()
"""
    build = create_build(tmp_path, source.replace("'", '"'))
    build.small = small
    header = {
        name: line
        for line in build.ir().splitlines()
        for name in ("called", "entered")
        if f"program.{name}(" in line and "define" in line
    }
    assert "preserve_nonecc" in header["called"]
    assert "no_callee_saved_registers" in header["entered"]
    assert b"cfi_remember_state" not in build.object("asm")


def test_debuggers_find_the_registers_of_callers(tmp_path: Path) -> None:
    source = '@noinline\ndef g(a: u64) -> NoReturn:\n    panic("over")\n@export\ndef f(a: u64) -> None:\n    g(a)\n'
    text = create_build(tmp_path, source, profile="debug").ir()
    assert "no_callee_saved_registers" not in text
    assert "preserve_nonecc" not in text
