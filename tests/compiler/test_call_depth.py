"""The deepest use of stack below entry points, on frames that the test gives."""

from __future__ import annotations

from pathlib import Path

from compiler.call_depth import call_depths
from compiler.driver import Build

SOURCE = """
from compiler.prelude import array, bounded_recursion, export, noinline, u64
from collections.abc import Callable

def leaf(n: u64) -> u64:
    return n

def other(n: u64) -> u64:
    return n + 1

TABLE: array[Callable[[u64], u64], 1] = array(other)

@bounded_recursion(4)
def nested(n: u64) -> u64:
    return leaf(n) if n == 0 else nested(n - 1)

@export
def straight(n: u64) -> u64:
    return leaf(n) + nested(n)

@export
def by_table(n: u64) -> u64:
    return TABLE[0](n)
"""
FRAMES = {"main.leaf": 100, "main.other": 50, "main.nested": 10, "straight": 1, "by_table": 2}


def test_depths(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SOURCE)
    depths = call_depths(Build(tmp_path, "main", "host").check(), FRAMES)
    assert {depth.entry.name: depth.bytes for depth in depths} == {
        "straight": (1 + 8) + 4 * (10 + 8) + (100 + 8),
        "by_table": (2 + 8) + (50 + 8),
    }
    assert [function.name for function in depths[0].chain] == ["straight", "nested", "leaf"]


def test_inlined_functions_cost_nothing_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SOURCE)
    frames = {name: size for name, size in FRAMES.items() if name != "main.other"}
    depths = call_depths(Build(tmp_path, "main", "host").check(), frames)
    assert {d.entry.name: d.bytes for d in depths}["by_table"] == 2 + 8
