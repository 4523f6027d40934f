"""The typed tree: what the checker makes and the emitter reads.

Every expression carries its type and its span; no name is left to look up, no conversion is implied. A `Place` is an
expression that has an address; reading a scalar from one is a `Load`. Aggregates (structs, arrays) are made straight
into a destination.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.source import Span
from compiler.symbols import ExceptionSymbol, Function, GlobalVar
from compiler.type_model import Field, Type


@dataclass(slots=True)
class Expr:
    type: Type
    span: Span


class Place(Expr):
    __slots__ = ()


@dataclass(eq=False)
class Local:
    """A parameter, a variable, or a value the compiler keeps; `span` is where it was first assigned."""

    name: str
    type: Type
    span: Span
    argument: int = -1  # position among the parameters


# Places


@dataclass(slots=True)
class LocalPlace(Place):
    local: Local


@dataclass(slots=True)
class GlobalPlace(Place):
    data: GlobalVar


@dataclass(slots=True)
class Deref(Place):
    pointer: Expr


@dataclass(slots=True)
class FieldPlace(Place):
    base: Place
    field: Field


@dataclass(slots=True)
class ElementPlace(Place):
    """`base[index]`: base is an array place (checked), a span value (checked) or a pointer value (raw)."""

    base: Expr
    index: Expr
    checked: bool


@dataclass(slots=True)
class MemoryPlace(Place):
    """mem8[a]..mem64[a]: volatile memory at a numeric address."""

    address: Expr


@dataclass(slots=True)
class Materialized(Place):
    """An aggregate value given a place on the stack."""

    value: Expr


# Values


@dataclass(slots=True)
class Literal(Expr):
    """An integer without a width; never reaches the emitter."""

    value: int


@dataclass(slots=True)
class Const(Expr):
    """A constant of an integer, enum, bool or pointer type (None is 0)."""

    value: int


@dataclass(slots=True)
class FloatConst(Expr):
    value: float


@dataclass(slots=True)
class Bytes(Expr):
    """A `str` or `bytes` literal: a static slice."""

    value: bytes


@dataclass(slots=True)
class FunctionRef(Expr):
    function: Function


@dataclass(slots=True)
class Load(Expr):
    place: Place


@dataclass(slots=True)
class AddressOf(Expr):
    place: Place


@dataclass(slots=True)
class Binary(Expr):
    """`operator`: + - * // % & | ^ << >>, or wrap+ wrap- wrap*."""

    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Unary(Expr):
    """`operator`: - ~ not wrap-."""

    operator: str
    operand: Expr


@dataclass(slots=True)
class Compare(Expr):
    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Logic(Expr):
    """Short-circuit `and` or `or` of two bools."""

    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Select(Expr):
    test: Expr
    body: Expr
    orelse: Expr


@dataclass(slots=True)
class Convert(Expr):
    operand: Expr


@dataclass(slots=True)
class Call(Expr):
    """`order`: positions of the arguments as they are evaluated, where that is not from first to last."""

    function: Function
    arguments: list[Expr]
    order: tuple[int, ...] = ()


@dataclass(slots=True)
class IndirectCall(Expr):
    target: Expr
    arguments: list[Expr]


@dataclass(slots=True)
class Intrinsic(Expr):
    """A built-in operation of the emitter, by name; `kind` carries a constant such as a memory order."""

    name: str
    arguments: list[Expr]
    kind: str = ""


@dataclass(slots=True)
class AtomicOperation(Expr):
    """load, store, exchange, fetch_*, cas, compare_exchange on an atomic place."""

    name: str
    place: Place
    arguments: list[Expr]
    order: str


@dataclass(slots=True)
class TupleMake(Expr):
    items: list[Expr]


@dataclass(slots=True)
class TupleItem(Expr):
    operand: Expr
    index: int


@dataclass(slots=True)
class SpanMake(Expr):
    pointer: Expr
    count: Expr


