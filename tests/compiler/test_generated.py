"""Generated programs give the same results and traps under CPython, at O0 and at O2."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from compiler import host_import
from compiler.driver import Build
from compiler.native import NativeModule, NativeTrap, load_module
from compiler.prelude import profile
from compiler.prelude.traps import Trap
from tests.compiler.case_files import trap_kind
from tests.compiler.program_generator import Signature, arguments, module

PROGRAMS_PER_MODULE = 100
CALLS = 4
CALM = {"debug": 0.97, "release": 0.0}
"""In debug builds most arithmetic is of the wrapping kind: a program that traps at once shows little."""
NORMAL, LONG = 20, 1000
"""Modules of generated programs: 2,000 programs, and 100,000."""


def result(world: ModuleType | NativeModule, signature: Signature, values: tuple[int, ...]) -> str:
    try:
        return str(int(_call(world, signature, values)))
    except Trap as trap:
        return trap.kind
    except NativeTrap as trap:
        return trap_kind(trap.message)


def _call(world: Any, signature: Signature, values: tuple[int, ...]) -> Any:
    return getattr(world, signature.name)(*values)


def check_module(seed: int, folder: Path, built: str) -> None:
    text, signatures = module(seed, PROGRAMS_PER_MODULE, CALM[built])
    name = f"generated_{seed}_{built}"
    path = folder / f"{name}.py"
    path.write_text(text)
    worlds = [load_module(name, profile=built, opt=opt, root=folder) for opt in (0, 2)]
    host = host_import.load_file(path, name)
    random = Random(seed)
    with profile.built_as(built):
        for signature in signatures:
            for _ in range(CALLS):
                values = arguments(random, signature)
                expected = result(host, signature, values)
                for level, world in zip(("O0", "O2"), worlds, strict=True):
                    found = result(world, signature, values)
                    what = f"seed {seed} {built} {level}: {signature.name}{values}"
                    assert found == expected, f"{what}\n{text_of(text, signature)}"


def text_of(text: str, signature: Signature) -> str:
    """The source of one function."""
    return next(part for part in text.split("\n\n\n") if part.startswith(f"def {signature.name}("))


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, NORMAL))])
def test_generated_programs_agree(seed: int, tmp_path: Path) -> None:
    check_module(seed, tmp_path, "debug" if seed % 2 == 0 else "release")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(NORMAL, LONG))
def test_many_generated_programs_agree(seed: int, tmp_path: Path) -> None:
    check_module(seed, tmp_path, "debug" if seed % 2 == 0 else "release")


def test_the_generator_reaches_every_kind_of_trap(tmp_path: Path) -> None:
    """A generator that never traps, or always does, would show little."""
    text, signatures = module(1, PROGRAMS_PER_MODULE, CALM["debug"])
    (tmp_path / "sample.py").write_text(text)
    Build(tmp_path, "sample", "host", "debug").check()
    world = load_module("sample", profile="debug", opt=0, root=tmp_path)
    random = Random(1)
    found = [result(world, s, arguments(random, s)) for s in signatures for _ in range(CALLS)]
    kinds = {word for word in found if not word.lstrip("-").isdigit()}
    assert {"overflow", "division", "bounds"} <= kinds
    assert sum(word.lstrip("-").isdigit() for word in found) > len(found) // 4
