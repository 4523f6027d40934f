"""Expressions and places to LLVM IR.

Scalars are SSA values; aggregates are made straight into memory by `construct`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.emit_arithmetic import ArithmeticEmitter
from compiler.emit_types import memory_type, quote, value_type
from compiler.source import Span
from compiler.tree import (
    AddressOf,
    ArrayMake,
    AtomicOperation,
    Binary,
    Bytes,
    Call,
    Compare,
    Const,
    Convert,
    Copy,
    Deref,
    ElementPlace,
    Expr,
    FieldPlace,
    FloatConst,
    FunctionRef,
    GlobalPlace,
    IndirectCall,
    Intrinsic,
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
    StructMake,
    SubSpan,
    TupleItem,
    TupleMake,
    Unary,
    Zero,
)
from compiler.type_model import (
    NEVER,
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    Type,
    VolatileType,
)

if TYPE_CHECKING:
    from compiler.emit import ModuleEmitter

PER_CPU_SPACE = 256
"""LLVM's address space for memory reached through gs."""


class ExpressionEmitter(ArithmeticEmitter):
    module: ModuleEmitter
    slots: dict[Local, str]

    def value(self, expr: Expr) -> str:
        """The operand text of a scalar, span, str or tuple."""
        outer, self.at = self.at, expr.span
        try:
            return self._value(expr)
        finally:
            self.at = outer

    def _value(self, expr: Expr) -> str:
        match expr:
            case Const(value=number):
                return self.constant(expr.type, number)
            case FloatConst(value=number):
                from compiler.emit_data import constant_value

                return constant_value(self.module, expr, expr.type)
            case Bytes(value=data):
                return f"{{ptr {self.module.string(data)}, i64 {len(data)}}}"
            case FunctionRef(function=function):
                return quote(function.symbol)
            case Load(place=place):
                return self.load(place)
            case AddressOf(place=place):
                return self.address(place)
            case Binary():
                return self.binary(expr, self.value(expr.left), self.value(expr.right))
            case Unary():
                return self.unary(expr, self.value(expr.operand))
            case Compare():
                return self.compare(expr, self.value(expr.left), self.value(expr.right))
            case Logic():
                return self._logic(expr)
            case Select():
                return self._select(expr)
            case Convert(operand=operand):
                return self.convert(expr, operand, self.value(operand))
            case Call() | IndirectCall():
                return self.call(expr)
            case Intrinsic():
                return self.intrinsic(expr)
            case AtomicOperation():
                return self.atomic(expr)
            case TupleMake(items=items):
                return self._aggregate(value_type(expr.type), [(value_type(i.type), self.value(i)) for i in items])
            case TupleItem(operand=operand, index=index):
                return self.assign(f"extractvalue {value_type(operand.type)} {self.value(operand)}, {index}")
            case SpanMake(pointer=pointer, count=count):
                return self._aggregate("{ptr, i64}", [("ptr", self.value(pointer)), ("i64", self.value(count))])
            case SpanLength(operand=operand):
                return self.assign(f"extractvalue {{ptr, i64}} {self.value(operand)}, 1")
            case SubSpan():
                return self._sub_span(expr)
            case Zero():
                return (
                    "zeroinitializer" if not isinstance(expr.type, IntType | BoolType) else self.constant(expr.type, 0)
                )
        raise AssertionError(f"no value for {type(expr).__name__}")

    def constant(self, kind: Type, number: int) -> str:
        if isinstance(kind, PtrType | FuncType):
            return "null" if number == 0 else f"inttoptr (i64 {number} to ptr)"
        if isinstance(kind, BoolType):
            return "true" if number else "false"
        return str(number)

    def _aggregate(self, kind: str, parts: list[tuple[str, str]]) -> str:
        value = "poison"
        for index, (part_type, part) in enumerate(parts):
            value = self.assign(f"insertvalue {kind} {value}, {part_type} {part}, {index}")
        return value

    # Places

    def address(self, place: Place) -> str:
        match place:
            case _Raw(operand=operand):
                return operand
            case LocalPlace(local=local):
                return self.slots[local]
            case GlobalPlace(data=data):
                if data.per_cpu:
                    return (
                        f"inttoptr (i64 ptrtoint (ptr {quote(data.symbol)} to i64) to ptr addrspace({PER_CPU_SPACE}))"
                    )
                return quote(data.symbol)
            case Deref(pointer=pointer):
                return self.value(pointer)
            case FieldPlace(base=base, field=field):
                start = self.address(base)
                if field.offset == 0 and not _is_per_cpu(base):
                    return start
                space = _pointer(base)
                return self.assign(f"getelementptr i8, {space} {start}, i64 {field.offset}")
            case ElementPlace():
                return self._element(place)
            case MemoryPlace(address=address):
                return self.assign(f"inttoptr i64 {self.value(address)} to ptr")
            case Materialized(value=value):
                slot = self.stack_slot(place.type)
                self.construct(slot, value)
                return slot
        raise AssertionError(f"no address for {type(place).__name__}")

    def _element(self, place: ElementPlace) -> str:
        base, size = place.base, place.type.size
        if isinstance(base.type, ArrayType) and isinstance(base, Place):
            start, count = self.address(base), str(base.type.count)
            index = self.value(place.index)
            pointer = _pointer(base)
        elif isinstance(base.type, SpanType):
            whole = self.value(base)
            start = self.assign(f"extractvalue {{ptr, i64}} {whole}, 0")
            count = self.assign(f"extractvalue {{ptr, i64}} {whole}, 1") if place.checked else ""
            index, pointer = self.value(place.index), "ptr"
        else:
            start, count, index, pointer = self.value(base), "", self.value(place.index), "ptr"
        if place.checked and self.module.options.bounds_checks and not _surely_inside(place):
            fine = self.assign(f"icmp ult i64 {index}, {count}")
            self.trap_unless(fine, "index out of bounds", place.span)
        return self.assign(f"getelementptr inbounds [{size} x i8], {pointer} {start}, i64 {index}")

    def _sub_span(self, expr: SubSpan) -> str:
        whole = self.value(expr.operand)
        start = self.assign(f"extractvalue {{ptr, i64}} {whole}, 0")
        count = self.assign(f"extractvalue {{ptr, i64}} {whole}, 1")
        low = self.value(expr.low)
        high = self.value(expr.high) if expr.high is not None else count
        ordered = self.assign(f"icmp ule i64 {low}, {high}")
        inside = self.assign(f"icmp ule i64 {high}, {count}")
        self.trap_unless(self.assign(f"and i1 {ordered}, {inside}"), "slice out of bounds", expr.span)
        kind = expr.type
        size = kind.of.size if isinstance(kind, SpanType) else 1
        first = self.assign(f"getelementptr [{size} x i8], ptr {start}, i64 {low}")
        length = self.assign(f"sub i64 {high}, {low}")
        return self._aggregate("{ptr, i64}", [("ptr", first), ("i64", length)])

    # Memory

    def load_from(self, address: str, kind: Type, *, volatile: bool = False, pointer: str = "ptr") -> str:
        if isinstance(kind, AtomicType | VolatileType):
            kind = kind.of
        word = "load volatile" if volatile else "load"
        loaded = self.assign(f"{word} {memory_type(kind)}, {pointer} {address}, align {max(1, kind.align)}")
        return self.assign(f"trunc i8 {loaded} to i1") if isinstance(kind, BoolType) else loaded

    def store_to(self, address: str, value: str, kind: Type, *, volatile: bool = False, pointer: str = "ptr") -> None:
        if isinstance(kind, AtomicType | VolatileType):
            kind = kind.of
        if kind.is_aggregate:
            self._copy_memory(address, value, kind)
            return
        if isinstance(kind, BoolType):
            value = self.assign(f"zext i1 {value} to i8")
        word = "store volatile" if volatile else "store"
        self.line(f"{word} {memory_type(kind)} {value}, {pointer} {address}, align {max(1, kind.align)}")

    def load(self, place: Place) -> str:
        if isinstance(place.type, BitsType):
            return self._load_bits(place)
        if _is_packed(place):
            return self._load_packed(place)
        return self.load_from(self.address(place), place.type, volatile=_is_volatile(place), pointer=_pointer(place))

    def _load_packed(self, place: Place) -> str:
        kind = place.type.of if isinstance(place.type, VolatileType) else place.type
        word = "load volatile" if _is_volatile(place) else "load"
        loaded = self.assign(f"{word} {memory_type(kind)}, {_pointer(place)} {self.address(place)}, align 1")
        return self.assign(f"trunc i8 {loaded} to i1") if isinstance(kind, BoolType) else loaded

    def _load_bits(self, place: Place) -> str:
        bits = place.type
        assert isinstance(bits, BitsType)
        t = f"i{bits.unit.bits}"
        unit = self.assign(f"load {t}, {_pointer(place)} {self.address(place)}, align 1")
        moved = self.assign(f"lshr {t} {unit}, {bits.low}") if bits.low else unit
        return self.assign(f"and {t} {moved}, {(1 << bits.width) - 1}")

    def _store_bits(self, place: Place, value: str, span: Span) -> None:
        bits = place.type
        assert isinstance(bits, BitsType)
        t, mask = f"i{bits.unit.bits}", (1 << bits.width) - 1
        if self.module.options.debug_checks and bits.width < bits.unit.bits:
            self.trap_unless(self.assign(f"icmp ule {t} {value}, {mask}"), "value does not fit the bit-field", span)
        address = self.address(place)
        unit = self.assign(f"load {t}, {_pointer(place)} {address}, align 1")
        cleared = self.assign(f"and {t} {unit}, {~(mask << bits.low) & ((1 << bits.unit.bits) - 1)}")
        kept = self.assign(f"and {t} {value}, {mask}")
        moved = self.assign(f"shl {t} {kept}, {bits.low}") if bits.low else kept
        result = self.assign(f"or {t} {cleared}, {moved}")
        self.line(f"store {t} {result}, {_pointer(place)} {address}, align 1")

    def store(self, place: Place, value: Expr) -> None:
        if value.type.is_aggregate:
            self._store_aggregate(place, value)
            return
        self.store_value(place, self.value(value))

    def store_value(self, place: Place, value: str) -> None:
        kind = place.type
        if isinstance(kind, BitsType):
            self._store_bits(place, value, place.span)
            return
        if _is_packed(place):
            kind = kind.of if isinstance(kind, VolatileType) else kind
            address = self.address(place)
            if isinstance(kind, BoolType):
                value = self.assign(f"zext i1 {value} to i8")
            word = "store volatile" if _is_volatile(place) else "store"
            self.line(f"{word} {memory_type(kind)} {value}, {_pointer(place)} {address}, align 1")
            return
        self.store_to(self.address(place), value, kind, volatile=_is_volatile(place), pointer=_pointer(place))

    def _store_aggregate(self, place: Place, value: Expr) -> None:
        """Made by way of a temporary where the value may read what it replaces; a fresh local is made in place."""
        if isinstance(value, Zero | Copy):
            self.construct(self.address(place), value)
            return
        slot = self.stack_slot(value.type)
        self.construct(slot, value)
        self._copy_memory(self.address(place), slot, value.type)

    def construct(self, address: str, value: Expr) -> None:
        """Makes an aggregate value at an address that nothing in the value refers to."""
        kind = value.type
        match value:
            case Zero():
                self._zero(address, kind)
            case Copy(place=place):
                self._copy_memory(address, self.address(place), kind)
            case StructMake(values=values):
                self._zero(address, kind)
                for field, item in values:
                    base = _Raw(kind, value.span, address)
                    self._construct_part(FieldPlace(field.type, item.span, base, field), item)
            case ArrayMake(items=items):
                assert isinstance(kind, ArrayType)
                for index, item in enumerate(items):
                    at = self.assign(f"getelementptr i8, ptr {address}, i64 {index * kind.of.size}")
                    self._construct_part(_Raw(kind.of, item.span, at), item)
            case Call() | IndirectCall():
                self.call(value, result=address)
            case Select(test=test, body=body, orelse=orelse):
                yes, no, end = self.label("then"), self.label("else"), self.label("end")
                self.condition(test, yes, no)
                self.start(yes)
                self.construct(address, body)
                self.terminate(f"br label %{end}")
                self.start(no)
                self.construct(address, orelse)
                self.start(end)
            case _:
                raise AssertionError(f"cannot construct {type(value).__name__}")

    def _construct_part(self, place: Place, value: Expr) -> None:
        if value.type.is_aggregate:
            self.construct(self.address(place), value)
        else:
            self.store_value(place, self.value(value))

    def _zero(self, address: str, kind: Type) -> None:
        self.module.need("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.line(
            f"call void @llvm.memset.p0.i64(ptr align {max(1, kind.align)} {address}, i8 0, i64 {kind.size}, i1 false)"
        )

    def _copy_memory(self, to: str, source: str, kind: Type) -> None:
        self.module.need("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.line(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {kind.size}, i1 false)")

    # Control inside expressions

    def condition(self, test: Expr, yes: str, no: str) -> None:
        """Branches on a bool without making it a value where `and`, `or` and `not` can be branches."""
        match test:
            case Logic(operator=operator, left=left, right=right):
                middle = self.label("and" if operator == "and" else "or")
                if operator == "and":
                    self.condition(left, middle, no)
                else:
                    self.condition(left, yes, middle)
                self.start(middle)
                self.condition(right, yes, no)
            case Unary(operator="not", operand=operand):
                self.condition(operand, no, yes)
            case _:
                self.branch(self.value(test), yes, no)

    def _logic(self, expr: Logic) -> str:
        slot = self.stack_slot(expr.type)
        yes, no, end = self.label("true"), self.label("false"), self.label("end")
        self.condition(expr, yes, no)
        self.start(yes)
        self.store_to(slot, "true", expr.type)
        self.terminate(f"br label %{end}")
        self.start(no)
        self.store_to(slot, "false", expr.type)
        self.start(end)
        return self.load_from(slot, expr.type)

    def _select(self, expr: Select) -> str:
        slot = self.stack_slot(expr.type)
        yes, no, end = self.label("then"), self.label("else"), self.label("end")
        self.condition(expr.test, yes, no)
        self.start(yes)
        self.store_to(slot, self.value(expr.body), expr.type)
        self.terminate(f"br label %{end}")
        self.start(no)
        self.store_to(slot, self.value(expr.orelse), expr.type)
        self.start(end)
        return self.load_from(slot, expr.type)

    # Calls

    def discard(self, expr: Expr) -> None:
        """Evaluates for the effect."""
        if isinstance(expr, Call | IndirectCall):
            self.call(expr, result=self.stack_slot(expr.type) if expr.type.is_aggregate else None)
        elif isinstance(expr, Copy):
            self.address(expr.place)
        elif not expr.type.is_aggregate:
            self.value(expr)
        if expr.type == NEVER:
            self.terminate("unreachable")

    def call(self, expr: Call | IndirectCall, result: str | None = None) -> str:
        arguments = [f"{value_type(a.type)} {self.value(a)}" for a in expr.arguments]
        target = quote(expr.function.symbol) if isinstance(expr, Call) else self.value(expr.target)
        kind = "void" if expr.type.is_aggregate else value_type(expr.type)
        if expr.type.is_aggregate:
            if result is None:
                result = self.stack_slot(expr.type)
            arguments.insert(0, f"ptr sret([{expr.type.size} x i8]) align {expr.type.align} {result}")
        text = f"call {kind} {target}({', '.join(arguments)})"
        if kind == "void":
            self.line(text)
            if expr.type == NEVER:
                self.terminate("unreachable")
            return result or ""
        return self.assign(text)

    # Atomics

    def atomic(self, expr: AtomicOperation) -> str:
        place, order = expr.place, expr.order
        kind = place.type.of if isinstance(place.type, AtomicType) else place.type
        t, pointer = memory_type(kind), f"{_pointer(place)} {self.address(place)}"
        values = [self._atomic_operand(a, kind) for a in expr.arguments]
        match expr.name:
            case "load":
                return self._from_memory(self.assign(f"load atomic {t}, {pointer} {order}, align {kind.size}"), kind)
            case "store":
                self.line(f"store atomic {t} {values[0]}, {pointer} {order}, align {kind.size}")
                return ""
            case "cas" | "compare_exchange":
                failure = {"release": "monotonic", "acq_rel": "acquire"}.get(order, order)
                pair = self.assign(
                    f"cmpxchg {pointer}, {t} {values[0]}, {t} {values[1]} {order} {failure}, align {kind.size}"
                )
                won = self.assign(f"extractvalue {{{t}, i1}} {pair}, 1")
                if expr.name == "cas":
                    return won
                old = self._from_memory(self.assign(f"extractvalue {{{t}, i1}} {pair}, 0"), kind)
                return self._aggregate(value_type(expr.type), [(value_type(kind), old), ("i1", won)])
        operation = {"exchange": "xchg"}.get(expr.name, expr.name.removeprefix("fetch_"))
        return self._from_memory(
            self.assign(f"atomicrmw {operation} {pointer}, {t} {values[0]} {order}, align {kind.size}"), kind
        )

    def _atomic_operand(self, expr: Expr, kind: Type) -> str:
        value = self.value(expr)
        return self.assign(f"zext i1 {value} to i8") if isinstance(kind, BoolType) else value

    def _from_memory(self, value: str, kind: Type) -> str:
        return self.assign(f"trunc i8 {value} to i1") if isinstance(kind, BoolType) else value


class _Raw(Place):
    """An address the emitter already has."""

    __slots__ = ("operand",)

    def __init__(self, kind: Type, span: Span, operand: str) -> None:
        super().__init__(kind, span)
        self.operand = operand


def _is_per_cpu(place: Place) -> bool:
    match place:
        case GlobalPlace(data=data):
            return data.per_cpu
        case FieldPlace(base=base):
            return _is_per_cpu(base)
        case ElementPlace(base=Place() as base):
            return _is_per_cpu(base)
    return False


def _pointer(place: Place) -> str:
    return f"ptr addrspace({PER_CPU_SPACE})" if _is_per_cpu(place) else "ptr"


def _is_volatile(place: Place) -> bool:
    return isinstance(place.type, VolatileType)


def _is_packed(place: Place) -> bool:
    """A field that its struct's layout does not keep aligned."""
    return isinstance(place, FieldPlace) and (
        place.field.offset % max(1, place.type.align) != 0 or place.base.type.align % max(1, place.type.align) != 0
    )


def _surely_inside(place: ElementPlace) -> bool:
    index, base = place.index, place.base
    return isinstance(index, Const) and isinstance(base.type, ArrayType) and 0 <= index.value < base.type.count
