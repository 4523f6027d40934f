"""Every check that the emitter writes fires with its own message, file and line."""

from __future__ import annotations

import ast
import re

import pytest

from compiler.native import NativeTrap, load_module
from tests.compiler.case_files import HERE, ROOT, run_cases

PATH = HERE / "run" / "checks.py"
MESSAGES = {
    *(f"integer overflow in {operator}" for operator in ("+", "-", "*", "//")),
    "division by zero",
    "index out of bounds",
    "slice out of bounds",
    "value does not fit the bit-field",
    "null pointer",
    "no member of Kind",
    "assertion failed: too many",
    "nothing left",
    "unreachable code was reached",
}


def body_of(function: str) -> range:
    """The lines of a function of the case file."""
    tree = ast.parse(PATH.read_text())
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    return range(node.lineno, (node.end_lineno or 0) + 1)


@pytest.mark.parametrize("opt", [0, 2])
def test_every_check_fires(opt: int) -> None:
    module = load_module("tests.compiler.run.checks", profile="debug", opt=opt, root=ROOT)
    seen = set()
    for case in run_cases(PATH):
        if case.outcome.startswith("traps"):
            with pytest.raises(NativeTrap) as trap:
                getattr(module, case.function)(*case.arguments)
            assert trap.value.file == "tests/compiler/run/checks.py"
            assert trap.value.line in body_of(case.function)
            seen.add(trap.value.message)
    assert seen == MESSAGES


def test_the_list_of_checks_is_complete() -> None:
    """Messages that stand in the emitter as they are; the others carry an operator, a name or the program's words."""
    sources = [path.read_text() for path in (ROOT / "compiler").glob("emit_*.py")]
    written = {m for text in sources for m in re.findall(r'(?:trap_unless|trap)\(.*?(?<!f)"([a-z][^"%{]*)", ', text)}
    assert written <= MESSAGES
