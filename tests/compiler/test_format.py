"""f-strings give the text that CPython gives."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.native import load_module

PROGRAM = load_module("tests.compiler.formatting", root=Path(__file__).parents[2])


def printed() -> str:
    text = "".join(chr(PROGRAM.character_at(i)) for i in range(PROGRAM.length()))
    PROGRAM.clear()
    return text


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(-(2**31), 2**31 - 1))
def test_numbers_in_every_base_and_width(a: int, b: int) -> None:
    PROGRAM.print_numbers(a, b)
    assert printed() == f"{a} {a:#x} {a:08X} {b:5}|{b:<5}| {b:05} {a:b}\n"


def test_print_joins_its_arguments() -> None:
    PROGRAM.print_mixed(7, True)
    assert printed() == "a is 7 True and      8;-3"
