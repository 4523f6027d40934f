"""The state of checking one function: its locals, and what is known at the present point of its flow.

`Flow` holds which locals are assigned on every path that leads here and which optional pointers are known not to be
None; branches copy it, joins keep what all reachable branches agree on.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from compiler.environment import Environment
from compiler.errors import CompileError, Diagnostics, Label
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import Body, Const, Expr, FloatConst, Literal, Load, Local, LocalPlace, Select
from compiler.type_model import (
    BOOL,
    BYTES,
    ERROR,
    I64,
    LITERAL,
    NULL,
    STR,
    U64,
    ArrayType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)


@dataclass
class Flow:
    assigned: set[Local] = field(default_factory=set)
    present: set[Local] = field(default_factory=set)  # optional pointers known not to be None
    reachable: bool = True

    def copy(self) -> Flow:
        return Flow(set(self.assigned), set(self.present), self.reachable)


def join(flows: list[Flow]) -> Flow:
    live = [flow for flow in flows if flow.reachable]
    if not live:
        return Flow(set.intersection(*(f.assigned for f in flows)), set(), False) if flows else Flow(reachable=False)
    return Flow(set.intersection(*(f.assigned for f in live)), set.intersection(*(f.present for f in live)), True)


@dataclass
class Loop:
    breaks: list[Flow] = field(default_factory=list)


@dataclass
class Context:
    env: Environment
    diagnostics: Diagnostics
    function: Function | None = None  # None while an initialiser of module data is checked
    body: Body | None = None
    names: dict[str, Local] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    flow: Flow = field(default_factory=Flow)
    loops: list[Loop] = field(default_factory=list)
    handling: int = 0  # how many except blocks surround the present point
    markers: dict[Local, Local] = field(default_factory=dict)  # by outcome: "present" where it is an exception

    def span(self, node: ast.AST) -> Span:
        return self.env.span(node)

    def error(
        self, code: str, message: str, node: ast.AST, *, here: str = "", hint: str = "", labels: tuple[Label, ...] = ()
    ) -> CompileError:
        return CompileError(code, message, self.span(node), here=here, hint=hint, labels=labels)

    def new_local(self, name: str, kind: Type, span: Span) -> Local:
        """A local of the function; a name with a dot is the compiler's own and not visible to the source."""
        local = Local(name, kind, span)
        if self.body is not None:
            self.body.locals.append(local)
        return local

    def temporary(self, kind: Type, span: Span) -> Local:
        assert self.body is not None
        return self.new_local(f".{len(self.body.locals)}", kind, span)

    def exceptional(self, local: Local) -> Local:
        """In `flow.present` where an outcome is known to be an exception; the outcome itself is, where it is none."""
        return self.markers.setdefault(local, Local(f"{local.name}.exception", local.type, local.span))

    def forget(self, local: Local) -> None:
        """It is assigned, or may be: what was known of it is not any more."""
        self.flow.present -= {local, self.exceptional(local)}

    def read_local(self, local: Local, span: Span) -> Expr:
        kind = local.type
        if isinstance(kind, PtrType) and kind.optional and local in self.flow.present:
            kind = PtrType(kind.to)
        return Load(kind, span, LocalPlace(local.type, span, local))

    # Conversions that need no call: literals take a width, None and pointers become optional.

    def coerce(self, expr: Expr, want: Type, node: ast.AST, *, why: str = "") -> Expr:
        """`expr` as a value of `want`, or the error that says why it is not one."""
        if isinstance(want, VolatileType):
            want = want.of
        if expr.type == want or expr.type == ERROR or want == ERROR:
            return expr
        if isinstance(expr, Select) and expr.type == LITERAL:
            body, orelse = self.coerce(expr.body, want, node), self.coerce(expr.orelse, want, node)
            return Select(want, expr.span, expr.test, body, orelse)
        if isinstance(expr, Literal):
            return self._coerce_literal(expr, want, node)
        if isinstance(expr, FloatConst) and isinstance(want, FloatType):
            return FloatConst(want, expr.span, expr.value)
        if expr.type == NULL and isinstance(want, PtrType) and want.optional:
            return Const(want, expr.span, 0)
        if isinstance(want, PtrType) and isinstance(expr.type, PtrType) and expr.type.to == want.to and want.optional:
            expr.type = want
            return expr
        raise self._mismatch(expr, want, node, why)

    def _coerce_literal(self, literal: Literal, want: Type, node: ast.AST) -> Expr:
        if isinstance(want, FloatType):
            return FloatConst(want, literal.span, float(literal.value))
        target = want.of if isinstance(want, EnumType) else want
        if not isinstance(target, IntType):
            raise self._mismatch(literal, want, node, "")
        if not target.holds(literal.value):
            raise self.error(
                "literal-range",
                f"{literal.value} does not fit {want}",
                node,
                here=f"{want} holds {target.minimum} to {target.maximum}",
                hint=_wider(literal.value, target),
            )
        if isinstance(want, EnumType) and not want.holds(literal.value):
            raise self.error(
                "literal-range", f"{literal.value} is no member of {want}", node, hint=f"write {want}.NAME"
            )
        return Const(want, literal.span, literal.value)

    def _mismatch(self, expr: Expr, want: Type, node: ast.AST, why: str) -> CompileError:
        found = expr.type
        hint = ""
        if isinstance(found, IntType) and isinstance(want, IntType):
            hint = _converted(found, want, node)
        elif isinstance(found, FloatType) and isinstance(want, IntType):
            divides = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            hint = "integers divide with //" if divides else f"write {want}({ast.unparse(node)}), which cuts it off"
        elif want == BOOL and isinstance(found, IntType):
            hint = f"write {ast.unparse(node)} != 0"
        elif want == BOOL and isinstance(found, PtrType):
            hint = f"write {ast.unparse(node)} is not None"
        elif isinstance(found, PtrType) and found.optional and isinstance(want, PtrType) and found.to == want.to:
            hint = "test it with `is not None` first; keep it in a local so that the test counts"
        elif isinstance(want, PtrType) and want.to == found:
            hint = f"write addr({ast.unparse(node)})"
        elif found == NULL and not isinstance(want, PtrType):
            hint = "only pointers can be None"
        elif found == NULL and isinstance(want, PtrType):
            hint = f"only {want} | None can be None"
        elif isinstance(found, PtrType) and found.to == want and want.is_aggregate:
            hint = f"write copy({ast.unparse(node)}[0])"
        elif found == STR and want == BYTES:
            literal = isinstance(node, ast.Constant)
            hint = f"write b{ast.unparse(node)}" if literal else f"write {ast.unparse(node)}.encode()"
        elif found == U64 and isinstance(want, PtrType):
            hint = f"write {_plain(want)}({ast.unparse(node)}) if it is an address"
        elif isinstance(found, PtrType) and want == U64:
            hint = f"write u64({ast.unparse(node)}) for its address"
        elif isinstance(found, FuncType) and found.result == want:
            hint = f"call it: {ast.unparse(node)}({', '.join('...' for _ in found.params)})"
        elif isinstance(found, TupleType) and not isinstance(want, TupleType):
            hint = "unpack it first: a, b = ..."
        elif isinstance(found, ArrayType) and want == SpanType(found.of):
            hint = f"write {ast.unparse(node)}[:]"
        elif isinstance(found, PtrType) and isinstance(want, PtrType):
            hint = f"write {_plain(want)}({ast.unparse(node)}) if the memory really holds that"
        if isinstance(found, TupleType) and isinstance(want, TupleType) and len(found.items) != len(want.items):
            return self.error("type-mismatch", f"{len(found.items)} values, but {len(want.items)} are needed", node)
        message = f"this is {_article(found)}, but {_article(want)} is needed" + (f" {why}" if why else "")
        return self.error("type-mismatch", message, node, here=str(found), hint=hint)

    def settle(self, expr: Expr, node: ast.AST) -> Expr:
        """A literal that met no width is an `int`."""
        return self.coerce(expr, I64, node) if expr.type == LITERAL else expr


def _converted(found: IntType, want: IntType, node: ast.AST) -> str:
    """How to get another width: by operands where the result would have lost bits before it is widened."""
    match node:
        case ast.BinOp(left=left) if want.bits > found.bits:
            return f"convert before computing: {want}({ast.unparse(left)})"
        case ast.expr():
            return f"write {want}({ast.unparse(node)})"
    return f"convert with {want}(...)"


def _plain(kind: PtrType) -> str:
    return f"ptr[{kind.to}]"


def _article(kind: Type) -> str:
    text = str(kind)
    if kind in (NULL, LITERAL):
        return "None" if kind == NULL else "an integer literal"
    return ("an " if text[0] in "aeiof" and not isinstance(kind, StructType) else "a ") + text


def _wider(value: int, target: IntType) -> str:
    if value < 0 and not target.signed:
        return f"{target} has no negative values; use i{target.bits} where they can occur"
    for bits in (8, 16, 32, 64):
        if value >= 0 and value < 1 << bits:
            return f"u{bits} would hold it"
        if value < 0 and value >= -(1 << (bits - 1)):
            return f"i{bits} would hold it"
    return "split it into two 64-bit words"
