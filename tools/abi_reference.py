"""Prints the manual of the binary interface, from the modules of kernel/abi themselves.

Values and offsets come from importing a module, their order and their remarks from its text: what stands behind a name
on its line is its description.
"""

import ast
import importlib
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from compiler.prelude import offsetof, sizeof
from kernel.abi.errors import Status
from kernel.abi.methods import METHODS, Argument, Method
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
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
    if path.stem == "methods":
        _print_methods(METHODS)
    print()


def _print_methods(rows: Iterable[tuple[Any, ...]]) -> None:
    """Each operation with its kind of object, its rights, its arguments, and its errors besides the shared ones."""
    print("\nOperations")
    for method, kind, rights, arguments, errors in rows:
        of = "any" if kind == 0 else ObjectKind(kind).name
        needs = "|".join(right.name or "" for right in Right if right & rights) or "none"
        takes = ", ".join(f"{name}: {Argument(argument).name}" for name, argument in arguments)
        print(f"  {int(method):#04x} {Method(method).name}({takes})")
        fails = ", ".join(Status(error).name for error in errors) or "the shared errors only"
        print(f"       on {of}; rights {needs}; {fails}")


def _constants(tree: ast.Module, module: ModuleType, lines: list[str]) -> Iterator[tuple[str, str, str]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            # Tables are printed in a form of their own.
            if not name.startswith("_") and not isinstance(getattr(module, name), tuple):
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
