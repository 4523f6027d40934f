"""Generated programs give the same results and traps under CPython, at O0, at O2, and as C by gcc and by clang.

A failure names the seed; `program(seed)` gives the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from compiler import host_import
from compiler.driver import Build
from compiler.emit import EmitOptions, emit_program
from compiler.native import NativeModule, NativeTrap, load_module
from compiler.prelude import profile
from compiler.prelude.traps import Trap
from tests.compiler import program_generator, random_programs
from tests.compiler.c_build import COMPILERS, CModule, CTrap, build_c
from tests.compiler.case_files import trap_kind
from tests.compiler.program_generator import Signature, arguments

PROGRAMS_PER_MODULE = 100
CALLS = 4
CALM = {"debug": 0.97, "release": 0.0}
"""In debug builds most arithmetic is of the wrapping kind: a program that traps at once shows little."""
NORMAL, LONG = 20, 1000
"""Modules of generated programs: 2,000 programs, and 100,000."""


def program(seed: int) -> tuple[str, list[Signature], str]:
    """A source, its functions, and the profile it is for. The generators take turns, so do the profiles."""
    built = "debug" if seed % 2 == 0 else "release"
    if seed % 4 < 2:
        return *program_generator.module(seed, PROGRAMS_PER_MODULE, CALM[built]), built
    return *random_programs.module(seed, PROGRAMS_PER_MODULE), built


def outcome(function: Callable[..., Any], values: tuple[int, ...]) -> str:
    """What a call gives, or the kind of its trap."""
    try:
        return str(int(function(*values)))
    except (Trap, CTrap) as trap:
        return trap.kind
    except NativeTrap as trap:
        return trap_kind(trap.message)


def check_module(seed: int, folder: Path) -> None:
    text, signatures, built = program(seed)
    name = f"generated_{seed}"
    path = folder / f"{name}.py"
    path.write_text(text)
    job = Build(folder, name, "host", built, cached=False)
    checked = job.check()
    ir = emit_program(checked, job.machine, EmitOptions(built == "debug", visible_module=name))
    worlds: dict[str, Any] = {"CPython": host_import.load_file(path, name)}
    for opt in (0, 2):
        worlds[f"O{opt}"] = NativeModule(checked, name, replace(job, opt=opt, program=checked).generate([ir])[0])
    in_c = build_c(checked, name, folder, is_debug=built == "debug")
    compare(seed, built, signatures, worlds, in_c, text)
    for module in in_c.values():
        module.close()


def compare(
    seed: int, built: str, signatures: list[Signature], worlds: dict[str, Any], in_c: dict[str, CModule], text: str
) -> None:
    random = Random(seed)
    with profile.built_as(built):
        for signature in signatures:
            for _ in range(CALLS):
                values = arguments(random, signature)
                found = {world: outcome(getattr(m, signature.name), values) for world, m in worlds.items()}
                found |= {c: outcome(m.function(signature.name), values) for c, m in in_c.items()}
                what = f"seed {seed} {built}: {signature.name}{values}: {found}"
                assert len(set(found.values())) == 1, f"{what}\n{text_of(text, signature)}"


def text_of(text: str, signature: Signature) -> str:
    """The source of one function."""
    return next(part for part in text.split("\n\n\n") if part.startswith(f"def {signature.name}("))


def test_there_is_a_c_compiler() -> None:
    if not COMPILERS:
        pytest.skip("neither gcc nor clang is installed")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, NORMAL))]
)
def test_generated_programs_agree(seed: int, tmp_path: Path) -> None:
    check_module(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(NORMAL, LONG))
def test_many_generated_programs_agree(seed: int, tmp_path: Path) -> None:
    check_module(seed, tmp_path)


@pytest.mark.parametrize("seed", [0, 2])
def test_the_generators_reach_every_kind_of_trap(seed: int, tmp_path: Path) -> None:
    """A generator that never traps, or always does, would show little."""
    text, signatures, built = program(seed)
    (tmp_path / "sample.py").write_text(text)
    world = load_module("sample", profile=built, opt=0, root=tmp_path)
    random = Random(1)
    found = []
    for signature in signatures:
        for _ in range(CALLS):
            values = arguments(random, signature)
            found.append(outcome(getattr(world, signature.name), values))
    kinds = {word for word in found if not word.lstrip("-").isdigit()}
    assert {"overflow", "division", "bounds"} <= kinds
    assert sum(word.lstrip("-").isdigit() for word in found) > len(found) // 4
