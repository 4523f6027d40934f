"""Coroutines: order of execution, exceptions along await, finally, results by value, frames given back."""

from pathlib import Path

from compiler.native import load_module

ROOT = Path(__file__).parents[2]
FINALLY, CAUGHT = 99, 500


def test_exceptions_and_results_travel_along_await() -> None:
    program = load_module("tests.compiler.coroutines", root=ROOT)
    first, odd, third = (
        [0, 1, 0, 1, FINALLY],
        [10, 11, 11, 12, CAUGHT + len("odd number"), FINALLY],
        [20, 21, 20, 21, FINALLY],
    )
    assert program.test(3) == 20 + 40 + 40 + 7 + 8
    logged, live_frames = program.count()
    assert [program.logged_at(i) for i in range(logged)] == first + odd + third
    assert live_frames == 0
