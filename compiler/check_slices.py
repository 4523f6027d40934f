"""Type rules of methods of `bytes` and `str`, which are slices: nothing is copied, nothing allocated.

`encode` and `decode` give the same slice as the other type. All other methods, and `==`, are functions of the program's
library marked @slice_method, written for `span[u8]`; a `str` is handed to them as its bytes.
"""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.errors import CompileError
from compiler.symbols import Function
from compiler.tree import Call, Convert, Expr
from compiler.type_model import BYTES, STR, Type


def check_slice_method(ctx: Context, node: ast.Call, function: ast.Attribute) -> Expr | None:
    """A call of a method of `bytes` or `str`; None when the receiver is neither."""
    receiver = expressions.check(ctx, function.value, None)
    if receiver.type not in (STR, BYTES):
        return None
    value = expressions.load(ctx, receiver, function.value)
    kind, other = value.type, STR if value.type == BYTES else BYTES
    if not node.args and function.attr == ("encode" if kind == STR else "decode"):
        return Convert(other, ctx.span(node), value)
    method = ctx.env.module.project.slice_methods().get(function.attr)
    if method is None:
        known = ", ".join(sorted(n for n in ctx.env.module.project.slice_methods() if not n.startswith("_")))
        hint = f"there are: {known}" if known else ""
        raise ctx.error("method", f"{kind} has no method {function.attr}", function, hint=hint)
    return _call(ctx, node, method, value, kind, node.args)


def compare_slices(ctx: Context, node: ast.Compare, left: Expr, right: Expr, right_node: ast.expr) -> Expr | None:
    """Whether two slices of one type hold the same; None when the program's library cannot tell."""
    method = ctx.env.module.project.slice_methods().get("is_equal")
    if method is None or left.type != right.type:
        return None
    return _call(ctx, node, method, left, left.type, [right_node])


def _call(ctx: Context, node: ast.expr, method: Function, value: Expr, kind: Type, given: list[ast.expr]) -> Expr:
    params = method.params[1:]
    nodes = [*given, *(param.default for param in params[len(given) :])]
    if len(given) > len(params) or any(argument is None for argument in nodes):
        raise _wrong_count(ctx, node, method, len(given))
    arguments = [_as_bytes(value)]
    for param, argument in zip(params, nodes, strict=True):
        assert argument is not None
        wanted = kind if param.type == BYTES and argument is not param.default else param.type
        arguments.append(_as_bytes(expressions.check_value(ctx, argument, wanted)))
    called: Expr = Call(method.result, ctx.span(node), method, arguments)
    return Convert(STR, ctx.span(node), called) if kind == STR and method.result == BYTES else called


def _as_bytes(value: Expr) -> Expr:
    return Convert(BYTES, value.span, value) if value.type == STR else value


def _wrong_count(ctx: Context, node: ast.expr, method: Function, given: int) -> CompileError:
    wanted = ", ".join(f"{p.name}: {p.type}" for p in method.params[1:])
    return ctx.error("arguments", f"{method.name} takes ({wanted}), {given} given", node)
