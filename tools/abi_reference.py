"""Prints the manual of the binary interface, from the modules of kernel/abi themselves.

Values and offsets come from importing a module, their order and their remarks from its text: what stands behind a name
on its line is its description.
"""

import ast
import importlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from compiler.prelude import offsetof, sizeof
from tools.paths import ROOT

INTERFACE = ROOT / "kernel" / "abi"
NAME_WIDTH = 28
VALUE_WIDTH = 26


def print_module(path: Path) -> None:
    """Prints one module: its header, then constants, enumerations and structs as they stand in it."""
    text = path.read_text()
    tree = ast.parse(text)
    module = importlib.import_module(f"kernel.abi.{path.stem}")
    title = f"kernel.abi.{path.stem}"
    print(f"{title}\n{'=' * len(title)}\n{ast.get_docstring(tree) or ''}\n")
    for name, value, remark in _constants(tree, module, text.splitlines()):
        _print_row(name, value, remark)
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            _print_class(statement, getattr(module, statement.name), text.splitlines())
    print()


def _constants(tree: ast.Module, module: ModuleType, lines: list[str]) -> Iterator[tuple[str, str, str]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if not name.startswith("_"):
                yield name, _number(getattr(module, name)), _remark(lines, statement)


def _print_class(statement: ast.ClassDef, kind: type, lines: list[str]) -> None:
    is_enumeration = bool(statement.bases)
    print(f"\n{statement.name}" + ("" if is_enumeration else f", {sizeof(kind)} bytes"))
    if header := ast.get_docstring(statement):
        print(f"  {header}")
    for member in statement.body:
        if isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
            name = member.targets[0].id
            _print_row(name, _number(getattr(kind, name)), _remark(lines, member))
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            name = member.target.id
            place = f"{offsetof(kind, name):#06x}  {ast.unparse(member.annotation)}"
            _print_row(name, place, _remark(lines, member))


def _number(value: object) -> str:
    if not isinstance(value, int):
        return str(value)
    return str(int(value)) if abs(value) < 1024 else f"{int(value):#x}"


def _remark(lines: list[str], statement: ast.stmt) -> str:
    assert statement.end_lineno is not None
    behind = lines[statement.end_lineno - 1][statement.end_col_offset :]
    return behind.partition("#")[2].strip()


def _print_row(name: str, value: str, remark: str) -> None:
    print(f"  {name:{NAME_WIDTH}}{value:{VALUE_WIDTH}}{remark}".rstrip())


def main() -> int:
    # A reader that closes early, as a pager does, ends this program without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for path in sorted(INTERFACE.glob("*.py")):
        if path.stem != "__init__":
            print_module(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
