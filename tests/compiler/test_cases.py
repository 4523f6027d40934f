"""The case files: accepted sources, refused ones, and ones that run the same in every world."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.case_files import actual_errors, build_of, case_files, expected_errors

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
