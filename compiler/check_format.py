"""f-strings: an argument for a parameter of type `fstring[S]` becomes calls on an S of the caller's own stack.

S is a struct with `text(self, words: str)` and
`number(self, magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32)`, made from its defaults. Nothing is
allocated; what does not fit is S's affair. `print(...)` is such a call of the program's function marked @printer.
"""

from __future__ import annotations

import ast
import re

import compiler.check_construction as construction
import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.symbols import Function
from compiler.tree import (
    AddressOf,
    Bytes,
    Call,
    Compare,
    Const,
    Convert,
    Expr,
    Format,
    Keep,
    Load,
    LocalPlace,
    Select,
    Unary,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    I64,
    STR,
    U32,
    U64,
    BoolType,
    EnumType,
    FuncType,
    IntType,
    PtrType,
    StructType,
)

SPECIFICATION = re.compile(r"(?P<align>[<>])?(?P<prefix>#)?(?P<zero>0)?(?P<width>\d+)?(?P<base>[dxXbo])?")
BASES = {"d": 10, "x": 16, "X": 16, "b": 2, "o": 8, None: 10}


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def check_format(ctx: Context, struct: StructType, parts: list[ast.expr], at: ast.expr) -> Expr:
    """The pointer to a fresh `struct` that holds the text of `parts`, one after the other."""
    span = ctx.span(at)
    if ctx.body is None:
        raise ctx.error("format", "an f-string stands in functions only", at)
    local = ctx.temporary(struct, span)
    place = LocalPlace(struct, span, local)
    made = construction.make_struct(ctx, ast.copy_location(ast.Call(func=at, args=[], keywords=[]), at), struct)
    target = AddressOf(PtrType(struct), span, place)
    calls: list[Expr] = []
    for part in parts:
        for piece in part.values if isinstance(part, ast.JoinedStr) else [part]:
            calls += _piece(ctx, struct, target, piece)
    return Format(PtrType(struct), span, place, made, calls)


def _piece(ctx: Context, struct: StructType, target: Expr, piece: ast.expr) -> list[Expr]:
    if isinstance(piece, ast.Constant) and isinstance(piece.value, str):
        words = Bytes(STR, ctx.span(piece), piece.value.encode())
        return [_call(ctx, struct, "text", [target, words], piece)] if piece.value else []
    style, node = "", piece
    if isinstance(piece, ast.FormattedValue):
        if piece.conversion != -1:
            raise ctx.error("format", "!r, !s and !a are not part of the language", piece)
        style, node = _style_text(ctx, piece), piece.value
    value = expressions.check_value(ctx, node)
    value = ctx.settle(value, node)
    if value.type == ERROR:
        return []
    return [_format_value(ctx, struct, target, value, style, node)]


def _style_text(ctx: Context, piece: ast.FormattedValue) -> str:
    specification = piece.format_spec
    if specification is None:
        return ""
    parts = specification.values if isinstance(specification, ast.JoinedStr) else []
    if all(isinstance(p, ast.Constant) for p in parts):
        return "".join(str(p.value) for p in parts if isinstance(p, ast.Constant))
    raise ctx.error("format", "the format of a value is written out, not computed", piece)


def _format_value(ctx: Context, struct: StructType, target: Expr, value: Expr, style: str, node: ast.expr) -> Expr:
    span, kind = ctx.span(node), value.type
    if kind == STR or isinstance(kind, BoolType):
        if style:
            raise ctx.error("format", f"a {kind} is printed as it is", node, hint="leave the format out")
        if isinstance(kind, BoolType):
            value = Select(STR, span, value, Bytes(STR, span, b"True"), Bytes(STR, span, b"False"))
        return _call(ctx, struct, "text", [target, value], node)
    match = SPECIFICATION.fullmatch(style)
    if match is None:
        raise ctx.error(
            "format", f"{style!r} is not a format", node, hint="[<][#][0][width][d, x, X, b or o], as in {n:#010x}"
        )
    base, bits = BASES[match["base"]], 0
    if isinstance(kind, PtrType | FuncType):
        value, base, bits = Convert(U64, span, value), 16, PREFIX
    elif isinstance(kind, EnumType):
        value = Convert(kind.of, span, value)
    elif not isinstance(kind, IntType) or kind.bits > 64:
        raise ctx.error("format", f"{kind} has no text of its own", node, here=str(kind), hint="print its parts")
    bits |= ZERO_FILL if match["zero"] else 0
    bits |= PREFIX if match["prefix"] else 0
    bits |= UPPER if match["base"] == "X" else 0
    bits |= LEFT if match["align"] == "<" else 0
    magnitude, negative = _sign(ctx, value, node)
    constants = [Const(U32, span, n) for n in (base, int(match["width"] or 0), bits)]
    return _call(ctx, struct, "number", [target, magnitude, negative, *constants], node)


def _sign(ctx: Context, value: Expr, node: ast.expr) -> tuple[Expr, Expr]:
    span = ctx.span(node)
    if not isinstance(value.type, IntType) or not value.type.signed:
        wide = value if value.type == U64 else Convert(U64, span, value)
        return wide, Const(BOOL, span, 0)
    wide = value if value.type == I64 else Convert(I64, span, value)
    local = ctx.temporary(I64, span)
    again = Load(I64, span, LocalPlace(I64, span, local))
    zero = Const(I64, span, 0)
    is_below = Compare(BOOL, span, "<", Keep(I64, span, local, wide), zero)
    magnitude = Select(I64, span, is_below, Unary(I64, span, "wrap-", again), again)
    negative = Compare(BOOL, span, "<", again, zero)
    return Convert(U64, span, magnitude), negative


def _call(ctx: Context, struct: StructType, name: str, arguments: list[Expr], node: ast.expr) -> Expr:
    method = struct.methods.get(name)
    if not isinstance(method, Function):
        raise ctx.error("format", f"{struct} has no method {name}, so it cannot take an f-string", node)
    return Call(method.result, ctx.span(node), method, arguments)


def check_print(ctx: Context, node: ast.Call) -> Expr:
    printer = ctx.env.module.project.marked("printer")
    if printer is None:
        raise ctx.error(
            "format",
            "this program has no function marked @printer",
            node,
            hint="import the module that has it, or write it: def show(line: fstring[S], end: str) -> None",
        )
    end: Expr = Bytes(STR, ctx.span(node), b"\n")
    for keyword in node.keywords:
        if keyword.arg != "end":
            raise ctx.error("arguments", f"print takes end, not {keyword.arg}", keyword.value)
        end = expressions.check_value(ctx, keyword.value, STR)
    parts: list[ast.expr] = []
    for position, argument in enumerate(node.args):
        if position:
            parts.append(ast.copy_location(ast.Constant(value=" "), argument))
        parts.append(argument)
    line = printer.params[0].type
    assert isinstance(line, PtrType) and isinstance(line.to, StructType)
    text = check_format(ctx, line.to, parts, node)
    return Call(printer.result, ctx.span(node), printer, [text, end])
