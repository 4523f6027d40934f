"""Type rules of arithmetic: both operands have one type, only literals adapt."""

from __future__ import annotations

import ast
import re

import compiler.check_expressions as expressions
from compiler.constant import BINARY
from compiler.context import Context
from compiler.errors import REPORTED, CompileError, Label
from compiler.modules import DIVISION
from compiler.tree import (
    Binary,
    Const,
    Convert,
    Expr,
    FloatConst,
    Literal,
    Load,
    Local,
    LocalPlace,
    Unary,
    Zero,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    F64,
    I64,
    LITERAL,
    NULL,
    BoolType,
    EnumType,
    FloatType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    TupleType,
    Type,
    divides_wide,
)

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.Div: "/",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip


def unify(
    ctx: Context, left: Expr, right: Expr, node: ast.AST, nodes: tuple[ast.expr, ast.expr], what: str
) -> tuple[Expr, Expr]:
    """Two operands as values of one type: a literal takes its partner's, None a pointer's."""
    if left.type == LITERAL and right.type == LITERAL:
        return ctx.settle(left, nodes[0]), ctx.settle(right, nodes[1])
    if left.type == LITERAL:
        return ctx.coerce(left, right.type, nodes[0]), right
    if right.type == LITERAL:
        return left, ctx.coerce(right, left.type, nodes[1])
    if left.type == right.type or ERROR in (left.type, right.type):
        return left, right
    if isinstance(right, FloatConst) and isinstance(left.type, FloatType):
        return left, ctx.coerce(right, left.type, nodes[1])
    if isinstance(left, FloatConst) and isinstance(right.type, FloatType):
        return ctx.coerce(left, right.type, nodes[0]), right
    if isinstance(left.type, PtrType) and isinstance(right.type, PtrType) and left.type.to == right.type.to:
        kind = PtrType(left.type.to, optional=True)
        return ctx.coerce(left, kind, nodes[0]), ctx.coerce(right, kind, nodes[1])
    if left.type == NULL and isinstance(right.type, PtrType):
        kind = PtrType(right.type.to, optional=True)
        return ctx.coerce(left, kind, nodes[0]), ctx.coerce(right, kind, nodes[1])
    if right.type == NULL and isinstance(left.type, PtrType):
        kind = PtrType(left.type.to, optional=True)
        return ctx.coerce(left, kind, nodes[0]), ctx.coerce(right, kind, nodes[1])
    raise _widths_differ(ctx, left, right, node, nodes, what)


def _widths_differ(
    ctx: Context, left: Expr, right: Expr, node: ast.AST, nodes: tuple[ast.expr, ast.expr], what: str
) -> CompileError:
    hint = ""
    if isinstance(left.type, IntType) and isinstance(right.type, IntType):
        wide = left.type if left.type.bits >= right.type.bits else right.type
        narrow = nodes[1] if wide is left.type else nodes[0]
        hint = f"write {wide}({ast.unparse(narrow)})"
    elif isinstance(left.type, BoolType) and isinstance(right.type, IntType):
        hint = f"write {right.type}({ast.unparse(nodes[0])})"
    elif isinstance(right.type, BoolType) and isinstance(left.type, IntType):
        hint = f"write {left.type}({ast.unparse(nodes[1])})"
    elif isinstance(left.type, FloatType) != isinstance(right.type, FloatType):
        hint = "integers hold whole numbers: scale them, as in x * 3 // 2"
    labels = [Label(ctx.span(nodes[1]), str(right.type))]
    for operand, other in ((left, right), (right, left)):
        if isinstance(operand, Load) and isinstance(operand.place, LocalPlace) and operand.type == I64:
            local = operand.place.local
            labels.append(Label(local.span, f"{local.name} is {local.type} since here"))
            if isinstance(other.type, IntType) and _is_untyped(local):
                hint = f"{local.name}: {other.type} = ... where it begins"
    return CompileError(
        "width-mismatch",
        f"{left.type} and {right.type} do not mix in {what}",
        ctx.span(nodes[0]),
        here=str(left.type),
        hint=hint,
        labels=tuple(labels),
    )


def _is_untyped(local: Local) -> bool:
    """Whether a local got its type from a literal alone, as in `total = 0`."""
    line = local.span.file.lines[local.span.line - 1][local.span.end_column :]
    return re.fullmatch(r"\s*=\s*-?\w+\s*(#.*)?", line) is not None


def check_binary(ctx: Context, node: ast.BinOp, want: Type | None) -> Expr:
    guide = want if isinstance(want, IntType | FloatType) else None
    left = (
        expressions.check_value(ctx, node.left)
        if guide is None
        else expressions.load(ctx, expressions.check(ctx, node.left, guide), node.left)
    )
    right = expressions.load(ctx, expressions.check(ctx, node.right, guide), node.right)
    return combine(ctx, node, node.op, left, right, (node.left, node.right))


