"""Type rules of statements, and the flow of control: definite assignment, narrowing of optional pointers, unreachable
code.
"""

from __future__ import annotations

import ast

import compiler.check_assignments as assignments
import compiler.check_async as asynchronous
import compiler.check_conditions as conditions
import compiler.check_construction as construction
import compiler.check_expressions as expressions
import compiler.check_loops as loops
import compiler.check_with as with_blocks
from compiler.check_match import check_match
from compiler.context import Context, join
from compiler.errors import CompileError
from compiler.symbols import ConstSymbol, GlobalVar
from compiler.tree import (
    Const,
    Evaluate,
    Expr,
    If,
    Local,
    Place,
    Return,
    Statement,
    Trap,
    Unary,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    NEVER,
    NONE,
    FuncType,
)


def check_block(ctx: Context, body: list[ast.stmt]) -> list[Statement]:
    """Every statement, each mistake reported once; what a failed assignment would have named becomes untyped."""
    out: list[Statement] = []
    for position, node in enumerate(body):
        if not ctx.flow.reachable:
            if position and not isinstance(node, ast.Pass):
                ctx.diagnostics.add(ctx.error("unreachable", "this is never reached", node))
            ctx.flow.reachable = True
            rest = check_block(ctx, body[position:])
            ctx.flow.reachable = False
            return out + rest
        try:
            out += check_statement(ctx, node)
        except CompileError as error:
            ctx.diagnostics.add(error)
            _forget(ctx, node)
            if isinstance(node, ast.Return):
                ctx.flow.reachable = False
    return out


def _forget(ctx: Context, node: ast.stmt) -> None:
    """What the statement would have named has a value of unknown type from here on."""
    for child in ast.walk(node):
        names: list[str] = []
        match child:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Global(names=names):
                pass
        for name in names:
            if name not in ctx.globals:
                local = ctx.names.setdefault(name, Local(name, ERROR, ctx.span(child)))
                local.type = ERROR
                ctx.flow.assigned.add(local)


def check_statement(ctx: Context, node: ast.stmt) -> list[Statement]:
    span = ctx.span(node)
    match node:
        case ast.Expr(value=value):
            return _check_expression(ctx, node, value)
        case ast.Assign(targets=[target], value=value):
            return assignments.check_assign(ctx, node, target, value)
        case ast.Assign(targets=[_, second, *_]):
            raise ctx.error(
                "unsupported", "a = b = c is not part of the language", second, hint="use one assignment for each"
            )
        case ast.AnnAssign():
            return assignments.check_annotated(ctx, node)
        case ast.AugAssign(target=target, op=op, value=value):
            return assignments.check_augmented(ctx, node, target, op, value)
        case ast.If():
            return [_check_if(ctx, node)]
        case ast.While():
            return [loops.check_while(ctx, node)]
        case ast.For():
            return loops.check_for(ctx, node)
        case ast.Return(value=value):
            return [_check_return(ctx, node, value)]
        case ast.Break() | ast.Continue():
            return [loops.check_jump(ctx, node)]
        case ast.Pass():
            return []
        case ast.Assert(test=test, msg=message):
            return _check_assert(ctx, node, test, message)
        case ast.Global(names=names):
            for name in names:
                symbol = ctx.env.lookup(name, node)
                if not isinstance(symbol, GlobalVar):
                    is_constant = isinstance(symbol, ConstSymbol)
                    hint = f"a constant keeps its value; data are declared as {name}: T = value" if is_constant else ""
                    raise ctx.error("type", f"{name} is not module data", node, hint=hint)
                ctx.globals.add(name)
            return []
        case ast.With() | ast.AsyncWith():
            return [with_blocks.check_with(ctx, node, node.items)]
        case ast.Try():
            return [asynchronous.check_try(ctx, node)]
        case ast.Raise():
            return [asynchronous.check_raise(ctx, node)]
        case ast.Match():
            return check_match(ctx, node, check_block)
    raise CompileError("unsupported", f"{type(node).__name__} is not part of the language", span)


def _check_expression(ctx: Context, node: ast.Expr, value: ast.expr) -> list[Statement]:
    if isinstance(value, ast.Constant):
        return []  # a docstring, or the `...` of a Protocol
    found = expressions.check(ctx, value, None)
    if found.type == ERROR:
        return []
    if found.type == NEVER:
        ctx.flow.reachable = False
    elif found.type != NONE:
        what = f"the result of {ast.unparse(value.func)}" if isinstance(value, ast.Call) else "this value"
        raise ctx.error(
            "unused",
            f"{what} is not used",
            node,
            here=str(found.type),
            hint=f"call it: {ast.unparse(value)}()"
            if isinstance(found.type, FuncType) and not isinstance(value, ast.Call)
            else f"_ = {ast.unparse(value)} throws it away visibly",
        )
    return [Evaluate(ctx.span(node), found)]


def _check_if(ctx: Context, node: ast.If) -> Statement:
    test, facts = conditions.check_condition(ctx, node.test)
    start = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.true
    body = check_block(ctx, node.body)
    after_body = ctx.flow
    ctx.flow = start.copy()
    ctx.flow.present |= facts.false
    orelse = check_block(ctx, node.orelse)
    ctx.flow = join([after_body, ctx.flow])
    return If(ctx.span(node), test, body, orelse)


def _check_return(ctx: Context, node: ast.Return, value: ast.expr | None) -> Statement:
    assert ctx.function is not None
    want = ctx.function.result
    result: Expr | None = None
    if want == NEVER:
        raise ctx.error("return", f"{ctx.function.name} never returns", node)
    if value is not None and want == NONE:
        nothing = _nothing(ctx, value)
        if nothing is None and not (isinstance(value, ast.Constant) and value.value is None):
            raise ctx.error(
                "return",
                f"{ctx.function.name} returns nothing",
                value,
                hint=f"declare its result: -> {_guess(ctx, value)}",
            )
        result = None if isinstance(nothing, Place) else nothing
    elif value is None and want != NONE:
        raise ctx.error("return", f"{ctx.function.name} returns {want}", node)
    elif value is not None:
        result = construction.check_initializer(ctx, want, value)
    ctx.flow.reachable = False
    return Return(ctx.span(node), result)


def _nothing(ctx: Context, value: ast.expr) -> Expr | None:
    """A call that gives nothing may stand behind return, as in Python, and a field of which there is nothing."""
    found = expressions.check(ctx, value, None) if isinstance(value, ast.Call | ast.Await | ast.Attribute) else None
    return found if found is not None and found.type == NONE else None


def _guess(ctx: Context, value: ast.expr) -> str:
    try:
        return str(expressions.check_settled(ctx, value).type)
    except CompileError:
        return "u64"


def _check_assert(ctx: Context, node: ast.Assert, test: ast.expr, message: ast.expr | None) -> list[Statement]:
    condition, facts = conditions.check_condition(ctx, test)
    text = f"assertion failed: {ast.unparse(test)}"
    if message is not None:
        if not isinstance(message, ast.Constant) or not isinstance(message.value, str):
            raise ctx.error("unsupported", "the message of an assert is a plain string", message)
        text = f"assertion failed: {message.value}"
    if isinstance(condition, Const) and condition.value == 0:
        ctx.flow.reachable = False
    ctx.flow.present |= facts.true
    span = ctx.span(node)
    return [If(span, Unary(BOOL, span, "not", condition), [Trap(span, text)], [])]
