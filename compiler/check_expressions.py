"""Type rules of expressions: CPython's tree in, typed tree out. Names, constants, fields; the rest by kind elsewhere.

`check_value` gives a value of the wanted type, `check_place` something with an address, `check` either of them.
"""

from __future__ import annotations

import ast
import builtins
import difflib

import compiler.check_async as asynchronous
import compiler.check_calls as calls
import compiler.check_conditions as conditions
import compiler.check_elements as elements
import compiler.check_lists as lists
import compiler.check_operators as operators
import compiler.check_outcomes as outcomes
from compiler.context import Context
from compiler.errors import CompileError, Label
from compiler.symbols import (
    Builtin,
    ConstSymbol,
    EnumSymbol,
    Function,
    GenericFunction,
    GenericStruct,
    GlobalVar,
    ModuleSymbol,
    Symbol,
    TypedInt,
    TypeSymbol,
)
from compiler.tree import (
    Bytes,
    Const,
    Deref,
    Expr,
    FieldPlace,
    FloatConst,
    FunctionRef,
    GlobalPlace,
    Literal,
    Load,
    Local,
    LocalPlace,
    Materialized,
    Place,
    TupleMake,
)
from compiler.type_model import (
    BOOL,
    BYTES,
    ERROR,
    F64,
    LITERAL,
    NULL,
    STR,
    ArrayType,
    AtomicType,
    AwaitableType,
    BitsType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)


def check_value(ctx: Context, node: ast.expr, want: Type | None = None) -> Expr:
    """A value; of type `want` when that is given, else of its own type (possibly a literal without width)."""
    found = load(ctx, check(ctx, node, want), node, want)
    if isinstance(want, AwaitableType):
        found = asynchronous.as_awaitable(ctx, found, node)
    return found if want is None else ctx.coerce(found, want, node)


def check_settled(ctx: Context, node: ast.expr) -> Expr:
    """A value whose type is known: a bare literal becomes an `int`."""
    return ctx.settle(check_value(ctx, node), node)


def check_place(ctx: Context, node: ast.expr) -> Place:
    found = check(ctx, node, None)
    if isinstance(found, Place):
        return found
    if found.type.is_aggregate:
        return Materialized(found.type, found.span, found)
    raise ctx.error("address", "this value has no address", node, hint="give it a name first")


def check(ctx: Context, node: ast.expr, want: Type | None) -> Expr:
    """A place where the expression denotes one, else a value. `want` only guides, it is not enforced here."""
    span = ctx.span(node)
    match node:
        case ast.Constant(value=value):
            return check_constant(ctx, node, value)
        case ast.Name():
            return _check_name(ctx, node)
        case ast.Attribute():
            return _check_attribute(ctx, node)
        case ast.Subscript():
            return elements.check_subscript(ctx, node)
        case ast.Call():
            return calls.check_call(ctx, node, want)
        case ast.BinOp():
            return operators.check_binary(ctx, node, want)
        case ast.UnaryOp(op=ast.Not()) | ast.BoolOp():
            return conditions.check_condition(ctx, node)[0]
        case ast.UnaryOp():
            return operators.check_unary(ctx, node, want)
        case ast.Compare():
            return conditions.check_compare(ctx, node)
        case ast.IfExp():
            return conditions.check_select(ctx, node, want)
        case ast.Tuple(elts=elts):
            wants = want.items if isinstance(want, TupleType) and len(want.items) == len(elts) else [None] * len(elts)
            items = [ctx.settle(check_value(ctx, e, w), e) for e, w in zip(elts, wants, strict=True)]
            for item, element in zip(items, elts, strict=True):
                if item.type.is_aggregate:
                    hint = "assign one by one, or pass its address"
                    raise ctx.error("type", f"{item.type} cannot be part of a tuple", element, hint=hint)
            return TupleMake(TupleType(tuple(item.type for item in items)), span, items)
        case ast.Starred():
            raise ctx.error("unsupported", "* is not part of the language", node, hint="write each element")
        case ast.Await(value=value):
            return asynchronous.check_await(ctx, node, value)
        case ast.JoinedStr():
            raise ctx.error(
                "unsupported", "an f-string needs a function that formats", node, hint="pass the parts one by one"
            )
        case ast.List() | ast.Set() | ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return lists.check_display(ctx, node, want)
    raise ctx.error("unsupported", f"{type(node).__name__} is not part of the language", node)


def load(ctx: Context, expr: Expr, node: ast.expr, want: Type | None = None) -> Expr:
    """The value at a place, or the value itself; `want` only sharpens the message."""
    if not isinstance(expr, Place):
        return expr
    kind = expr.type
    if isinstance(kind, AtomicType):
        raise ctx.error(
            "atomic",
            "an atomic is read with its order in sight",
            node,
            hint=f'write {ast.unparse(node)}.load("acquire")',
        )
    if isinstance(kind, ArrayType) and isinstance(want, SpanType):
        return ctx.coerce(Load(kind, expr.span, expr), want, node)
    if kind.is_aggregate:
        text = ast.unparse(node)
        points = f"{text}[:] refers to it" if isinstance(kind, ArrayType) else f"addr({text}) points at it"
        raise ctx.error(
            "implicit-copy", f"{kind} is not copied silently", node, hint=f"copy({text}) copies it, {points}"
        )
    if isinstance(kind, VolatileType):
        return Load(kind.of, expr.span, expr)
    if isinstance(kind, BitsType):
        return Load(kind.value_type, expr.span, expr)
    if isinstance(expr, LocalPlace):
        return ctx.read_local(expr.local, expr.span)
    return Load(kind, expr.span, expr)


