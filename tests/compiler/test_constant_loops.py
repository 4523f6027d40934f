"""Comprehensions of constants mean the same whether CPython runs them or the compiler walks through them."""

from __future__ import annotations

from pathlib import Path

import pytest

import compiler.constant
from compiler.errors import CompilationFailed
from tests.compiler.source_text import create_build

START = """
from enum import IntEnum
class Kind(IntEnum):
    SMALL = 1
    LARGE = 5
ROWS = const([(1, 2), (3, 4), (5, 6)])
LIMIT = const(3)
BIT = const(u32(4))
"""
EXPRESSIONS = [
    "[x * LIMIT for x in range(5)]",
    "[a + b for a, b in ROWS if a != LIMIT]",
    "[sum(row[0] == n for row in ROWS) for n in range(7)]",
    "[x for x in range(4) for y in range(x)]",
    "[[x + y for x in range(2)] for y in range(2)]",
    "[1 << n for n in range(4)]",
    "[n << 2 for n in range(4)]",
    "[Kind.LARGE - n if n < LIMIT else -n for n in range(5)]",
    "[sizeof(u64) + n for n in range(3)]",
    "[len([x for x in range(n)]) for n in range(3)]",
    "[LIMIT for LIMIT in range(2)]",
    "[BIT + n for n in range(2)]",
    "[max(n, LIMIT) for n in sorted([5, 1, 4])]",
    "[b'abc'[n] for n in range(3) if n in (0, 2) and not n == 1]",
]


def value_of(folder: Path, expression: str) -> object:
    build = create_build(folder, f"{START}\nFOUND = const({expression})\nassert FOUND == 0, FOUND\n")
    with pytest.raises(CompilationFailed) as failure:
        build.check()
    return failure.value.diagnostics[0].message


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_both_ways_agree(tmp_path: Path, expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = value_of(tmp_path / "quick", expression)
    monkeypatch.setattr(compiler.constant, "run_loop", lambda *arguments: None)
    assert quick == value_of(tmp_path / "slow", expression)
    assert "does not hold: [" in str(quick)


def test_the_source_is_left_as_it_was(tmp_path: Path) -> None:
    """The first loop is tried by CPython and given up at `sizeof`, then walked through."""
    assert "[24, 24]" in str(value_of(tmp_path, "[sum((LIMIT, 2 * LIMIT, 7)) + sizeof(u64) for x in range(2)]"))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[missing for x in range(2)]", "missing is not defined"),
        ("[x // 0 for x in range(2)]", "cannot evaluate at compile time: integer division or modulo by zero"),
        ("[ROWS[x] for x in range(9)]", "index out of range"),
        ("[open(x) for x in range(2)]", "cannot be called at compile time"),
        ("[2 ** (x + 90000) for x in range(2)]", "may not be that large"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, expression: str, message: str) -> None:
    assert message in str(value_of(tmp_path, expression))
