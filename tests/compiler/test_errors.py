"""Every error has a page of its own whose examples are what they claim to be, and diagnostics in every form."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from compiler.driver import Build, WrongUse
from compiler.errors import CompilationFailed, render_all
from compiler.explain import Explanation, explanations
from tests.compiler.examples import with_imports

ROOT = Path(__file__).resolve().parents[2]


def codes_in_compiler() -> set[str]:
    """The first argument of every call that makes an error."""
    found: set[str] = set()
    for path in (ROOT / "compiler").glob("*.py"):
        if path.name == "assembler.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and len(node.args) >= 2 and _makes_error(node.func):
                code = node.args[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    found.add(code.value)
    return found


def _makes_error(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("error", "CompileError")


def test_every_code_is_explained() -> None:
    assert codes_in_compiler() <= set(explanations())


def test_nothing_else_is_explained() -> None:
    assert set(explanations()) <= codes_in_compiler() | {"assembler"}


def codes_of(source: str, folder: Path) -> set[str]:
    (folder / "example.py").write_text(with_imports(source))
    try:
        Build(folder, "example", "host", "debug").check()
    except CompilationFailed as failure:
        return {diagnostic.code for diagnostic in failure.diagnostics}
    except WrongUse as error:
        pytest.fail(str(error))
    return set()


@pytest.mark.parametrize("entry", [e for e in explanations().values() if e.is_source], ids=lambda e: e.code)
def test_examples_are_what_they_claim(entry: Explanation, tmp_path: Path) -> None:
    assert entry.code in codes_of(entry.wrong, tmp_path)
    assert codes_of(entry.right, tmp_path) == set()


def test_a_rendered_diagnostic_shows_both_operands(tmp_path: Path) -> None:
    source = "from compiler.prelude import u8, u16\n\n\ndef f(a: u8, b: u16) -> u16:\n    return a + b\n"
    (tmp_path / "main.py").write_text(source)
    with pytest.raises(CompilationFailed) as failure:
        Build(tmp_path, "main", "host").check()
    assert render_all(failure.value.diagnostics, color=False, as_json=False).splitlines() == [
        "main.py:5:12: error[width-mismatch]: u8 and u16 do not mix in +",
        "    5 |     return a + b",
        "      |            ^ u8",
        "      |                - u16",
        "  hint: write u16(a)",
        "",
        "1 error",
    ]
