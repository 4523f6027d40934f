"""Comprehensions of constants, run by CPython itself: tables of a few thousand rounds cost nothing then.

Owns: which comprehensions mean the same to CPython as to the compiler. Those that use anything else (conversions,
sizeof, large shifts) are walked through node by node in constant.py.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

_PLAIN = (
    ast.Constant, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.Tuple, ast.List, ast.Subscript, ast.Slice, ast.keyword,
    ast.comprehension, ast.expr_context, ast.boolop, ast.unaryop, ast.operator, ast.cmpop,
)  # fmt: skip
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_LARGEST_SHIFT = 64

Loop = ast.ListComp | ast.GeneratorExp
Name = ast.Name | ast.Attribute


class _NotPlain(Exception):
    """The comprehension needs the compiler's own evaluation."""


def run_loop(
    node: Loop, value_of: Callable[[Name], Any], function_of: Callable[[ast.expr], str], functions: Mapping[str, Any]
) -> list[Any] | None:
    """The elements, or None when CPython would not mean the same.

    `value_of` gives the value of a name of the program, `function_of` the language's own function that a call names.
    """
    translator = _Translator(value_of, function_of, functions)
    try:
        plain = translator.visit(node)
    except _NotPlain:
        return None
    code = compile(ast.fix_missing_locations(ast.Expression(plain)), "<constant>", "eval")
    return list(eval(code, {"__builtins__": {}, **translator.values}))


class _Translator(ast.NodeTransformer):
    """A copy of the expression whose names are those of values already known."""

    def __init__(
        self, value_of: Callable[[Name], Any], function_of: Callable[[ast.expr], str], functions: Mapping[str, Any]
    ) -> None:
        self.value_of, self.function_of, self.functions = value_of, function_of, functions
        self.values: dict[str, Any] = {}
        self.known: dict[str, str] = {}
        self.bound: list[str] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _PLAIN):
            raise _NotPlain
        copied = copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(copied, name, list(value))  # NodeTransformer changes lists in place
        return super().generic_visit(copied)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._loop(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._loop(node)

    def _loop(self, node: Loop) -> ast.AST:
        """Targets hide names of the program from where they are bound on; every loop is a list, as in constant.py."""
        before = len(self.bound)
        generators = []
        for generator in node.generators:
            source = self.visit(generator.iter)
            self.bound += _target_names(generator.target)
            tests = [self.visit(test) for test in generator.ifs]
            generators.append(ast.comprehension(generator.target, source, tests, 0))
        element = self.visit(node.elt)
        del self.bound[before:]
        return ast.ListComp(element, generators)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if node.id in self.bound else self._value(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._value(node)

    def _value(self, node: Name) -> ast.AST:
        text = ast.unparse(node)
        if text not in self.known:
            self.known[text] = f"_{len(self.known)}"
            self.values[self.known[text]] = self.value_of(node)
        return ast.Name(self.known[text], ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = self.function_of(node.func)
        if name not in self.functions or any(keyword.arg is None for keyword in node.keywords):
            raise _NotPlain
        self.values[f"_{name}"] = self.functions[name]
        arguments = [self.visit(argument) for argument in node.args]
        keywords = [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords]
        return ast.Call(ast.Name(f"_{name}", ast.Load()), arguments, keywords)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not all(isinstance(op, _COMPARISONS) for op in node.ops):
            raise _NotPlain
        return ast.Compare(self.visit(node.left), node.ops, [self.visit(part) for part in node.comparators])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        small = isinstance(node.right, ast.Constant) and isinstance(node.right.value, int)
        if isinstance(node.op, ast.Pow | ast.MatMult) or (
            isinstance(node.op, ast.LShift) and not (small and node.right.value <= _LARGEST_SHIFT)  # type: ignore[attr-defined]
        ):
            raise _NotPlain
        return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))


def _target_names(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple):
        return [name for element in target.elts for name in _target_names(element)]
    raise _NotPlain