@dataclass(slots=True)
class SpanLength(Expr):
    operand: Expr


@dataclass(slots=True)
class SubSpan(Expr):
    """`operand[low:high]`, checked; operand is a span or str value."""

    operand: Expr
    low: Expr
    high: Expr | None


@dataclass(slots=True)
class StructMake(Expr):
    """Fields not named are zero."""

    values: list[tuple[Field, Expr]]


@dataclass(slots=True)
class ArrayMake(Expr):
    items: list[Expr]


@dataclass(slots=True)
class Zero(Expr):
    pass


@dataclass(slots=True)
class Copy(Expr):
    place: Place


@dataclass(slots=True)
class Keep(Expr):
    """A value that is also kept in a local, because it is used again and must be computed once."""

    local: Local
    value: Expr


@dataclass(slots=True)
class Format(Expr):
    """An f-string: `made` is stored at `place`, `calls` add the text, the value is the place's address."""

    place: Place
    made: Expr
    calls: list[Expr]


@dataclass(slots=True)
class Await(Expr):
    """Runs a coroutine to its end; the result is its own. An exception it leaves with goes on here."""

    coroutine: Expr


@dataclass(slots=True)
class Suspend(Expr):
    """Gives the CPU back to whoever resumed the task; continues when the task is resumed."""


# Statements


@dataclass(slots=True)
class Statement:
    span: Span


@dataclass(slots=True)
class Assign(Statement):
    place: Place
    value: Expr


@dataclass(slots=True)
class Evaluate(Statement):
    value: Expr


@dataclass(slots=True)
class Unpack(Statement):
    """A tuple taken apart into places."""

    value: Expr
    places: list[Place | None]


@dataclass(slots=True)
class If(Statement):
    test: Expr
    body: list[Statement]
    orelse: list[Statement]


@dataclass(slots=True)
class While(Statement):
    test: Expr
    body: list[Statement]


@dataclass(slots=True)
class ForRange(Statement):
    local: Local
    start: Expr
    stop: Expr
    step: int
    body: list[Statement]


@dataclass(slots=True)
class ForEach(Statement):
    """Over a span value; the variable is the element, or a pointer to it where elements are aggregates."""

    local: Local
    items: Expr
    body: list[Statement]


@dataclass(slots=True)
class Return(Statement):
    value: Expr | None


@dataclass(slots=True)
class Break(Statement):
    pass


@dataclass(slots=True)
class Continue(Statement):
    pass


@dataclass(slots=True)
class Trap(Statement):
    """Ends in the panic handler with a fixed message."""

    message: str


@dataclass(slots=True)
class Raise(Statement):
    """Raises `kind` with a message; without a kind, the exception that is being handled."""

    kind: ExceptionSymbol | None
    message: Expr | None


@dataclass(slots=True)
class Handler:
    """One `except`: the classes it catches (empty: all), the local that gets the message, and its body."""

    kinds: list[ExceptionSymbol]
    local: Local | None
    body: list[Statement]


@dataclass(slots=True)
class Try(Statement):
    body: list[Statement]
    handlers: list[Handler]
    orelse: list[Statement]
    final: list[Statement]


@dataclass(slots=True)
class With(Statement):
    """`enter` runs, then `body`; `leave` runs on every way out of it."""

    enter: list[Statement]
    body: list[Statement]
    leave: list[Statement]
    manager: Place  # what the source names, for passes that look at locks


@dataclass
class Body:
    """A function after checking: its locals in order of appearance, and its statements or its assembler text."""

    function: Function
    locals: list[Local] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    assembler: str | None = None
    references: list[Function | GlobalVar] = field(default_factory=list)  # named by assembler text
    jumps: list[Function] = field(default_factory=list)  # those of them that it calls or goes to
    clobbers: frozenset[str] = frozenset()
    nodes: list[Expr | Statement | Handler] | None = field(default=None, repr=False)  # kept by tree_walk.nodes_of
