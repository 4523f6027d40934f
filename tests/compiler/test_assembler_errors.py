"""Mistakes in assembler functions are told with the line of the source that made them."""

from pathlib import Path

import pytest

from compiler.errors import CompilationFailed
from tests.compiler.source_text import create_build

SOURCE = """
from compiler.prelude.x64 import *

@asm_x64
def good() -> u64:
    mov(rax, 5)

@asm_x64
def narrow(a: u64) -> u64:
    mov(rcx, rdi)
    raw("nop\\nnop")
    label("again")
    mov(rax, bl)                        # mistake one
    jne("again")

@naked
@asm_x64
def stub() -> None:
    lea(rax, rbx)                       # mistake two
    ret()

@export("_start")
def begin() -> NoReturn:
    _ = narrow(good())
    while True:
        pass
"""


@pytest.mark.parametrize("profile", ["release", "debug"])
def test_each_mistake_is_told_with_its_line(tmp_path: Path, profile: str) -> None:
    with pytest.raises(CompilationFailed) as failure:
        create_build(tmp_path, SOURCE, profile=profile).image()
    lines = (tmp_path / "program.py").read_text().split("\n")
    told = [(lines[d.span.line - 1], d.message) for d in failure.value.diagnostics]
    assert [text.split("# ")[1] for text, _ in told] == ["mistake one", "mistake two"]
    assert "invalid operand" in told[0][1]
    assert "invalid operand" in told[1][1]


def test_all_mistakes_are_told_by_one_build(tmp_path: Path) -> None:
    """Those that the front sees, and those that LLVM sees, several in a function."""
    source = SOURCE.replace(
        '    jne("again")', '    mov(rax, a)\n    movq(rax, rcx)\n    lea(rdx, rax)\n    jne("nowhere")'
    ).replace("    while True:", "    x: u8 = 300\n    while True:")
    with pytest.raises(CompilationFailed) as failure:
        create_build(tmp_path, source).image()
    told = [diagnostic.span.text for diagnostic in failure.value.diagnostics]
    assert told == ["mov(rax, bl)", "a", "movq(rax, rcx)", "lea(rdx, rax)", "lea(rax, rbx)", "300"]


def test_a_shift_by_a_register_other_than_cl_is_refused(tmp_path: Path) -> None:
    source = SOURCE.replace("mov(rax, bl)", "shl(rax, rsi)")
    with pytest.raises(CompilationFailed, match="shl counts by cl or by a constant, not by rsi"):
        create_build(tmp_path, source).image()
