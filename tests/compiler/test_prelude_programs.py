"""Random programs run under CPython and as machine code: the same values and the same kinds of traps.

A failure names the seed; `Generator(seed, FUNCTIONS).source()` in random_programs.py gives the program.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from compiler import host_import
from compiler.native import NativeTrap, load_module
from compiler.prelude import profile
from compiler.prelude.traps import Trap
from tests.compiler.random_programs import Generator, limits

FUNCTIONS = 25
CALLS = 6
TRAPS = {
    "overflow": "overflow",
    "bit-field": "overflow",
    "division": "division",
    "index": "bounds",
    "slice": "bounds",
    "assert": "assertion",
}


def outcome(function: Any, arguments: list[int]) -> int | str:
    """What a call gives, or the kind of its trap."""
    try:
        return int(function(*arguments))
    except Trap as trap:
        return trap.kind
    except NativeTrap as trap:
        return next((kind for word, kind in TRAPS.items() if word in trap.message), trap.message)


def compare(directory: Path, seed: int, built: str) -> None:
    generator = Generator(seed, FUNCTIONS)
    name = f"random_{seed}"
    path = directory / f"{name}.py"
    path.write_text(generator.source())
    modules: list[Any] = [load_module(name, profile=built, opt=opt, root=directory) for opt in (0, 2)]
    modules.append(host_import.load_file(path, name))
    values = random.Random(seed)
    with profile.built_as(built):
        for function, parameters in generator.functions:
            for _ in range(CALLS):
                arguments = [argument(values, kind) for kind in parameters]
                found = [outcome(getattr(module, function), arguments) for module in modules]
                assert found[0] == found[1] == found[2], (
                    f"seed {seed}: {function}{tuple(arguments)}: O0, O2, host: {found}"
                )


def argument(values: random.Random, kind: str) -> int:
    low, high = limits(kind)
    return values.choice([low, high, 0, 1, 2, 5, high // 2]) if values.random() < 0.5 else values.randint(low, high)


@pytest.mark.parametrize("built", ["debug", "release"])
@pytest.mark.parametrize("seed", range(2))
def test_a_random_program_has_one_meaning(tmp_path: Path, seed: int, built: str) -> None:
    compare(tmp_path, seed, built)


@pytest.mark.long
@pytest.mark.parametrize("built", ["debug", "release"])
@pytest.mark.parametrize("seed", range(2, 200))
def test_many_random_programs_have_one_meaning(tmp_path: Path, seed: int, built: str) -> None:
    compare(tmp_path, seed, built)
