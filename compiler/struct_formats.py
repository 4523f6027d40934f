"""Python's `struct` with formats that are known when compiling: reading and writing numbers in slices of bytes.

`struct.unpack_from("<HI", data, at)` becomes a tuple of calls of the library's functions, one for each number, and
`struct.pack_into("<HI", data, at, a, b)` a call for each that writes one; `calcsize` is a constant. The functions are
marked @by_format in userspace/lib/struct.py, beside those that they stand for.
"""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.symbols import Function
from compiler.tree import Binary, Call, Compare, Const, Convert, Expr, Literal, TupleMake
from compiler.type_model import BOOL, BYTES, I64, LITERAL, U64, TupleType, Type

SIZES = {"x": 1, "b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 4, "L": 4, "q": 8, "Q": 8}
SIGNED = "bhilq"
ORDERS = {"<": False, "=": False, ">": True, "!": True}
Part = tuple[str, int]      # a letter, and where its number begins


def check_by_format(ctx: Context, node: ast.Call, function: Function) -> Expr:
    """A call of a function marked @by_format, by its name."""
    if not node.args or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
        raise ctx.error("arguments", f"{function.name} needs its format as a text that is written here", node)
    parts, size, is_big = _parse(ctx, node.args[0], node.args[0].value)
    if function.name == "calcsize":
        return Literal(LITERAL, ctx.span(node), size)
    if len(node.args) < 2 or not isinstance(node.args[1], ast.Name | ast.Attribute):
        raise ctx.error("arguments", f"{function.name} needs the name of a slice behind the format", node)
    buffer = expressions.check_value(ctx, node.args[1], BYTES)
    offset: Expr = Const(U64, ctx.span(node), 0)
    rest = node.args[2:]
    if function.name != "unpack" and rest:
        offset = _as_word(ctx, rest[0])
        rest = rest[1:]
    if function.name == "pack_into":
        return _pack(ctx, node, function, parts, is_big, buffer, offset, rest)
    if rest:
        raise ctx.error("arguments", f"{function.name} takes no more than that", rest[0])
    items = [_read(ctx, node, function, part, is_big, buffer, offset) for part in parts]
    return TupleMake(TupleType(tuple(item.type for item in items)), ctx.span(node), items)


def _parse(ctx: Context, node: ast.expr, text: str) -> tuple[list[Part], int, bool]:
    if not text or text[0] not in ORDERS:
        hint = f'write "<{text.lstrip("@")}" for little-endian numbers'
        raise ctx.error("arguments", "a format begins with its byte order: < or >", node, hint=hint)
    parts: list[Part] = []
    at, count = 0, ""
    for letter in text[1:]:
        if letter.isdigit():
            count += letter
            continue
        if letter not in SIZES:
            hint = f"numbers are {' '.join(SIZES)}"
            raise ctx.error("arguments", f"{letter} in a format is not part of the language", node, hint=hint)
        for _ in range(int(count or "1")):
            if letter != "x":
                parts.append((letter, at))
            at += SIZES[letter]
        count = ""
    return parts, at, ORDERS[text[0]]


def _place(ctx: Context, node: ast.expr, offset: Expr, at: int) -> Expr:
    span = ctx.span(node)
    return offset if at == 0 else Binary(U64, span, "wrap+", offset, Const(U64, span, at))


def _read(
    ctx: Context, node: ast.Call, function: Function, part: Part, is_big: bool, buffer: Expr, offset: Expr
) -> Expr:
    letter, at = part
    span = ctx.span(node)
    kind: Type = I64 if letter in SIGNED else U64
    helper = _helper(function, "read_signed" if letter in SIGNED else "read_word", node)
    size = Const(U64, span, SIZES[letter])
    word: Expr = Call(kind, span, helper, [buffer, _place(ctx, node, offset, at), size, Const(BOOL, span, int(is_big))])
    if letter == "?":
        return Compare(BOOL, span, "!=", word, Const(U64, span, 0))
    return word if letter in SIGNED + "Q" else Convert(I64, span, word)


def _pack(
    ctx: Context, node: ast.Call, function: Function, parts: list[Part], is_big: bool, buffer: Expr, offset: Expr,
    values: list[ast.expr],
) -> Expr:
    """Each write gives the offset back, so that the writes nest: the innermost is the first."""
    if len(values) != len(parts):
        raise ctx.error("arguments", f"{len(parts)} numbers in the format, {len(values)} given", node)
    span = ctx.span(node)
    helper = _helper(function, "write_word", node)
    done = offset
    for (letter, at), value in zip(parts, values, strict=True):
        words = [Const(U64, span, at), Const(U64, span, SIZES[letter]), Const(BOOL, span, int(is_big))]
        done = Call(U64, span, helper, [buffer, done, *words, _as_word(ctx, value)])
    return Call(function.result, span, _helper(function, "end_of_writes", node), [done])


def _as_word(ctx: Context, node: ast.expr) -> Expr:
    value = ctx.settle(expressions.check_value(ctx, node), node)
    return value if value.type == U64 else Convert(U64, value.span, value)


def _helper(function: Function, name: str, node: ast.expr) -> Function:
    found = function.module.lookup(name, node)
    assert isinstance(found, Function)
    return found
