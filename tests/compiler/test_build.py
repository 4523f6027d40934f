"""Whole builds: the same bytes for the same sources, nothing done twice, EFI applications."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import compiler.cache
import compiler.driver
import compiler.target
from compiler.audit import audit
from compiler.driver import Build, WrongUse
from tests.compiler.source_text import create_build

PROGRAM = """
from helper import double
@export("_start")
def begin() -> NoReturn:
    while double(3) != 0:
        pass
    panic("over")
"""
HELPER = "from compiler.prelude import u64\n\ndef double(a: u64) -> u64:\n    return a * 2\n"


OTHER = """
from typing import NoReturn
from compiler.prelude import array, asm_block, asm_x64, inline, naked, struct, u64, zeroed
from compiler.prelude.x64 import *

@struct
class Cell:
    value: u64
    def set(self, value: u64) -> None:
        self.value = value

cell: Cell = zeroed()
count: array[u64, 4] = zeroed()

def twice(a: u64) -> u64:
    return a * 2

@inline
def peek() -> u64:
    return twice(count[1])

asm_block("halt_label: hlt; jmp halt_label")

@naked
@asm_x64
def stop() -> NoReturn:
    raw("jmp halt_label")
"""


def create_program(folder: Path, target: str = "kernel", profile: str = "release") -> Build:
    build = create_build(folder, PROGRAM, target, profile)
    (folder / "helper.py").write_text(HELPER)
    return build


def refuse_to_generate(*arguments: object, **options: object) -> bytes:
    raise AssertionError("code was generated again")


@pytest.mark.parametrize(
    ("target", "profile"),
    [
        ("kernel", "release"),
        ("kernel", "debug"),
        *(pytest.param(target, "release", marks=pytest.mark.slow) for target in ("loader", "user", "uefi")),
    ],
)
def test_the_same_sources_make_the_same_bytes(tmp_path: Path, target: str, profile: str) -> None:
    """In folders and processes of their own, whose hashes of strings differ."""
    images = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        create_program(folder, target)
        words = [sys.executable, "-m", "compiler", "build", "program", "--target", target, "--profile", profile]
        words += ["-o", "image"]
        subprocess.run(words, cwd=folder, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=60)
        images.append((folder / "image").read_bytes())
    assert images[0] == images[1]
    assert str(tmp_path).encode() not in images[0]


def test_an_unchanged_program_is_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = create_program(tmp_path).image()
    monkeypatch.setattr(compiler.driver, "generate_objects", refuse_to_generate)
    monkeypatch.setattr(Build, "check", refuse_to_generate)
    assert create_program(tmp_path).image() == first


def test_a_change_without_effect_generates_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = create_program(tmp_path).image()
    monkeypatch.setattr(compiler.driver, "generate_objects", refuse_to_generate)
    build = create_program(tmp_path)
    (tmp_path / "helper.py").write_text(HELPER + "# a remark\n")
    assert build.image() == first


@pytest.mark.parametrize("change", ["source", "option", "profile", "level"])
def test_a_change_is_seen(tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_program(tmp_path).image()
    monkeypatch.setattr(Build, "check", refuse_to_generate)
    build = create_program(tmp_path)
    match change:
        case "source":
            (tmp_path / "helper.py").write_text(HELPER.replace("2", "3"))
        case "option":
            build.options["CPUS"] = 4
        case "profile":
            build.profile = "debug"
        case "level":
            build.opt = 1
    with pytest.raises(AssertionError, match="again"):
        build.image()


def test_a_module_that_appears_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from helper import double` means the module helper/double.py once there is one."""
    create_program(tmp_path).image()
    monkeypatch.setattr(Build, "check", refuse_to_generate)
    build = create_program(tmp_path)
    (tmp_path / "helper").mkdir()
    (tmp_path / "helper" / "double.py").write_text(HELPER)
    with pytest.raises(AssertionError, match="again"):
        build.image()


def test_a_debug_build_generates_the_changed_module_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate, counts = compiler.target.generate_objects, []

    def count(modules: list[str], *arguments: object, **options: object) -> list[bytes]:
        counts.append(len(modules))
        return generate(modules, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(compiler.driver, "generate_objects", count)
    create_program(tmp_path, profile="debug").image()
    assert sum(counts) == 3  # program, helper, and the runtime
    build = create_program(tmp_path, profile="debug")
    (tmp_path / "helper.py").write_text(HELPER.replace("2", "3"))
    counts.clear()
    build.image()
    assert counts == [1]


def test_parts_declare_what_they_use_of_each_other(tmp_path: Path) -> None:
    """Functions, data, methods, inlined code, assembler and its labels, across modules; the linker finds all of it."""
    (tmp_path / "other.py").write_text(OTHER)
    source = """
from other import cell, count, peek, stop
import other
@export("_start")
def begin() -> NoReturn:
    cell.set(peek() + count[3])
    handler = other.twice
    if handler(cell.value) == 4:
        stop()
    panic("over")
"""
    audited = audit(create_build(tmp_path, source, profile="debug").image())
    assert audited.problems == []
    assert {"other.twice", "other.Cell.set"} <= {function.name for function in audited.functions}


def test_an_efi_file_is_an_application_with_its_elf_image_beside_it(tmp_path: Path) -> None:
    create_program(tmp_path, "uefi").write(tmp_path / "BOOTX64.EFI")
    assert (tmp_path / "BOOTX64.EFI").read_bytes()[:2] == b"MZ"
    assert (tmp_path / "BOOTX64.elf").read_bytes()[:4] == b"\x7fELF"


def test_an_efi_file_needs_the_target_uefi(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="--target uefi"):
        create_program(tmp_path, "kernel").write(tmp_path / "kernel.efi")


def test_the_least_recently_used_goes_when_the_cache_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.cache, "_LARGEST_BYTES", 250)
    store = compiler.cache.Cache(tmp_path / "cache")
    for age, key in ((30, "a"), (20, "b")):
        store.put(key, bytes(100))
        os.utime(tmp_path / "cache" / key, (age, age))
    assert store.get("a") is not None  # used again, so b is older now
    store.put("c", bytes(100))
    assert [store.get(key) is not None for key in "abc"] == [True, False, True]


def test_builds_that_share_a_cache_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.cache, "_LARGEST_BYTES", 1000)
    store = compiler.cache.Cache(tmp_path / "cache")
    with ThreadPoolExecutor(8) as workers:
        jobs = [workers.submit(store.put, str(number), bytes(100)) for number in range(300)]
        assert [job.result() for job in jobs] == [None] * 300
