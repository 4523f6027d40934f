"""Keeps the names of the assembler apart from a module's own, for mypy.

`from compiler.prelude.x64 import *` brings names as plain as `call` and `word`, which modules define and import for
themselves. The compiler takes them for mnemonics in assembler functions alone; mypy is shown the same: the import names
what the module's assembler functions use, and where the module has such a name of its own, those functions see another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mypy.nodes import (
    AssignmentStmt,
    CallExpr,
    ClassDef,
    Decorator,
    Expression,
    ExpressionStmt,
    FuncDef,
    Import,
    ImportAll,
    ImportFrom,
    IndexExpr,
    ListExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    OpExpr,
    Statement,
    TupleExpr,
    UnaryExpr,
)

X64 = "compiler.prelude.x64"
_PRELUDE = Path(__file__).parent / "prelude"
_APART = "__x64_"


def _assembler_names() -> frozenset[str]:
    texts = [(_PRELUDE / file).read_text() for file in ("x64.py", "x64_operands.py")]
    return frozenset({"label", "raw"}.union(*(re.findall(r"^(\w+) = ", text, re.MULTILINE) for text in texts)))


_NAMES = _assembler_names()


def imports_assembler(source: str) -> bool:
    return f"from {X64} import *" in source


def separate(file: MypyFile) -> None:
    """Replaces the star import of a module that was just parsed."""
    star = next((s for s in file.defs if isinstance(s, ImportAll) and s.id == X64), None)
    if star is None:
        return
    own = set(_bound_names(file.defs))
    used: set[str] = set()
    for function in _assembler_functions(file.defs):
        for name in (n for statement in function.body.body for n in _names_in(statement) if n.name in _NAMES):
            used.add(name.name)
            if name.name in own:
                name.name = _APART + name.name
    names = [(name, _APART + name if name in own else None) for name in sorted(used)]
    explicit = ImportFrom(X64, 0, names)
    explicit.set_line(star)
    explicit.is_top_level = True
    file.defs[file.defs.index(star)] = explicit


def _names_in(statement: Statement) -> Iterator[NameExpr]:
    """The names in one mnemonic call."""
    if isinstance(statement, ExpressionStmt):
        yield from _names(statement.expr)


def _names(expression: Expression) -> Iterator[NameExpr]:
    match expression:
        case NameExpr():
            yield expression
        case CallExpr():
            for part in (expression.callee, *expression.args):
                yield from _names(part)
        case ListExpr() | TupleExpr():
            for item in expression.items:
                yield from _names(item)
        case IndexExpr():
            yield from _names(expression.base)
            yield from _names(expression.index)
        case OpExpr():
            yield from _names(expression.left)
            yield from _names(expression.right)
        case UnaryExpr() | MemberExpr():
            yield from _names(expression.expr)


def _assembler_functions(statements: Iterable[Statement]) -> Iterator[FuncDef]:
    for statement in statements:
        if isinstance(statement, Decorator) and "asm_x64" in map(_name_of, statement.original_decorators):
            yield statement.func


def _name_of(decorator: Expression) -> str:
    decorator = decorator.callee if isinstance(decorator, CallExpr) else decorator
    return decorator.name if isinstance(decorator, NameExpr) else ""


def _bound_names(statements: Iterable[Statement]) -> Iterator[str]:
    """What a module itself calls its own: definitions, data and named imports."""
    for statement in statements:
        match statement:
            case FuncDef() | ClassDef():
                yield statement.name
            case Decorator():
                yield statement.func.name
            case AssignmentStmt():
                yield from (target.name for target in statement.lvalues if isinstance(target, NameExpr))
            case ImportFrom():
                yield from (alias or name for name, alias in statement.names)
            case Import():
                yield from (alias or name for name, alias in statement.ids)