def check_constant(ctx: Context, node: ast.expr, value: object) -> Expr:
    span = ctx.span(node)
    match value:
        case bool():
            return Const(BOOL, span, int(value))
        case TypedInt():
            return Const(value.type, span, int(value))
        case int():
            return Literal(LITERAL, span, value)
        case float():
            return FloatConst(F64, span, value)
        case str():
            return Bytes(STR, span, value.encode())
        case bytes():
            return Bytes(BYTES, span, value)
        case None:
            return Const(NULL, span, 0)
        case builtins.Ellipsis:
            raise ctx.error("unsupported", "... is not a value", node)
    raise ctx.error(
        "constant",
        f"a {type(value).__name__} constant cannot be used as a value",
        node,
        hint="index it at compile time",
    )


def _check_name(ctx: Context, node: ast.Name) -> Expr:
    local = local_of(ctx, node)
    if local is not None:
        return outcomes.narrowed(ctx, node, local) or LocalPlace(local.type, ctx.span(node), local)
    return _check_symbol(ctx, node, look_up(ctx, node))


def local_of(ctx: Context, node: ast.Name) -> Local | None:
    """The local that a name stands for, which has a value; None when it is no local's."""
    local = ctx.names.get(node.id)
    if local is not None and local.type != ERROR and local not in ctx.flow.assigned:
        where = Label(local.span, "assigned here")
        raise ctx.error(
            "unassigned",
            f"{node.id} may not have a value here",
            node,
            labels=(where,),
            hint="assign it on every path",
        )
    return local


def look_up(ctx: Context, node: ast.Name) -> Symbol:
    """What a name that is no local stands for; the error for an unknown one knows the locals."""
    try:
        return ctx.env.lookup(node.id, node)
    except CompileError as error:
        near = difflib.get_close_matches(node.id, ctx.names, 1)
        if error.diagnostic.code == "unknown-name" and not error.diagnostic.hint and near:
            raise ctx.error("unknown-name", error.diagnostic.message, node, hint=f"did you mean {near[0]}?") from None
        raise


def _check_symbol(ctx: Context, node: ast.expr, symbol: object) -> Expr:
    span = ctx.span(node)
    match symbol:
        case ConstSymbol(value=value):
            return check_constant(ctx, node, value)
        case GlobalVar(type=kind):
            return GlobalPlace(kind, span, symbol)
        case Function():
            return FunctionRef(symbol.type, span, symbol)
        case GenericFunction():
            raise ctx.error(
                "type", f"{symbol.node.name} is generic: call it, or name an instance by calling it in a function", node
            )
        case TypeSymbol(type=kind):
            raise ctx.error("type", f"{kind} is a type, not a value", node)
        case EnumSymbol():
            raise ctx.error("type", f"{symbol.type} is a type, not a value", node, hint=_members(symbol))
        case Builtin(name=name):
            raise ctx.error("type", f"{name} is not a value", node)
        case ModuleSymbol(module=module):
            raise ctx.error("type", f"{module.name} is a module, not a value", node)
        case GenericStruct():
            raise ctx.error("type", f"{symbol.node.name} is a type, not a value", node)
    raise ctx.error("type", f"{ast.unparse(node)} is not a value", node)


def _check_attribute(ctx: Context, node: ast.Attribute) -> Expr:
    if isinstance(node.value, ast.Name | ast.Attribute) and not is_local(ctx, node.value):
        base = ctx.env.symbol_of(node.value)
        if isinstance(base, ModuleSymbol):
            symbol = ctx.env.symbol_of(node)
            return _check_symbol(ctx, node, symbol)
        if isinstance(base, EnumSymbol):
            if node.attr not in base.members:
                raise ctx.error("unknown-name", f"{base.type} has no member {node.attr}", node, hint=_members(base))
            return Literal(LITERAL, ctx.span(node), base.members[node.attr])
    return check_field(ctx, node)


def _members(symbol: EnumSymbol) -> str:
    return f"its members: {', '.join(symbol.members)}"


def is_local(ctx: Context, node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ctx.names


def check_struct_place(ctx: Context, node: ast.expr) -> Place:
    """The struct that `node` denotes, reached through a pointer if it is one."""
    base = check(ctx, node, None)
    if isinstance(base.type, PtrType):
        pointer = load(ctx, base, node)
        assert isinstance(pointer.type, PtrType)
        if pointer.type.optional:
            raise ctx.error(
                "optional",
                f"{ast.unparse(node)} may be None here",
                node,
                hint=f"test it first: if {ast.unparse(node)} is not None (in a local, so that the test counts)",
            )
        return Deref(pointer.type.to, ctx.span(node), pointer)
    if isinstance(base, Place):
        return base
    return Materialized(base.type, base.span, base)


def check_field(ctx: Context, node: ast.Attribute) -> Expr:
    base = check_struct_place(ctx, node.value)
    if base.type == ERROR:
        return base
    if not isinstance(base.type, StructType):
        raise ctx.error("unknown-field", f"{base.type} has no attribute {node.attr}", node, here=str(base.type))
    found = base.type.fields.get(node.attr) or base.type.nothings.get(node.attr)
    if found is None:
        known = ", ".join(base.type.fields)
        if node.attr in base.type.methods:
            raise ctx.error(
                "method", f"{node.attr} is a method of {base.type}", node, hint=f"call it: {ast.unparse(node)}()"
            )
        raise ctx.error(
            "unknown-field", f"{base.type} has no field {node.attr}", node, hint=f"its fields: {known}" if known else ""
        )
    return FieldPlace(found.type, ctx.span(node), base, found)
