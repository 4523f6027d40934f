"""Type rules of displays and starred arguments: `[a, b]` is an array of as many elements as it names.

A comprehension stands for its elements written one after the other, so its loops are over constants.
"""

from __future__ import annotations

import ast
from copy import copy
from dataclasses import replace

import compiler.check_async as asynchronous
import compiler.check_construction as construction
import compiler.check_expressions as expressions
from compiler.constant import comprehend
from compiler.context import Context
from compiler.symbols import FunctionNode
from compiler.tree import ArrayMake, Expr, Literal
from compiler.type_model import ERROR, NONE, ArrayType, AwaitableType, SpanType, Type

MOST_ELEMENTS = 1024
"""Of a comprehension: each is code of its own."""

Display = ast.List | ast.Set | ast.ListComp | ast.SetComp | ast.GeneratorExp


def check_display(ctx: Context, node: Display, want: Type | None) -> Expr:
    """An array of the elements; they have the type that is wanted, else that of the first which has one."""
    parts = list_elements(ctx, node)
    kind = want.of if isinstance(want, ArrayType | SpanType) else _common_type(parts)
    if kind is None:
        raise ctx.error(
            "type",
            "nothing tells the type of an empty list",
            node,
            hint="an array has a fixed length, as in: items: array[u32, 8] = zeroed()",
        )
    items = [construction.check_initializer(inner, kind, element) for inner, element in parts]
    return ArrayMake(ArrayType(kind, len(items)), ctx.span(node), items)


def list_elements(ctx: Context, node: Display) -> list[tuple[Context, ast.expr]]:
    """The element expressions, each with the context in which it is evaluated."""
    if isinstance(node, ast.List | ast.Set):
        return [(ctx, element) for element in node.elts]
    parts: list[tuple[Context, ast.expr]] = []
    for scope in comprehend(node.generators, ctx.env):
        parts.append((replace(ctx, env=scope), node.elt))
        if len(parts) > MOST_ELEMENTS:
            raise ctx.error(
                "unsupported",
                f"a comprehension has at most {MOST_ELEMENTS} elements here",
                node,
                hint="fill an array in a loop",
            )
    return parts


def _common_type(parts: list[tuple[Context, ast.expr]]) -> Type | None:
    first: Expr | None = None
    for inner, element in parts:
        found = expressions.check(inner, element, None)
        if not isinstance(found, Literal):
            return found.type
        first = first or inner.settle(found, element)
    return first.type if first is not None else None


# Calls of functions that take any number of arguments


def pack_starred(ctx: Context, node: ast.Call, function: FunctionNode, skip: int) -> ast.Call:
    """The call with one display in place of the arguments that a `*` parameter takes; `skip` receivers are given."""
    fixed = len(function.args.args) - skip
    rest = node.args[fixed:]
    packed = copy(node)
    packed.args = [*node.args[:fixed], ast.copy_location(_display(ctx, rest), rest[0] if rest else node)]
    return packed


def _display(ctx: Context, rest: list[ast.expr]) -> ast.expr:
    if len(rest) == 1 and isinstance(rest[0], ast.Starred):
        inner = rest[0].value
        if isinstance(inner, Display):
            return inner
        found = expressions.check(ctx, inner, None)
        if isinstance(found.type, ArrayType):
            elements = [ast.Subscript(inner, ast.Constant(index), ast.Load()) for index in range(found.type.count)]
            return ast.List([_placed(inner, element) for element in elements], ast.Load())
        raise ctx.error("type", f"* needs an array, not {found.type}", inner, here=str(found.type))
    for element in rest:
        if isinstance(element, ast.Starred):
            raise ctx.error("unsupported", "* stands alone among the arguments", element, hint="write each element")
    return ast.List(rest, ast.Load())


def _placed(where: ast.expr, made: ast.Subscript) -> ast.expr:
    ast.copy_location(made, where)
    ast.copy_location(made.slice, where)
    return made


def starred_type(ctx: Context, node: Display, pattern: Type) -> Type | None:
    """What the elements are, as far as the parameter's type lets them be that. Errors: an element that is None."""
    for inner, element in list_elements(ctx, node):
        found = expressions.check_value(inner, element)
        if isinstance(pattern, AwaitableType):
            found = asynchronous.as_awaitable(inner, found, element)
        if not isinstance(found, Literal) and found.type not in (ERROR, NONE):
            return found.type
    return None
