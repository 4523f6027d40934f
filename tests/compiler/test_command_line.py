"""`python -m compiler` as it is typed: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiler.source_text import HANDLER, ROOT

PROGRAM = """
from enum import IntEnum

class Kind(IntEnum):
    SMALL = 1

@noinline
def weigh(items: span[u8], index: u64) -> u64:
    return u64(items[index])

@export("_start")
def begin() -> NoReturn:
    while weigh(b"abcdefgh", mem64[4096]) != Kind.SMALL:
        pass
    panic("over")
"""
HOST = """
from compiler.prelude import array, u64, zeroed

table: array[u64, 4] = zeroed()

def main(index: u64) -> u64:
    table[index] = index * 7
    return table[index]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "compiler").symlink_to(ROOT / "compiler")
    names = "const, export, mem64, noinline, panic, panic_handler, span, u8, u32, u64"
    handler = HANDLER.replace("import *", f"import {names}")
    (folder / "program.py").write_text(handler + PROGRAM)
    (folder / "host.py").write_text(HOST)
    (folder / "wrong.py").write_text("def f() -> int:\n    return missing\n")
    (folder / "stage.py").write_text(
        'from compiler.prelude import asm_block\n\nasm_block(".code16; .globl _start; _start: cli; hlt; .code64")\n'
    )
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compiler", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_run_gives_what_main_returns(folder: Path) -> None:
    assert run(folder, "run", "host", "3").returncode == 21


def test_run_reports_a_trap_with_its_place(folder: Path) -> None:
    ended = run(folder, "run", "host", "4")
    assert (ended.returncode, ended.stderr) == (1, "trap: host.py:7: index out of bounds\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "host"), "main takes 1 arguments, 0 given"),
        (("run", "program", "--target", "kernel"), "does not run here"),
        (("run", "wrong_name"), "there is no module wrong_name"),
        (("build", "host", "--target", "host", "-o", "x"), "not linked"),
        (("build", "program", "-D", "CPUS", "-o", "x"), "NAME=VALUE"),
        (("build", "stage", "--target", "bios", "-o", "x"), "--base"),
        (("build", "program", "--target", "nowhere", "-o", "x"), "invalid choice"),
        (("audit", "nothing.elf"), "nothing.elf"),
    ],
)
def test_wrong_use_is_status_2(folder: Path, words: tuple[str, ...], message: str) -> None:
    ended = run(folder, *words)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_mistake_in_the_program_is_status_1(folder: Path) -> None:
    ended = run(folder, "check", "wrong", "--json", "--target", "host")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)[0]["line"] == 2
    assert json.loads(run(folder, "check", "host", "--json", "--target", "host").stdout) == []


def test_a_raw_binary_is_its_bytes_alone(folder: Path) -> None:
    assert run(folder, "build", "stage", "--target", "bios", "--base", "0x7c00", "-o", "stage.bin").returncode == 0
    assert (folder / "stage.bin").read_bytes() == b"\xfa\xf4"


@pytest.mark.parametrize(
    ("stage", "wanted"),
    [
        ("typed", "def program.weigh(items: span[u8], index: u64) -> u64    # program.py:"),
        ("typed", "While test=Compare:bool('!=', "),
        ("ir", "define internal noundef i64 @program.weigh("),
        ("optimized", "define internal"),
        ("asm", "program.weigh:"),
        ("listing", ": return u64(items[index])\n"),
    ],
)
def test_a_dump_shows_its_stage(folder: Path, stage: str, wanted: str) -> None:
    ended = run(folder, "dump", "program", "--emit", stage)
    assert ended.returncode == 0
    assert wanted in ended.stdout


def test_a_build_tells_its_times_and_an_audit_where_bytes_and_stack_go(folder: Path) -> None:
    built = run(folder, "build", "program", "-o", "program.elf", "--time", "--no-cache")
    assert built.returncode == 0
    for word in ("check", "emit", "generate", "link", "peak"):
        assert word in built.stderr
    for what in ("program.elf", "program"):
        report = run(folder, "audit", what)
        assert report.returncode == 0
        assert "bytes per module" in report.stdout
    assert report.stdout.split("deepest stacks\n")[1].split()[1:3] == ["_start", "program.weigh"]


def test_a_build_writes_other_forms_beside_its_output(folder: Path) -> None:
    assert run(folder, "build", "program", "-o", "forms.elf", "--emit", "ir,asm").returncode == 0
    assert "define internal" in (folder / "forms.ll").read_text()
    assert "program.weigh:" in (folder / "forms.s").read_text()
    ended = run(folder, "build", "program", "-o", "forms.elf", "--emit", "ir,prose")
    assert (ended.returncode, "--emit knows no prose" in ended.stderr) == (2, True)


def test_explain_tells_what_an_error_means(folder: Path) -> None:
    told = run(folder, "explain", "unknown-name")
    assert told.returncode == 0
    assert told.stdout.startswith("unknown-name: ")
    assert "unknown-name" in run(folder, "explain").stdout
    wrong = run(folder, "explain", "unknown-nane")
    assert wrong.returncode == 2
    assert "did you mean unknown-name" in wrong.stderr