def combine(
    ctx: Context, node: ast.AST, op: ast.operator, left: Expr, right: Expr, nodes: tuple[ast.expr, ast.expr]
) -> Expr:
    name = OPERATORS.get(type(op))
    if name is None:
        raise ctx.error(REPORTED, "an operator that the parser refused", node)
    span = ctx.span(node)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return _fold(ctx, node, op, left, right)
    for operand in (left, right):
        if isinstance(operand.type, EnumType) and operand.type.is_flag and name in ("&", "|", "^"):
            return _combine_flags(ctx, node, name, unify(ctx, left, right, node, nodes, name), operand.type)
        if isinstance(operand.type, PtrType | StrType | SpanType | TupleType | EnumType):
            raise _no_arithmetic(ctx, operand.type, name, node)
    left, right = unify(ctx, left, right, node, nodes, name)
    kind = left.type
    if kind == ERROR or right.type == ERROR:
        return Zero(ERROR, span)
    if isinstance(kind, BoolType) and name in ("&", "|", "^"):
        return Binary(BOOL, span, name, left, right)
    if isinstance(kind, FloatType) and name in ("+", "-", "*", "/"):
        return Binary(kind, span, name, left, right)
    if not isinstance(kind, IntType) or name == "/":
        raise _no_arithmetic(ctx, kind, name, node)
    if name in ("//", "%") and isinstance(right, Const) and right.value == 0:
        raise ctx.error("division", "division by zero", node)
    if name in ("//", "%") and divides_wide(kind):
        ctx.env.module.project.load(DIVISION)
    return Binary(kind, span, name, left, right)


def _combine_flags(ctx: Context, node: ast.AST, name: str, operands: tuple[Expr, Expr], flags: EnumType) -> Expr:
    left, right = (Convert(flags.of, operand.span, operand) for operand in operands)
    return Convert(flags, ctx.span(node), Binary(flags.of, ctx.span(node), name, left, right))


def _no_arithmetic(ctx: Context, kind: Type, name: str, node: ast.AST) -> CompileError:
    hint = ""
    if isinstance(kind, PtrType):
        hint = "index the pointer, addr(p[i]), or compute with u64(p)"
    elif isinstance(kind, EnumType):
        hint = f"compute with {kind.of}(...) and convert back with {kind}(...)"
    elif isinstance(kind, StrType | SpanType):
        hint = "copy the parts into an array"
    elif isinstance(kind, FloatType):
        hint = "numbers with a point have + - * / alone"
    elif isinstance(kind, IntType):
        hint = "integers divide with //"
    return ctx.error("operator", f"{kind} has no {name}", node, here=str(kind), hint=hint)


def _fold(ctx: Context, node: ast.AST, op: ast.operator, left: Literal, right: Literal) -> Expr:
    if isinstance(op, ast.LShift) and right.value > 4096:
        raise ctx.error("constant", "a constant may not be shifted that far", node)
    try:
        if isinstance(op, ast.Div):
            return FloatConst(F64, ctx.span(node), left.value / right.value)
        return Literal(LITERAL, ctx.span(node), int(BINARY[type(op)](left.value, right.value)))
    except ZeroDivisionError:
        raise ctx.error("division", "division by zero", node) from None
    except ValueError as error:
        raise ctx.error("constant", str(error), node) from None


def check_unary(ctx: Context, node: ast.UnaryOp, want: Type | None) -> Expr:
    operand = expressions.load(ctx, expressions.check(ctx, node.operand, want), node.operand)
    span = ctx.span(node)
    if isinstance(operand, Literal):
        value = {ast.USub: -operand.value, ast.UAdd: operand.value, ast.Invert: ~operand.value}[type(node.op)]
        if isinstance(node.op, ast.Invert) and isinstance(want, IntType) and not want.signed:
            value = want.wrap(value)
        return Literal(LITERAL, span, value)
    if isinstance(operand, FloatConst) and isinstance(node.op, ast.USub):
        return FloatConst(operand.type, span, -operand.value)
    if operand.type == ERROR:
        return operand
    if isinstance(node.op, ast.USub) and isinstance(operand.type, IntType) and not operand.type.signed:
        text = ast.unparse(node.operand)
        raise ctx.error(
            "operator", f"{operand.type} has no negative values", node, hint=f"wrap_neg({text}), or i64({text}) first"
        )
    if not isinstance(operand.type, IntType | FloatType) or (
        isinstance(node.op, ast.Invert) and isinstance(operand.type, FloatType)
    ):
        raise ctx.error("operator", f"{operand.type} has no such operator", node, here=str(operand.type))
    if isinstance(node.op, ast.UAdd):
        return operand
    return Unary(operand.type, span, "-" if isinstance(node.op, ast.USub) else "~", operand)
