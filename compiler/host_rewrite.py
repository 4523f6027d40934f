"""Rewrites a source so that it means under CPython what it means compiled.

CPython ignores the types of locals, arguments and results, so a literal would stay a number without a width. The tree is
changed so that values take their declared types, `addr` gets the place it names, builtins give boxes, `assert` traps, and
data imported from another module are read there. Line numbers are kept.
Not here: types. Nothing is inferred or checked beyond what the values themselves tell, so that a host run stays a second
opinion on the compiler.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

SUPPORT = "__host__"
"""The name under which a rewritten module sees compiler.prelude.support."""

_BUILTINS = ("range", "len", "min", "max", "abs", "int")
_SCALARS = frozenset("u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 uint int bool f32 f64".split())
_PASSED_AS_THEY_ARE = ("ptr", "Callable", "const")
_TEMPORARY = "__value__"

Imports = Callable[[str], dict[str, tuple[str, str]]]
"""Imports a module of the project and gives its scalar data; the empty dictionary for any other module."""


@dataclass
class _Names:
    """What the names of one module stand for."""

    prelude: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    data: dict[str, ast.expr] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)


def rewrite(tree: ast.Module, imports: Imports, is_module: Callable[[str], bool]) -> ast.Module:
    names = _find_names(tree, imports, is_module)
    return ast.fix_missing_locations(_ModuleRewriter(names).visit(tree))


def _find_names(tree: ast.Module, imports: Imports, is_module: Callable[[str], bool]) -> _Names:
    names = _Names()
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module="compiler.prelude", names=aliases):
                names.prelude |= {alias.asname or alias.name: alias.name for alias in aliases}
            case ast.ImportFrom(module=str(origin), names=aliases):
                scalars = imports(origin)
                for alias in aliases:
                    local = alias.asname or alias.name
                    if is_module(f"{origin}.{alias.name}"):
                        names.modules.add(local)
                    elif alias.name in scalars:
                        names.imported[local] = scalars[alias.name]
            case ast.Import(names=aliases):
                names.modules |= {alias.asname or alias.name for alias in aliases}
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                names.data[name] = annotation
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.defined.add(name)
    names.defined |= names.data.keys()
    return names
