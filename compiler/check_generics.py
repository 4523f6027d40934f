"""Calls of generic functions: what their parameters stand for is told by the arguments."""

from __future__ import annotations

import ast

import compiler.check_async as asynchronous
import compiler.check_calls as calls
import compiler.check_expressions as expressions
import compiler.check_lists as lists
from compiler.annotations import DEEPEST_NESTING, resolve_type
from compiler.check_bounds import check_bounds
from compiler.constant import evaluate_int
from compiler.context import Context
from compiler.declare import instantiate_function
from compiler.environment import Environment
from compiler.errors import REPORTED, UNKNOWN, CompileError
from compiler.modules import resolve
from compiler.symbols import (
    Binding,
    GenericFunction,
)
from compiler.tree import (
    Expr,
    Literal,
)
from compiler.type_model import (
    ArrayType,
    AtomicType,
    AwaitableType,
    FuncType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    TypeVariable,
    nesting,
)


def form_of(node: ast.Call, generic: GenericFunction) -> tuple[ast.Call, GenericFunction]:
    """A keyword that is True or False, and no parameter, chooses between `f` and `f_KEYWORD`: their results differ."""
    for keyword in node.keywords:
        name = f"{generic.node.name}_{keyword.arg}"
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
            other = resolve(generic.module, name, node) if name in generic.module.declarations else None
            if isinstance(other, GenericFunction):
                rest = ast.Call(node.func, node.args, [k for k in node.keywords if k is not keyword])
                return ast.copy_location(rest, node), other if keyword.value.value else generic
    return node, generic


def call_generic(ctx: Context, node: ast.Call, generic: GenericFunction, receiver: list[Expr]) -> Expr:
    bindings: dict[str, Binding] = {}
    skip = len(receiver)
    starred = generic.node.args.vararg
    if starred is not None:
        packed = lists.pack_starred(ctx, node, generic.node, skip)
        _infer_starred(ctx, packed.args[-1], generic, starred, bindings)
    arguments = generic.node.args.args[skip:]
    env = Environment(generic.module, generic.outer)
    given = dict(zip((a.arg for a in arguments), node.args, strict=False)) | {
        k.arg: k.value for k in node.keywords if k.arg
    }
    typed: list[tuple[Type, Expr, ast.expr]] = []
    for argument in arguments:
        value = given.get(argument.arg)
        if value is None or argument.annotation is None:
            continue
        annotation = argument.annotation
        if isinstance(annotation, ast.Subscript) and env.builtin_of(annotation.value) == "const":
            bindings[argument.arg] = evaluate_int(value, ctx.env, f"{argument.arg}, a const parameter,")
            continue
        pattern = resolve_type(annotation, env)
        found = expressions.check_value(ctx, value)
        if isinstance(pattern, AwaitableType):
            found = asynchronous.as_awaitable(ctx, found, value)
        typed.append((pattern, found, value))
    for literals in (False, True):
        for pattern, found, value in typed:
            if isinstance(found, Literal) == literals:
                _infer(pattern, ctx.settle(found, value).type if literals else found.type, bindings)
    missing = [name for name in generic.parameters if name not in bindings]
    if starred is not None and len(missing) == 1:
        bindings[missing[0]] = len(lists.list_elements(ctx, _display_of(packed)))
        missing = []
    if missing:
        raise _not_told(ctx, node, generic, missing, [found for _, found, _ in typed])
    if max(map(nesting, bindings.values()), default=0) > DEEPEST_NESTING:
        raise ctx.error("generic", f"{generic.node.name} asks for instances without end", node)
    check_bounds(ctx, node, generic.module, bindings)
    function = instantiate_function(generic, bindings)
    function.asked_at = function.asked_at or ctx.span(node)
    call = ast.Call(
        func=node.func,
        args=[
            *(a for a, p in zip(node.args, arguments, strict=False) if p.arg not in generic.parameters),
            *(node.args[len(arguments) :] if starred is not None else ()),
        ],
        keywords=[k for k in node.keywords if k.arg not in generic.parameters],
    )
    return calls.call_function(ctx, ast.copy_location(call, node), function, receiver)


def _not_told(
    ctx: Context, node: ast.Call, generic: GenericFunction, missing: list[str], arguments: list[Expr]
) -> CompileError:
    if any(UNKNOWN in str(argument.type) for argument in arguments):
        return ctx.error(REPORTED, "", node)
    names = ", ".join(missing)
    return ctx.error("generic", f"{generic.node.name}: cannot tell {names} from these arguments", node)


def _display_of(packed: ast.Call) -> lists.Display:
    display = packed.args[-1]
    assert isinstance(display, lists.Display)
    return display


def _infer_starred(
    ctx: Context, display: ast.expr, generic: GenericFunction, starred: ast.arg, bindings: dict[str, Binding]
) -> None:
    """What the arguments of a `*` parameter tell: the type of its elements."""
    assert isinstance(display, lists.Display) and starred.annotation is not None
    pattern = resolve_type(starred.annotation, Environment(generic.module, generic.outer))
    found = lists.starred_type(ctx, display, pattern)
    if found is not None:
        _infer(pattern, found, bindings)


def _infer(pattern: Type, found: Type, bindings: dict[str, Binding]) -> None:
    match pattern, found:
        case AwaitableType(result=a), AwaitableType(result=b):
            _infer(a, b, bindings)
        case TypeVariable(name=name), _:
            bindings.setdefault(name, found)
        case StructType(generic=a, arguments=p), StructType(generic=b, arguments=q) if a is b and a is not None:
            for first, second in zip(p, q, strict=True):
                if isinstance(first, TypeVariable):
                    bindings.setdefault(first.name, second)
                elif isinstance(first, Type) and isinstance(second, Type):
                    _infer(first, second, bindings)
        case TupleType(items=p), TupleType(items=q) if len(p) == len(q):
            for first, second in zip(p, q, strict=True):
                _infer(first, second, bindings)
        case PtrType(to=a), PtrType(to=b):
            _infer(a, b, bindings)
        case (SpanType(of=a), SpanType(of=b)) | (AtomicType(of=a), AtomicType(of=b)):
            _infer(a, b, bindings)
        case (ArrayType(of=a), ArrayType(of=b)) | (SpanType(of=a), ArrayType(of=b)):
            _infer(a, b, bindings)
        case FuncType(params=p, result=r), FuncType(params=q, result=s) if len(p) == len(q):
            for a, b in zip((*p, r), (*q, s), strict=True):
                _infer(a, b, bindings)
