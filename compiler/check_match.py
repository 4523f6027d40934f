"""`match` on integers, enums, bools and tuples, as a chain of tests that LLVM turns into a jump table where that
pays.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

import compiler.check_conditions as conditions
import compiler.check_expressions as expressions
from compiler.context import Context, join
from compiler.tree import Assign, Compare, Const, Expr, If, Load, LocalPlace, Logic, Statement, TupleItem
from compiler.type_model import BOOL, BoolType, EnumType, IntType, TupleType, Type

CheckBlock = Callable[[Context, list[ast.stmt]], list[Statement]]


def check_match(ctx: Context, node: ast.Match, check_block: CheckBlock) -> list[Statement]:
    span = ctx.span(node.subject)
    subject = expressions.check_settled(ctx, node.subject)
    if not isinstance(subject.type, IntType | EnumType | BoolType | TupleType):
        raise ctx.error("type", f"match works on integers, enums and tuples, not {subject.type}", node.subject)
    local = ctx.temporary(subject.type, span)
    first: list[Statement] = [Assign(span, LocalPlace(subject.type, span, local), subject)]
    value = Load(subject.type, span, LocalPlace(subject.type, span, local))
    start, ends = ctx.flow, []
    chain: list[Statement] = []
    tail = chain
    complete = False
    for case in node.cases:
        if complete:
            raise ctx.error("unreachable", "no value is left for this case", case.pattern)
        ctx.flow = start.copy()
        binds: list[Statement] = []
        test = _check_pattern(ctx, case.pattern, value, subject.type, binds)
        if case.guard is not None:
            if binds:
                raise ctx.error(
                    "unsupported", "a guard on a case that names parts", case.guard, hint="test in the body"
                )
            guard, facts = conditions.check_condition(ctx, case.guard)
            ctx.flow.present |= facts.true
            test = guard if test is None else Logic(BOOL, ctx.span(case.guard), "and", test, guard)
        body = binds + check_block(ctx, case.body)
        ends.append(ctx.flow)
        if test is None:
            tail += body
            complete = True
        else:
            branch = If(ctx.span(case.pattern), test, body, [])
            tail.append(branch)
            tail = branch.orelse
    if not complete:
        ends.append(start)
    ctx.flow = join(ends)
    return first + chain


def _check_pattern(ctx: Context, pattern: ast.pattern, value: Expr, kind: Type, binds: list[Statement]) -> Expr | None:
    """The test for a pattern; None when it always fits."""
    span = ctx.span(pattern)
    match pattern:
        case ast.MatchValue(value=node):
            constant = expressions.check_value(ctx, node, kind)
            if not isinstance(constant, Const):
                raise ctx.error("constant", "a case names constants", pattern)
            return Compare(BOOL, span, "==", value, constant)
        case ast.MatchSingleton(value=bool(flag)):
            return Compare(BOOL, span, "==", value, ctx.coerce(Const(BOOL, span, int(flag)), kind, ast.Constant(flag)))
        case ast.MatchAs(pattern=None, name=None):
            return None
        case ast.MatchAs(pattern=None, name=str(name)):
            _refuse_comparison(ctx, pattern, name)
            local = ctx.names[name] = ctx.new_local(name, kind, span)
            ctx.flow.assigned.add(local)
            binds.append(Assign(span, LocalPlace(kind, span, local), value))
            return None
        case ast.MatchOr(patterns=patterns):
            result: Expr | None = None
            for part in patterns:
                test = _check_pattern(ctx, part, value, kind, binds)
                if test is None:
                    return None
                result = test if result is None else Logic(BOOL, span, "or", result, test)
            return result
        case ast.MatchSequence(patterns=patterns) if isinstance(kind, TupleType):
            return _check_sequence(ctx, pattern, patterns, value, kind, binds)
    raise ctx.error(
        "unsupported", "this pattern is not part of the language", pattern, hint="use constants, |, names, tuples and _"
    )


def _refuse_comparison(ctx: Context, pattern: ast.pattern, name: str) -> None:
    """A bare name in a pattern is assigned, as in Python; one that has a meaning was meant to be compared with."""
    module = ctx.env.module
    if name in ctx.names or name in module.declarations or name in module.symbols:
        raise ctx.error(
            "shadowed",
            f"case {name} would assign {name}, not compare with it",
            pattern,
            hint=f"write case _ if ... == {name}, or a dotted name",
        )


def _check_sequence(
    ctx: Context,
    pattern: ast.pattern,
    patterns: list[ast.pattern],
    value: Expr,
    kind: TupleType,
    binds: list[Statement],
) -> Expr | None:
    if len(patterns) != len(kind.items):
        raise ctx.error("type", f"{len(patterns)} patterns for a tuple of {len(kind.items)}", pattern)
    result: Expr | None = None
    for index, (part, item) in enumerate(zip(patterns, kind.items, strict=True)):
        test = _check_pattern(ctx, part, TupleItem(item, ctx.span(part), value, index), item, binds)
        if test is not None:
            result = test if result is None else Logic(BOOL, ctx.span(pattern), "and", result, test)
    return result
