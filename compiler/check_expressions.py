"""Type rules of expressions: CPython's tree in, typed tree out.

`check_value` gives a value of the wanted type, `check_place` something with an address, `check_condition` a bool and
what its truth or falsehood tells about optional pointers.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

import compiler.check_calls as calls
from compiler.constant import BINARY
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
    TypedInt,
    TypeSymbol,
)
from compiler.tree import (
    AddressOf,
    Binary,
    Bytes,
    Compare,
    Const,
    Convert,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    FloatConst,
    FunctionRef,
    GlobalPlace,
    Literal,
    Load,
    Local,
    LocalPlace,
    Logic,
    Materialized,
    MemoryPlace,
    Place,
    Select,
    SpanLength,
    SpanMake,
    SubSpan,
    TupleItem,
    TupleMake,
    Unary,
    Zero,
)
from compiler.type_model import (
    BOOL,
    BYTES,
    ERROR,
    F64,
    LITERAL,
    NONE,
    NULL,
    STR,
    U64,
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.Div: "/",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
MEMORY = {"mem8": 8, "mem16": 16, "mem32": 32, "mem64": 64}


@dataclass
class Facts:
    """Optional pointers known not to be None when a condition is true, and when it is false."""

    true: set[Local] = field(default_factory=set)
    false: set[Local] = field(default_factory=set)


def check_value(ctx: Context, node: ast.expr, want: Type | None = None) -> Expr:
    """A value; of type `want` when that is given, else of its own type (possibly a literal without width)."""
    found = _load(ctx, check(ctx, node, want), node)
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


def check_condition(ctx: Context, node: ast.expr) -> tuple[Expr, Facts]:
    match node:
        case ast.BoolOp(op=op, values=[first, *rest]):
            return _check_logic(ctx, node, op, first, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner, facts = check_condition(ctx, operand)
            return Unary(BOOL, ctx.span(node), "not", inner), Facts(facts.false, facts.true)
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            return _check_none_test(ctx, node, left, isinstance(op, ast.Is))
    value = check_value(ctx, node)
    if isinstance(value, Literal) or value.type != BOOL:
        raise _not_a_condition(ctx, value, node) if value.type != ERROR else CompileError("error", "", ctx.span(node))
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
    value = check_value(ctx, left)
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


def check(ctx: Context, node: ast.expr, want: Type | None) -> Expr:
    """A place where the expression denotes one, else a value. `want` only guides, it is not enforced here."""
    span = ctx.span(node)
    match node:
        case ast.Constant(value=value):
            return _check_constant(ctx, node, value)
        case ast.Name():
            return _check_name(ctx, node)
        case ast.Attribute():
            return _check_attribute(ctx, node)
        case ast.Subscript():
            return _check_subscript(ctx, node)
        case ast.Call():
            return calls.check_call(ctx, node, want)
        case ast.BinOp():
            return _check_binary(ctx, node, want)
        case ast.UnaryOp(op=ast.Not()) | ast.BoolOp():
            return check_condition(ctx, node)[0]
        case ast.UnaryOp():
            return _check_unary(ctx, node, want)
        case ast.Compare():
            return _check_compare(ctx, node)
        case ast.IfExp():
            return _check_select(ctx, node, want)
        case ast.Tuple(elts=elts):
            wants = want.items if isinstance(want, TupleType) and len(want.items) == len(elts) else [None] * len(elts)
            items = [ctx.settle(check_value(ctx, e, w), e) for e, w in zip(elts, wants, strict=True)]
            return TupleMake(TupleType(tuple(item.type for item in items)), span, items)
        case ast.JoinedStr():
            raise ctx.error(
                "unsupported", "an f-string needs a function that formats", node, hint="pass the parts one by one"
            )
        case ast.List() | ast.ListComp():
            raise ctx.error(
                "unsupported", "a list is not part of the language", node, hint="use array[T, N]: array(a, b, c)"
            )
    raise ctx.error("unsupported", f"{type(node).__name__} is not part of the language", node)


def _load(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
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
    if kind.is_aggregate:
        raise ctx.error(
            "implicit-copy",
            f"{kind} is not copied silently",
            node,
            hint=f"copy({ast.unparse(node)}) copies it, addr({ast.unparse(node)}) points at it",
        )
    if isinstance(kind, VolatileType):
        return Load(kind.of, expr.span, expr)
    if isinstance(kind, BitsType):
        return Load(kind.value_type, expr.span, expr)
    if isinstance(expr, LocalPlace):
        return ctx.read_local(expr.local, expr.span)
    return Load(kind, expr.span, expr)


def _check_constant(ctx: Context, node: ast.expr, value: object) -> Expr:
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
    raise ctx.error(
        "constant",
        f"a {type(value).__name__} constant cannot be used as a value",
        node,
        hint="index it at compile time",
    )


def _check_name(ctx: Context, node: ast.Name) -> Expr:
    local = ctx.names.get(node.id)
    if local is not None:
        if local.type != ERROR and local not in ctx.flow.assigned:
            where = Label(local.span, "assigned here")
            raise ctx.error(
                "unassigned",
                f"{node.id} may not have a value here",
                node,
                labels=(where,),
                hint="assign it on every path",
            )
        return LocalPlace(local.type, ctx.span(node), local)
    return _check_symbol(ctx, node, ctx.env.lookup(node.id, node))


def _check_symbol(ctx: Context, node: ast.expr, symbol: object) -> Expr:
    span = ctx.span(node)
    match symbol:
        case ConstSymbol(value=value):
            return _check_constant(ctx, node, value)
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
        case EnumSymbol(name=name) | Builtin(name=name):
            raise ctx.error("type", f"{name} is not a value", node)
        case ModuleSymbol(module=module):
            raise ctx.error("type", f"{module.name} is a module, not a value", node)
        case GenericStruct():
            raise ctx.error("type", f"{symbol.node.name} is a type, not a value", node)
    raise ctx.error("type", f"{ast.unparse(node)} is not a value", node)


def _check_attribute(ctx: Context, node: ast.Attribute) -> Expr:
    if isinstance(node.value, ast.Name | ast.Attribute) and not _is_local(ctx, node.value):
        base = ctx.env.symbol_of(node.value)
        if isinstance(base, ModuleSymbol):
            symbol = ctx.env.symbol_of(node)
            return _check_symbol(ctx, node, symbol)
        if isinstance(base, EnumSymbol):
            if node.attr not in base.members:
                raise ctx.error("unknown-name", f"{base.type} has no member {node.attr}", node)
            return Literal(LITERAL, ctx.span(node), base.members[node.attr])
    return check_field(ctx, node)


def _is_local(ctx: Context, node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ctx.names


def check_struct_place(ctx: Context, node: ast.expr) -> Place:
    """The struct that `node` denotes, reached through a pointer if it is one."""
    base = check(ctx, node, None)
    if isinstance(base.type, PtrType):
        pointer = _load(ctx, base, node)
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
    found = base.type.fields.get(node.attr)
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


def _check_subscript(ctx: Context, node: ast.Subscript) -> Expr:
    name = ctx.env.builtin_of(node.value) if isinstance(node.value, ast.Name) and not _is_local(ctx, node.value) else ""
    if name in MEMORY:
        address = check_value(ctx, node.slice, U64)
        return MemoryPlace(VolatileType(IntType(MEMORY[name], False)), ctx.span(node), address)
    if isinstance(node.slice, ast.Slice):
        return _check_slice(ctx, node, node.slice)
    if isinstance(node.value, ast.Name | ast.Attribute) and not _is_local(ctx, node.value):
        symbol = ctx.env.symbol_of(node.value)
        if isinstance(symbol, ConstSymbol):
            from compiler.constant import evaluate

            return _check_constant(ctx, node, evaluate(node, ctx.env))
    base = check(ctx, node.value, None)
    if base.type == ERROR:
        return base
    return check_element(ctx, node, base)


def check_element(ctx: Context, node: ast.Subscript, base: Expr) -> Expr:
    span = ctx.span(node)
    if isinstance(base.type, ArrayType):
        place = base if isinstance(base, Place) else Materialized(base.type, base.span, base)
        index = _check_index(ctx, node.slice)
        if isinstance(index, Const) and not 0 <= index.value < base.type.count:
            raise ctx.error(
                "bounds",
                f"index {index.value} is outside {base.type}",
                node.slice,
                hint="indices from the end are not supported",
            )
        return ElementPlace(base.type.of, span, place, index, True)
    value = _load(ctx, base, node.value)
    match value.type:
        case SpanType(of=of):
            return ElementPlace(of, span, value, _check_index(ctx, node.slice), True)
        case PtrType(optional=True):
            raise ctx.error(
                "optional", f"{ast.unparse(node.value)} may be None here", node, hint="test it with `is not None` first"
            )
        case PtrType(to=ArrayType(of=of) as array):
            return ElementPlace(of, span, Deref(array, span, value), _check_index(ctx, node.slice), True)
        case PtrType(to=to):
            return ElementPlace(to, span, value, _check_index(ctx, node.slice), False)
        case TupleType(items=items):
            index = check_value(ctx, node.slice)
            if not isinstance(index, Literal) or not 0 <= index.value < len(items):
                raise ctx.error(
                    "bounds", f"a tuple of {len(items)} is indexed by a constant below {len(items)}", node.slice
                )
            return TupleItem(items[index.value], span, value, index.value)
        case StrType():
            raise ctx.error("type", "a str has no elements here", node, hint="use .encode() to get its bytes")
    raise ctx.error("type", f"{value.type} cannot be indexed", node, here=str(value.type))


def _check_index(ctx: Context, node: ast.expr) -> Expr:
    """An index of any integer width, widened to 64 bits; a negative one becomes huge, and the bounds check sees it."""
    index = check_value(ctx, node)
    if isinstance(index, Literal):
        return ctx.coerce(index, U64, node)
    if isinstance(index.type, EnumType):
        index = Convert(index.type.of, index.span, index)
    if not isinstance(index.type, IntType):
        raise ctx.error("type", f"an index is an integer, not {index.type}", node)
    return index if index.type == U64 else Convert(U64, index.span, index)


def as_span(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
    """An array, span or bytes as a span value."""
    if isinstance(expr.type, PtrType) and isinstance(expr.type.to, ArrayType):
        expr = Deref(expr.type.to, expr.span, _load(ctx, expr, node))
    if isinstance(expr.type, ArrayType):
        place = expr if isinstance(expr, Place) else Materialized(expr.type, expr.span, expr)
        first = AddressOf(PtrType(expr.type.of), expr.span, place)
        return SpanMake(SpanType(expr.type.of), expr.span, first, Const(U64, expr.span, expr.type.count))
    value = _load(ctx, expr, node)
    if isinstance(value.type, SpanType | StrType):
        return value
    raise ctx.error("type", f"{value.type} has no elements", node, here=str(value.type))


def _check_slice(ctx: Context, node: ast.Subscript, bounds: ast.Slice) -> Expr:
    if bounds.step is not None:
        raise ctx.error("unsupported", "a slice with a step is not part of the language", node)
    base = check(ctx, node.value, None)
    if isinstance(base.type, PtrType) and not isinstance(base.type.to, ArrayType):
        raise ctx.error("type", "a raw pointer has no length", node, hint="make a span first: span(p, n)")
    whole = as_span(ctx, base, node.value)
    if bounds.lower is None and bounds.upper is None:
        return whole
    low = _check_index(ctx, bounds.lower) if bounds.lower else Const(U64, ctx.span(node), 0)
    high = _check_index(ctx, bounds.upper) if bounds.upper else None
    return SubSpan(whole.type, ctx.span(node), whole, low, high)


def unify(
    ctx: Context, left: Expr, right: Expr, node: ast.AST, nodes: tuple[ast.expr, ast.expr], what: str
) -> tuple[Expr, Expr]:
    """Two operands as values of one type: a literal takes its partner's, None a pointer's."""
    if isinstance(left, Literal) and not isinstance(right, Literal):
        return ctx.coerce(left, right.type, nodes[0]), right
    if isinstance(right, Literal) and not isinstance(left, Literal):
        return left, ctx.coerce(right, left.type, nodes[1])
    if left.type == right.type or ERROR in (left.type, right.type):
        return left, right
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
    labels = (Label(ctx.span(nodes[1]), str(right.type)),)
    return CompileError(
        "width-mismatch",
        f"{left.type} and {right.type} do not mix in {what}",
        ctx.span(nodes[0]),
        here=str(left.type),
        hint=hint,
        labels=labels,
    )


def _check_binary(ctx: Context, node: ast.BinOp, want: Type | None) -> Expr:
    guide = want if isinstance(want, IntType | FloatType) else None
    left = check_value(ctx, node.left) if guide is None else _load(ctx, check(ctx, node.left, guide), node.left)
    right = _load(ctx, check(ctx, node.right, guide), node.right)
    return combine(ctx, node, node.op, left, right, (node.left, node.right))


def combine(
    ctx: Context, node: ast.AST, op: ast.operator, left: Expr, right: Expr, nodes: tuple[ast.expr, ast.expr]
) -> Expr:
    name = OPERATORS[type(op)]
    span = ctx.span(node)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return _fold(ctx, node, op, left, right)
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
    return Binary(kind, span, name, left, right)


def _no_arithmetic(ctx: Context, kind: Type, name: str, node: ast.AST) -> CompileError:
    hint = ""
    if isinstance(kind, PtrType):
        hint = "index the pointer, addr(p[i]), or compute with u64(p)"
    elif isinstance(kind, EnumType):
        hint = f"convert first: {kind.of}(...)"
    elif isinstance(kind, StrType | SpanType):
        hint = "copy the parts into an array"
    elif isinstance(kind, IntType):
        hint = "integers divide with //"
    return ctx.error("operator", f"{kind} has no {name}", node, here=str(kind), hint=hint)


def _fold(ctx: Context, node: ast.AST, op: ast.operator, left: Literal, right: Literal) -> Expr:
    if isinstance(op, ast.LShift) and right.value > 4096:
        raise ctx.error("constant", "a constant may not be shifted that far", node)
    try:
        return Literal(LITERAL, ctx.span(node), int(BINARY[type(op)](left.value, right.value)))
    except ZeroDivisionError:
        raise ctx.error("division", "division by zero", node) from None
    except ValueError as error:
        raise ctx.error("constant", str(error), node) from None


def _check_unary(ctx: Context, node: ast.UnaryOp, want: Type | None) -> Expr:
    operand = _load(ctx, check(ctx, node.operand, want), node.operand)
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


def _check_compare(ctx: Context, node: ast.Compare) -> Expr:
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
    left, right = check_value(ctx, left_node), check_value(ctx, right_node)
    if isinstance(left, Literal) and isinstance(right, Literal):
        from compiler.constant import COMPARE

        return Const(BOOL, ctx.span(node), int(COMPARE[type(op)](left.value, right.value)))
    if _is_none(right_node) or _is_none(left_node):
        raise ctx.error("operator", "compare with None by `is`", node, hint=f"{ast.unparse(left_node)} is None")
    left, right = unify(ctx, left, right, node, (left_node, right_node), name)
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


def _check_select(ctx: Context, node: ast.IfExp, want: Type | None) -> Expr:
    test, facts = check_condition(ctx, node.test)
    before = ctx.flow
    ctx.flow = before.copy()
    ctx.flow.present |= facts.true
    body = check_value(ctx, node.body, want)
    ctx.flow = before.copy()
    ctx.flow.present |= facts.false
    orelse = check_value(ctx, node.orelse, want)
    ctx.flow = before
    if isinstance(body, Literal) and isinstance(orelse, Literal):
        body, orelse = ctx.settle(body, node.body), ctx.settle(orelse, node.orelse)
    body, orelse = unify(ctx, body, orelse, node, (node.body, node.orelse), "if-else")
    if body.type == NONE:
        raise ctx.error("type", "both sides of if-else need a value", node)
    return Select(body.type, ctx.span(node), test, body, orelse)


def length(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
    if isinstance(expr.type, PtrType) and isinstance(expr.type.to, ArrayType):
        return Const(U64, ctx.span(node), expr.type.to.count)
    if isinstance(expr.type, ArrayType):
        return Const(U64, ctx.span(node), expr.type.count)
    value = _load(ctx, expr, node)
    if isinstance(value, Bytes):
        return Const(U64, ctx.span(node), len(value.value))
    if isinstance(value.type, SpanType | StrType):
        return SpanLength(U64, ctx.span(node), value)
    raise ctx.error("type", f"{value.type} has no length", node, here=str(value.type))


def load(ctx: Context, expr: Expr, node: ast.expr) -> Expr:
    """The value at a place, or the value itself."""
    return _load(ctx, expr, node)
