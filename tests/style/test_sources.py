"""The project's rules on its sources: size, module headers, names, words, and who may use what.

Each rule is one test that lists every offender. Not here: layering, which the compiler itself refuses to break.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tools.paths import ROOT

FOLDERS = ("boot", "compiler", "kernel", "tests", "tools", "userspace")
MOST_FILE_LINES = 600
MOST_FUNCTION_LINES = 50
MOST_HEADER_LINES = 25
VAGUE_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "manager"}
# Case files of the compiler hold deliberate mistakes, and are no modules of the project.
CASES = re.compile(r"^tests/compiler/(accept|refuse|run|emit)/")
# Tools that have the user at the terminal, who can end them.
INTERACTIVE = {"tools/debug.py", "tools/guest_test.py", "tools/test.py"}
OPEN_ENDS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
# Absolute paths of one machine: a home, a scratch folder, a work tree.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(root|home|tmp|work)/")


@cache
def sources() -> tuple[Path, ...]:
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(path for path in found if not CASES.match(name(path))))


@cache
def texts() -> tuple[Path, ...]:
    """Sources and everything else that is written by hand."""
    found = [path for folder in FOLDERS for kind in ("*.md", "*.s", "*.gdb") for path in (ROOT / folder).rglob(kind)]
    return tuple(sorted([*sources(), *found, ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml"]))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name(path))


def matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name(path)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def refuse(offenders: list[str]) -> None:
    if offenders:
        pytest.fail("\n".join(["these break the rule:", *offenders]), pytrace=False)


def test_files_are_small() -> None:
    sizes = {name(path): len(path.read_text().splitlines()) for path in sources()}
    refuse([f"{path}: {size} lines" for path, size in sizes.items() if size > MOST_FILE_LINES])


def own_lines(node: ast.AST) -> set[int]:
    """The lines of a function without those of functions and classes inside it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    inner = [part for part in ast.walk(node) if isinstance(part, kinds) and part is not node]
    lines = set(range(getattr(node, "lineno", 1), getattr(node, "end_lineno", 0) + 1))
    return lines.difference(*(range(part.lineno, (part.end_lineno or 0) + 1) for part in inner))


def test_functions_are_small() -> None:
    refuse([
        f"{name(path)}:{node.lineno}: {node.name} has {len(own_lines(node))} lines"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(own_lines(node)) > MOST_FUNCTION_LINES
    ])


def test_modules_have_a_short_header() -> None:
    wrong = []
    for path in sources():
        header = ast.get_docstring(parsed(path))
        if header is None:
            wrong.append(f"{name(path)}: no module docstring")
        elif len(header.splitlines()) > MOST_HEADER_LINES:
            wrong.append(f"{name(path)}: a module docstring of {len(header.splitlines())} lines")
    refuse(wrong)


def test_no_file_has_a_vague_name() -> None:
    refuse([name(path) for path in sources() if VAGUE_NAMES & {path.stem, path.parent.name}])


def test_no_open_ends() -> None:
    refuse(matches(OPEN_ENDS))


def test_no_paths_of_one_machine() -> None:
    refuse(matches(MACHINE_PATH))


def test_every_folder_has_a_readme() -> None:
    refuse([folder for folder in FOLDERS if not (ROOT / folder / "README.md").is_file()])


def test_qemu_is_named_in_one_tool() -> None:
    program = "qemu-" + "system-x86_64"
    named = [name(path) for path in sources() if program in path.read_text()]
    refuse(sorted(set(named) - {"tools/qemu.py", "tools/setup.py"}))


def test_make_only_names_tools() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    recipes = [line for line in lines if line.startswith("\t")]
    tool = re.compile(r"\t@(DOOR=\w+ )?(\$\(PYTHON\) -m tools\.|python3 tools/)")
    assert [line.split()[0] for line in recipes if not tool.match(line)] == ["@sed", "@rm"]


def test_no_program_is_waited_for_without_a_bound() -> None:
    refuse([
        f"{name(path)}:{node.lineno}: subprocess.{node.func.attr} without a timeout; use tools/children.py"
        for path in sources()
        if path.parts[len(ROOT.parts)] in ("tools", "tests") and name(path) not in INTERACTIVE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("run", "check_call", "check_output", "call")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "subprocess"
        and not any(word.arg == "timeout" for word in node.keywords)
    ])  # fmt: skip
