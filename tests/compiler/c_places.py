"""Places, and aggregates made in them, as C (see c_program.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.symbols import Function, GlobalVar
from compiler.tree import (
    ArrayMake,
    Call,
    Copy,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    GlobalPlace,
    IndirectCall,
    Local,
    LocalPlace,
    Materialized,
    Place,
    Select,
    StructMake,
    Zero,
)
from compiler.type_model import (
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    EnumType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    TupleType,
    Type,
    VolatileType,
)
from tests.compiler.case_files import trap_kind

TRAPS = ("overflow", "division", "bounds", "assertion", "null", "unreachable", "panic", "member")
"""Kinds of traps, by their number in c_support.py, from 1."""


def c_type(kind: Type, tuples: dict[Type, str]) -> str:
    match kind:
        case IntType():
            return str(kind)
        case BoolType():
            return "truth"
        case EnumType(of=of) | BitsType(unit=of):
            return str(of)
        case PtrType() | FuncType():
            return "address"
        case SpanType() | StrType():
            return "slice"
        case AtomicType(of=inner) | VolatileType(of=inner):
            return c_type(inner, tuples)
        case TupleType(items=items):
            for item in items:
                c_type(item, tuples)
            return tuples.setdefault(kind, f"tuple{len(tuples)}")
    raise NotImplementedError(f"{kind} in C")


class PlaceWriter:
    """What places need of a function under construction; FunctionWriter and ExpressionWriter provide it."""

    tuples: dict[Type, str]
    names: dict[Function | GlobalVar, str]
    locals: dict[Local, str]
    head: list[str]
    is_debug: bool
    counter: int

    def fresh(self) -> str:
        self.counter += 1
        return f"t{self.counter}"

    def room(self, kind: Type) -> str:
        """Memory for an aggregate, as long as a call of the function lasts."""
        name = self.fresh()
        self.head.append(f"_Alignas(16) u8 {name}[{max(1, kind.size)}];")
        return name

    def trap_number(self, message: str) -> int:
        return TRAPS.index(trap_kind(message)) + 1

    def in_order(self, kinds: list[Type], values: list[str], result: str) -> str:
        """Computes the values from first to last; `result` names them {0}, {1}, ..."""
        names = [self.fresh() for _ in values]
        made = " ".join(f"{c_type(k, self.tuples)} {n} = {v};" for k, n, v in zip(kinds, names, values, strict=True))
        return f"({{ {made} {result.format(*names)}; }})"

    if TYPE_CHECKING:

        def value(self, expr: Expr) -> str: ...
        def call(self, expr: Call | IndirectCall, result: str) -> str: ...

    # Places

    def address(self, place: Place) -> str:
        match place:
            case LocalPlace(local=local):
                name = self.locals[local]
                return name if local.type.is_aggregate else f"((address)&{name})"
            case GlobalPlace(data=data):
                return self.names[data]
            case Deref(pointer=pointer):
                return self.value(pointer)
            case FieldPlace(base=base, field=field):
                return f"({self.address(base)} + {field.offset})"
            case ElementPlace():
                return self._element(place)
            case Materialized(value=value):
                room = self.room(place.type)
                return f"({{ {self.construct(room, value)} {room}; }})"
        raise NotImplementedError(type(place).__name__)

    def _element(self, place: ElementPlace) -> str:
        base, index, size = place.base, place.index, place.type.size
        value = self.value(index)
        if isinstance(base.type, ArrayType) and isinstance(base, Place):
            start, count = self.address(base), str(base.type.count)
        elif isinstance(base.type, SpanType):
            whole = self.fresh()
            inner = f"element({whole}.start, {value}, {whole}.count, {size})"
            inner = inner if place.checked else f"{whole}.start + {value} * {size}"
            return f"({{ slice {whole} = {self.value(base)}; {inner}; }})"
        else:
            start, count = self.value(base), ""
        at = self.fresh()
        inner = f"element({at}, {value}, {count}, {size})" if place.checked and count else f"{at} + {value} * {size}"
        return f"({{ address {at} = {start}; {inner}; }})"

    def load(self, place: Place) -> str:
        if isinstance(place, LocalPlace) and not place.type.is_aggregate:
            return self.locals[place.local]
        return self.loaded(place.type, self.address(place))

    def loaded(self, kind: Type, at: str) -> str:
        if isinstance(kind, BitsType):
            unit = str(kind.unit)
            return f"(({unit})(load_{unit}({at}) >> {kind.low} & {(1 << kind.width) - 1}ull))"
        name = c_type(kind, self.tuples)
        if isinstance(kind, TupleType):
            return f"(*({name} *){at})"
        return f"load_{name}({at})"

    def store(self, place: Place, value: Expr) -> str:
        if not value.type.is_aggregate:
            return self.store_text(place, self.value(value))
        if isinstance(value, Zero | Copy):
            return self.construct(self.address(place), value)
        room = self.room(value.type)
        return f"{self.construct(room, value)} memmove({self.address(place)}, {room}, {value.type.size});"

    def store_text(self, place: Place, value: str) -> str:
        kind = place.type
        if isinstance(place, LocalPlace):
            return f"{self.locals[place.local]} = {value};"
        name, made, at = c_type(kind, self.tuples), self.fresh(), self.fresh()
        head = f"{name} {made} = {value};"
        if isinstance(kind, BitsType):
            mask = (1 << kind.width) - 1
            if self.is_debug and kind.width < kind.unit.bits:
                head += f" if ({made} > {mask}ull) trap(OVERFLOW);"
            cleared = f"load_{name}({at}) & ~({mask}ull << {kind.low})"
            made = f"({name})(({cleared}) | ({made} & {mask}ull) << {kind.low})"
        if isinstance(kind, TupleType):
            return f"{{ {head} memcpy({self.address(place)}, &{made}, sizeof {made}); }}"
        return f"{{ {head} address {at} = {self.address(place)}; store_{name}({at}, {made}); }}"

    # Aggregates

    def construct(self, at: str, value: Expr) -> str:
        """Statements that make an aggregate at an address that nothing in the value refers to."""
        match value:
            case Zero():
                return f"memset({at}, 0, {value.type.size});"
            case Copy(place=place):
                return f"memmove({at}, {self.address(place)}, {value.type.size});"
            case StructMake(values=values):
                parts = [self._part(f"({at} + {f.offset})", f.type, item) for f, item in values]
                return " ".join([f"memset({at}, 0, {value.type.size});", *parts])
            case ArrayMake(items=items):
                of = value.type.of if isinstance(value.type, ArrayType) else value.type
                return " ".join(self._part(f"({at} + {i * of.size})", of, item) for i, item in enumerate(items))
            case Call() | IndirectCall():
                return f"{self.call(value, at)};"
            case Select(test=test, body=body, orelse=orelse):
                yes, no = self.construct(at, body), self.construct(at, orelse)
                return f"if ({self.value(test)}) {{ {yes} }} else {{ {no} }}"
        raise NotImplementedError(type(value).__name__)

    def _part(self, at: str, kind: Type, value: Expr) -> str:
        if value.type.is_aggregate:
            return self.construct(at, value)
        if isinstance(kind, BitsType):
            name, mask = str(kind.unit), (1 << kind.width) - 1
            check = f" if (made > {mask}ull) trap(OVERFLOW);" if self.is_debug and kind.width < kind.unit.bits else ""
            kept = f"(load_{name}(at) & ~({mask}ull << {kind.low})) | (made & {mask}ull) << {kind.low}"
            return f"{{ {name} made = {self.value(value)};{check} address at = {at}; store_{name}(at, {kept}); }}"
        name = c_type(kind, self.tuples)
        if isinstance(kind, TupleType):
            return f"*({name} *){at} = {self.value(value)};"
        return f"store_{name}({at}, {self.value(value)});"

    def initialize(self, at: str, kind: Type, value: Expr) -> str:
        """Module data's first value."""
        return self.construct(at, value) if value.type.is_aggregate else self._part(at, kind, value)
