"""User programs compiled for a named processor may use its vector registers; without one there are none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from compiler.audit import audit
from compiler.link import LinkError
from tests.compiler.source_text import create_build

SOURCE = """
from compiler.prelude import f64
from compiler.prelude.x64 import *

@naked
@asm_x64
def leave(status: u64) -> NoReturn:
    mov(eax, 60)
    syscall()

@asm_x64
def unknown(number: u64) -> u64:
    mov(rax, rdi)

@noinline
def area(radius: f64) -> f64:
    return radius * radius * 3.0

@export("_start")
def begin() -> NoReturn:
    leave(u64(area(f64(unknown(4)))))
"""


def vector_instructions(image: bytes) -> int:
    return sum(len(function.vector) for function in audit(image).functions)


def test_a_named_processor_allows_numbers_with_a_point(tmp_path: Path) -> None:
    build = create_build(tmp_path, SOURCE, "user")
    build.cpu = "x86-64"
    build.write(tmp_path / "program.elf")
    assert vector_instructions((tmp_path / "program.elf").read_bytes()) > 0
    (tmp_path / "program.elf").chmod(0o755)
    assert subprocess.run([tmp_path / "program.elf"], timeout=20, check=False).returncode == 48


def test_without_one_the_linker_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="a number with a point needs vector registers"):
        create_build(tmp_path, SOURCE, "user").image()


def test_the_kernel_has_no_vectors_on_any_processor(tmp_path: Path) -> None:
    source = '@export("_start")\ndef f(to: ptr[u64]) -> None:\n    for i in range(64):\n        to[i] = 7\n'
    build = create_build(tmp_path, source, "kernel")
    build.cpu = "x86-64-v3"
    assert vector_instructions(build.image()) == 0
    for_user = create_build(tmp_path, source, "user")
    for_user.cpu = "x86-64-v3"
    assert vector_instructions(for_user.image()) > 0
