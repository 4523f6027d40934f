"""Type rules of conditions and comparisons, and what they tell about optional pointers."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

import compiler.check_expressions as expressions
import compiler.check_operators as operators
import compiler.check_outcomes as outcomes
import compiler.check_slices as slices
from compiler.constant import COMPARE
from compiler.context import Context
from compiler.errors import REPORTED, CompileError
from compiler.tree import (
    Compare,
    Const,
    Expr,
    Literal,
    Load,
    Local,
    LocalPlace,
    Logic,
    Select,
    Unary,
)
from compiler.type_model import (
    BOOL,
    BYTES,
    ERROR,
    LITERAL,
    NONE,
    STR,
    ArrayType,
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    Type,
)

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


@dataclass
class Facts:
    """Optional pointers known not to be None when a condition is true, and when it is false."""

    true: set[Local] = field(default_factory=set)
    false: set[Local] = field(default_factory=set)


def check_condition(ctx: Context, node: ast.expr) -> tuple[Expr, Facts]:
    match node:
        case ast.BoolOp(op=op, values=[first, *rest]):
            return _check_logic(ctx, node, op, first, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner, facts = check_condition(ctx, operand)
            return Unary(BOOL, ctx.span(node), "not", inner), Facts(facts.false, facts.true)
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            is_none = isinstance(op, ast.Is)
            return outcomes.check_none(ctx, node, left, is_none) or _check_none_test(ctx, node, left, is_none)
        case ast.Call(func=ast.Name(id="isinstance")) if "isinstance" not in ctx.names:
            return outcomes.check_isinstance(ctx, node)
    found = expressions.check(ctx, node, None)
    value = found if found.type.is_aggregate else expressions.load(ctx, found, node)
    if isinstance(value, Literal) or value.type != BOOL:
        raise _not_a_condition(ctx, value, node) if value.type != ERROR else CompileError(REPORTED, "", ctx.span(node))
    return value, Facts()


def _not_a_condition(ctx: Context, value: Expr, node: ast.expr) -> CompileError:
    text = ast.unparse(node)
    hint = f"write {text} is not None" if isinstance(value.type, PtrType) else f"write {text} != 0"
    if isinstance(value.type, SpanType | StrType | ArrayType):
        hint = f"write len({text}) != 0"
    return ctx.error("condition", f"a condition is a bool, not {value.type}", node, here=str(value.type), hint=hint)


def _check_logic(
    ctx: Context, node: ast.expr, op: ast.boolop, first: ast.expr, rest: list[ast.expr]
) -> tuple[Expr, Facts]:
    name = "and" if isinstance(op, ast.And) else "or"
    left, facts = check_condition(ctx, first)
    before = ctx.flow
    for item in rest:
        ctx.flow = ctx.flow.copy()
        ctx.flow.present |= facts.true if name == "and" else facts.false
        right, more = check_condition(ctx, item)
        left = Logic(BOOL, ctx.span(node), name, left, right)
        facts = Facts(facts.true | more.true, set()) if name == "and" else Facts(set(), facts.false | more.false)
    ctx.flow = before
    return left, facts


def _check_none_test(ctx: Context, node: ast.expr, left: ast.expr, is_none: bool) -> tuple[Expr, Facts]:
    value = expressions.check_value(ctx, left)
    if isinstance(value.type, PtrType) and not value.type.optional and _declared_optional(value):
        value.type = PtrType(value.type.to, optional=True)
    if value.type == ERROR:
        return Const(BOOL, ctx.span(node), 0), Facts()
    if not isinstance(value.type, PtrType) or not value.type.optional:
        raise ctx.error("condition", f"{value.type} is never None", node, hint="only ptr[T] | None can be None")
    test = Compare(BOOL, ctx.span(node), "==" if is_none else "!=", value, Const(value.type, ctx.span(node), 0))
    known = {value.place.local} if isinstance(value, Load) and isinstance(value.place, LocalPlace) else set()
    return test, Facts(set(), known) if is_none else Facts(known, set())


def _declared_optional(value: Expr) -> bool:
    place = value.place if isinstance(value, Load) else None
    return place is not None and isinstance(place.type, PtrType) and place.type.optional


def check_compare(ctx: Context, node: ast.Compare) -> Expr:
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot):
        return check_condition(ctx, node)[0] if _is_none(node.comparators[0]) else _refuse_identity(ctx, node)
    result: Expr | None = None
    left_node = node.left
    for position, (op, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
        if position and not isinstance(left_node, ast.Name | ast.Constant | ast.Attribute):
            raise ctx.error(
                "unsupported",
                "the middle of a chained comparison is evaluated twice",
                left_node,
                hint="give it a name first",
            )
        test = _compare(ctx, node, op, left_node, right_node)
        result = test if result is None else Logic(BOOL, ctx.span(node), "and", result, test)
        left_node = right_node
    assert result is not None
    return result


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _refuse_identity(ctx: Context, node: ast.Compare) -> Expr:
    raise ctx.error("operator", "`is` compares with None only", node, hint="compare values and addresses with ==")


def _compare(ctx: Context, node: ast.Compare, op: ast.cmpop, left_node: ast.expr, right_node: ast.expr) -> Expr:
    if type(op) not in COMPARISONS:
        raise ctx.error("operator", "this comparison is not part of the language", node)
    name = COMPARISONS[type(op)]
    left, right = expressions.check_value(ctx, left_node), expressions.check_value(ctx, right_node)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return Const(BOOL, ctx.span(node), int(COMPARE[type(op)](left.value, right.value)))
    if _is_none(right_node) or _is_none(left_node):
        raise ctx.error("operator", "compare with None by `is`", node, hint=f"{ast.unparse(left_node)} is None")
    if name in ("==", "!=") and left.type in (STR, BYTES):
        same = slices.compare_slices(ctx, node, left, right, right_node)
        if same is not None:
            return same if name == "==" else Unary(BOOL, ctx.span(node), "not", same)
    left, right = operators.unify(ctx, left, right, node, (left_node, right_node), name)
    kind = left.type
    ordered = isinstance(kind, IntType | FloatType | PtrType)
    if (
        not ordered
        and not (isinstance(kind, BoolType | EnumType | FuncType) and name in ("==", "!="))
        and kind != ERROR
    ):
        hint = "compare length and bytes in a loop" if isinstance(kind, StrType | SpanType) else ""
        raise ctx.error("operator", f"{kind} has no {name}", node, here=str(kind), hint=hint)
    return Compare(BOOL, ctx.span(node), name, left, right)


def check_select(ctx: Context, node: ast.IfExp, want: Type | None) -> Expr:
    test, facts = check_condition(ctx, node.test)
    before = ctx.flow
    ctx.flow = before.copy()
    ctx.flow.present |= facts.true
    body = expressions.check_value(ctx, node.body, want)
    ctx.flow = before.copy()
    ctx.flow.present |= facts.false
    orelse = expressions.check_value(ctx, node.orelse, want)
    ctx.flow = before
    if body.type == LITERAL and orelse.type == LITERAL:
        return Select(LITERAL, ctx.span(node), test, body, orelse)
    body, orelse = operators.unify(ctx, body, orelse, node, (node.body, node.orelse), "if-else")
    if body.type == NONE:
        raise ctx.error("type", "both sides of if-else need a value", node)
    return Select(body.type, ctx.span(node), test, body, orelse)
