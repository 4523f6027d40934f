"""Type rules of values made for a type: struct construction, initialisers, conversions."""

from __future__ import annotations

import ast

import compiler.check_expressions as expressions
from compiler.context import Context
from compiler.environment import Environment
from compiler.tree import (
    Const,
    Convert,
    Expr,
    FloatConst,
    Literal,
    Place,
    Select,
    StructMake,
)
from compiler.type_model import (
    BOOL,
    ERROR,
    LITERAL,
    STR,
    U64,
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    EnumType,
    Field,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
    divides_wide,
)


def make_struct(ctx: Context, node: ast.Call, struct: StructType) -> Expr:
    fields = list(struct.fields.values())
    if len(node.args) > len(fields):
        raise ctx.error("arguments", f"{struct} has {len(fields)} fields, {len(node.args)} values given", node)
    given: dict[str, ast.expr] = {f.name: a for f, a in zip(fields, node.args, strict=False)}
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg not in struct.fields:
            raise ctx.error(
                "unknown-field",
                f"{struct} has no field {keyword.arg}",
                keyword,
                hint=f"its fields: {', '.join(struct.fields)}",
            )
        if keyword.arg in given:
            raise ctx.error("arguments", f"{keyword.arg} is given twice", keyword)
        given[keyword.arg] = keyword.value
    values = [(struct.fields[name], check_field_value(ctx, struct.fields[name], item)) for name, item in given.items()]
    for field in fields:
        if field.name not in given and isinstance(field.default, ast.expr):
            assert isinstance(field.home, Environment)
            values.append((field, check_field_value(Context(field.home, ctx.diagnostics), field, field.default)))
    return StructMake(struct, ctx.span(node), values)


def check_field_value(ctx: Context, field: Field, node: ast.expr) -> Expr:
    return check_initializer(ctx, field.type, node)


def check_initializer(ctx: Context, kind: Type, node: ast.expr) -> Expr:
    """A value to be stored where a `kind` lives: aggregates are made in place."""
    if isinstance(kind, AtomicType | VolatileType):
        kind = kind.of
    if isinstance(kind, BitsType):
        return expressions.check_value(ctx, node, kind.value_type)
    if kind.is_aggregate:
        value = expressions.check(ctx, node, kind)
        if isinstance(value, Place):
            value = expressions.load(ctx, value, node)  # refuses with the hint to copy
        if value.type not in (kind, ERROR):
            raise ctx.error("type-mismatch", f"this is {value.type}, but {kind} is needed", node, here=str(value.type))
        return value
    return expressions.check_value(ctx, node, kind)


def check_conversion(ctx: Context, node: ast.Call, kind: Type) -> Expr:
    if len(node.args) != 1 or node.keywords:
        raise ctx.error("arguments", f"{kind}(x) converts one value", node)
    if isinstance(kind, ArrayType | SpanType | TupleType | AtomicType) or kind == STR:
        raise ctx.error(
            "conversion",
            f"nothing converts to {kind}",
            node,
            hint="span(p, n) makes a span" if isinstance(kind, SpanType) else "",
        )
    value = expressions.check_value(ctx, node.args[0])
    span = ctx.span(node)
    if value.type == ERROR:
        return value
    if isinstance(value, Select) and value.type == LITERAL:
        return ctx.coerce(value, kind, node.args[0])
    if isinstance(value, Literal):
        if isinstance(kind, PtrType):
            if value.value == 0:
                raise ctx.error("null", "a pointer is never 0", node, hint="use ptr[T] | None, and None")
            return Convert(kind, span, Const(U64, span, value.value))
        return ctx.coerce(value, kind, node.args[0])
    if isinstance(value, FloatConst) and isinstance(kind, FloatType):
        return FloatConst(kind, span, value.value)
    if not _converts(value.type, kind):
        hint = _conversion_hint(ast.unparse(node.args[0]), value.type, kind)
        raise ctx.error("conversion", f"{value.type} does not convert to {kind}", node, hint=hint)
    return Convert(kind, span, value)


def _conversion_hint(text: str, source: Type, target: Type) -> str:
    if target == BOOL:
        return f"write {text} != 0"
    if isinstance(target, PtrType) and isinstance(source, IntType):
        return f"an address is a u64: write {target}(u64({text}))"
    if isinstance(source, PtrType) and isinstance(target, IntType):
        return f"an address is a u64: write {target}(u64({text}))"
    if any(isinstance(t, FloatType) for t in (source, target)):
        return "by way of 64 bits"
    if source == STR:
        return "read the digits in a loop"
    return ""


def _converts(source: Type, target: Type) -> bool:
    numbers = IntType | FloatType | BoolType | EnumType
    if any(map(divides_wide, (source, target))) and any(isinstance(t, FloatType) for t in (source, target)):
        return False
    if isinstance(source, numbers) and isinstance(target, IntType | FloatType):
        return True
    if isinstance(source, IntType) and isinstance(target, EnumType):
        return True
    if isinstance(source, PtrType | FuncType) and target == U64:
        return True
    if isinstance(target, PtrType):
        return isinstance(source, PtrType | FuncType) or source == U64
    if isinstance(target, FuncType):
        return source == U64 or isinstance(source, PtrType)
    return source == target
