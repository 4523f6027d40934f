"""What the names and annotations of a source stand for, as far as its host run must know.

Not here: types of expressions; widths that can be read off the text alone are found by `width_of`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

SCALARS = frozenset("u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 uint int bool f32 f64".split())
SAME_WIDTH = frozenset(
    "wrap_add wrap_sub wrap_mul wrap_neg count_zeros_left count_zeros_right count_ones byte_swap "
    "rotate_left rotate_right".split()
)
SAME_WIDTH_BUILTINS = frozenset({"min", "max", "abs"})


@dataclass
class Surroundings:
    """What a module's names stand for; `imported` gives the home of data that other modules declare."""

    prelude: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    data: dict[str, ast.expr] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    results: dict[str, ast.expr] = field(default_factory=dict)


def survey(
    tree: ast.Module, is_module: Callable[[str], bool], data_of: Callable[[str], dict[str, tuple[str, str]]]
) -> Surroundings:
    """`data_of` imports a module and gives its scalar data, each with the module and the name that hold it."""
    found = Surroundings()
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module="compiler.prelude", names=aliases):
                found.prelude |= {alias.asname or alias.name: alias.name for alias in aliases}
            case ast.ImportFrom(module=str(origin), names=aliases):
                data = data_of(origin)
                for alias in aliases:
                    if is_module(f"{origin}.{alias.name}"):
                        found.modules.add(alias.asname or alias.name)
                    elif alias.name in data:
                        found.imported[alias.asname or alias.name] = data[alias.name]
            case ast.Import(names=aliases):
                found.modules |= {alias.asname or alias.name for alias in aliases}
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                found.data[name] = unquoted(annotation)
                found.defined.add(name)
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.Assign(targets=[ast.Name(id=name)])
            ):
                found.defined.add(name)
    return found


def unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def root_of(annotation: ast.expr | None) -> str:
    """The name that an annotation begins with: `ptr` of `ptr[T] | None`."""
    match annotation:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=value):
            return root_of(value)
        case ast.BinOp(left=left):
            return root_of(left)
    return ""


def width_of(node: ast.expr, declared: dict[str, ast.expr], names: Surroundings) -> str:
    """The scalar type that an expression wears openly, or the empty string. Operands of one operator share theirs."""
    match node:
        case ast.Name(id=name):
            found = declared.get(name, names.data.get(name))
            return found.id if isinstance(found, ast.Name) and found.id in SCALARS else ""
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Constant(value=bool()):
            return "bool"
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            return width_of(left, declared, names) or width_of(right, declared, names)
        case ast.UnaryOp(operand=operand):
            return width_of(operand, declared, names)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _width_of_call(function, arguments, declared, names)
    return ""


def _width_of_call(function: str, arguments: list[ast.expr], declared: dict[str, ast.expr], names: Surroundings) -> str:
    result = names.results.get(function)
    if result is not None:
        return result.id if isinstance(result, ast.Name) and result.id in SCALARS else ""
    if names.prelude.get(function) in SCALARS or function in ("int", "bool"):
        return function
    if names.prelude.get(function) in SAME_WIDTH or function in SAME_WIDTH_BUILTINS:
        return next((w for w in (width_of(a, declared, names) for a in arguments) if w), "")
    return ""


class Locals(ast.NodeVisitor):
    """The types of a function's locals: declared, or worn openly by the first value they are given."""

    def __init__(self, node: ast.FunctionDef | ast.AsyncFunctionDef, names: Surroundings) -> None:
        self.names = names
        self.parameters = {a.arg: unquoted(a.annotation) for a in node.args.args if a.annotation is not None}
        self.globals = {name for g in ast.walk(node) if isinstance(g, ast.Global) for name in g.names}
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.all = {a.arg for a in node.args.args} | (stored - self.globals)
        self.declared = dict(self.parameters)
        self._seen = set(self.parameters) | self.globals
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._first(node.target.id, unquoted(node.annotation))

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            for name in (n for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)):
                width = width_of(node.value, self.declared, self.names) if name is target else ""
                self._first(name.id, ast.Name(width, ast.Load()) if width else None)

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.target, ast.Name):
            ends = node.iter.args[:2] if isinstance(node.iter, ast.Call) else []
            width = next((w for w in (width_of(e, self.declared, self.names) for e in ends) if w), "")
            self._first(node.target.id, ast.Name(width, ast.Load()) if width else None)
        self.generic_visit(node)

    def _first(self, name: str, annotation: ast.expr | None) -> None:
        if name not in self._seen and annotation is not None:
            self.declared[name] = annotation
        self._seen.add(name)
