"""The case files: accepted sources, refused ones, and ones that run the same in every world."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler import host_import
from compiler.native import load_module
from compiler.prelude import profile
from tests.compiler.case_files import (
    ROOT,
    actual_errors,
    build_of,
    case_files,
    expected_errors,
    module_name,
    outcome,
    run_cases,
    settings,
)

ERRORS_WANTED = 150


def _name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", case_files("accept"), ids=_name)
def test_accepted(path: Path) -> None:
    build_of(path).check()


@pytest.mark.parametrize("path", case_files("refuse"), ids=_name)
def test_refused(path: Path) -> None:
    expected = expected_errors(path)
    assert expected, "a refuse case expects at least one error"
    assert actual_errors(path) == sorted(expected, key=lambda e: (e.line, e.text))


def test_enough_different_errors_are_covered() -> None:
    texts = {error.text for path in case_files("refuse") for error in expected_errors(path)}
    assert len(texts) >= ERRORS_WANTED


@pytest.mark.parametrize("path", [p for p in case_files("run") if run_cases(p)], ids=_name)
def test_runs_the_same_in_every_world(path: Path) -> None:
    built = settings(path).get("profile", "debug")
    worlds = {f"O{opt}": load_module(module_name(path), profile=built, opt=opt, root=ROOT) for opt in (0, 2)}
    host = host_import.load_file(path, path.stem)
    for case in run_cases(path):
        with profile.built_as(built):
            assert outcome(host, case) == case.outcome, f"under CPython: {case}"
        for name, world in worlds.items():
            assert outcome(world, case) == case.outcome, f"at {name}: {case}"
