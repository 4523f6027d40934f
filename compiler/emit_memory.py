"""Places to addresses, loads and stores; aggregates made straight into memory by `construct`.

Invariants: every access carries the alignment that its place is known to have. Locals and module data are aligned; what
is reached through a pointer, a span or a number may lie anywhere (x86 allows it), so nothing is assumed there.
Per-CPU data live in LLVM's address space of gs and have no address of their own.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from compiler.emit_arithmetic import ArithmeticEmitter
from compiler.emit_types import memory_type
from compiler.errors import CompileError
from compiler.source import Span
from compiler.tree import (
    ArrayMake,
    Call,
    Const,
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
    MemoryPlace,
    Place,
    Select,
    StructMake,
    SubSpan,
    Zero,
)
from compiler.type_model import (
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    Field,
    SpanType,
    StructType,
    Type,
    VolatileType,
)

PER_CPU_POINTER = "ptr addrspace(256)"
"""LLVM's address space for memory reached through gs."""
_PER_CPU_PIECE = 64
"""Bytes of per-CPU data copied at a time: few enough that LLVM never calls memcpy, which knows no segments."""
_PER_CPU_LARGEST = 1024


class RawPlace(Place):
    """An address the emitter already has, and its alignment."""

    __slots__ = ("aligned", "operand")

    def __init__(self, kind: Type, span: Span, operand: str, aligned: int) -> None:
        super().__init__(kind, span)
        self.operand, self.aligned = operand, aligned


class MemoryEmitter(ArithmeticEmitter):
    slots: dict[Local, str]

    if TYPE_CHECKING:

        def call(self, expr: Call | IndirectCall, result: str | None = None) -> str: ...
        def condition(self, test: Expr, yes: str, no: str) -> None: ...

    # Addresses

    def pointer_to(self, place: Place) -> str:
        """An address as a value: per-CPU data have none."""
        if is_per_cpu(place):
            message = "per-CPU data have no address of their own"
            raise CompileError("percpu", message, place.span, hint="copy it to a local, or use percpu_address")
        return self.address(place)

    def address(self, place: Place) -> str:
        match place:
            case RawPlace(operand=operand):
                return operand
            case LocalPlace(local=local):
                return self.slots[local]
            case GlobalPlace(data=data):
                if data.per_cpu:
                    return f"inttoptr (i64 ptrtoint (ptr {self.module.symbol(data)} to i64) to {PER_CPU_POINTER})"
                return self.module.symbol(data)
            case Deref(pointer=pointer):
                return self.value(pointer)
            case FieldPlace(base=base, field=field):
                start = self.address(base)
                if field.offset == 0:
                    return start
                return self.assign(f"getelementptr inbounds nuw i8, {pointer_type(base)} {start}, i64 {field.offset}")
            case ElementPlace():
                return self._element(place)
            case MemoryPlace(address=address):
                return self.assign(f"inttoptr i64 {self.value(address)} to ptr")
            case Materialized(value=value):
                slot = self.stack_slot(place.type)
                self.construct(slot, value, value.type.align)
                return slot
        raise AssertionError(f"no address for {type(place).__name__}")

    def _element(self, place: ElementPlace) -> str:
        """Elements of arrays and spans lie inside one object; a raw pointer may be moved anywhere."""
        base, count, pointer, inside = place.base, "", "ptr", "inbounds nuw "
        if isinstance(base.type, ArrayType) and isinstance(base, Place):
            start, count, pointer = self.address(base), str(base.type.count), pointer_type(base)
        elif isinstance(base.type, SpanType):
            whole = self.value(base)
            start = self.assign(f"extractvalue {{ptr, i64}} {whole}, 0")
            count = self.assign(f"extractvalue {{ptr, i64}} {whole}, 1") if place.checked else ""
        else:
            start, inside = self.value(base), ""
        index = self.value(place.index)
        if place.checked and self.module.options.bounds_checks and not _surely_inside(place):
            fine = self.assign(f"icmp ult i64 {index}, {count}")
            self.trap_unless(fine, "index out of bounds", place.span)
        return self.assign(f"getelementptr {inside}[{place.type.size} x i8], {pointer} {start}, i64 {index}")

    def sub_span(self, expr: SubSpan) -> str:
        whole = self.value(expr.operand)
        start = self.assign(f"extractvalue {{ptr, i64}} {whole}, 0")
        count = self.assign(f"extractvalue {{ptr, i64}} {whole}, 1")
        low = self.value(expr.low)
        high = self.value(expr.high) if expr.high is not None else count
        if self.module.options.bounds_checks:
            ordered = self.assign(f"icmp ule i64 {low}, {high}")
            if expr.high is not None:
                inside = self.assign(f"icmp ule i64 {high}, {count}")
                ordered = self.assign(f"and i1 {ordered}, {inside}")
            self.trap_unless(ordered, "slice out of bounds", expr.span)
        size = expr.type.of.size if isinstance(expr.type, SpanType) else 1
        first = self.assign(f"getelementptr inbounds nuw [{size} x i8], ptr {start}, i64 {low}")
        length = self.assign(f"sub i64 {high}, {low}")
        return self.aggregate("{ptr, i64}", [("ptr", first), ("i64", length)])

    def aggregate(self, kind: str, parts: list[tuple[str, str]]) -> str:
        value = "poison"
        for index, (part_type, part) in enumerate(parts):
            value = self.assign(f"insertvalue {kind} {value}, {part_type} {part}, {index}")
        return value

    # Scalars

    def load(self, place: Place) -> str:
        if isinstance(place.type, BitsType):
            return self._load_bits(place)
        return self.load_at(self.address(place), place.type, alignment(place), pointer_type(place))

    def load_from(self, address: str, kind: Type) -> str:
        """Reads a slot of the stack."""
        return self.load_at(address, kind, kind.align)

    def load_at(self, address: str, kind: Type, align: int, pointer: str = "ptr") -> str:
        word = "load volatile" if isinstance(kind, VolatileType) else "load"
        loaded = self.assign(f"{word} {memory_type(kind)}, {pointer} {address}, align {align}")
        return self.assign(f"trunc i8 {loaded} to i1") if isinstance(_plain(kind), BoolType) else loaded

    def store(self, place: Place, value: Expr) -> None:
        if value.type.is_aggregate:
            self._store_aggregate(place, value)
        else:
            self.store_value(place, self.value(value))

    def store_value(self, place: Place, value: str) -> None:
        if isinstance(place.type, BitsType):
            self._store_bits(place, value, place.span)
        else:
            self._store_at(self.address(place), value, place.type, alignment(place), pointer_type(place))

    def store_to(self, address: str, value: str, kind: Type) -> None:
        """Writes a slot of the stack."""
        self._store_at(address, value, kind, kind.align)

    def _store_at(self, address: str, value: str, kind: Type, align: int, pointer: str = "ptr") -> None:
        if isinstance(_plain(kind), BoolType):
            value = self.assign(f"zext i1 {value} to i8")
        word = "store volatile" if isinstance(kind, VolatileType) else "store"
        self.line(f"{word} {memory_type(_plain(kind))} {value}, {pointer} {address}, align {align}")

    def _load_bits(self, place: Place) -> str:
        bits = place.type
        assert isinstance(bits, BitsType)
        t = f"i{bits.unit.bits}"
        unit = self.assign(f"load {t}, {pointer_type(place)} {self.address(place)}, align {alignment(place)}")
        moved = self.assign(f"lshr {t} {unit}, {bits.low}") if bits.low else unit
        return self.assign(f"and {t} {moved}, {(1 << bits.width) - 1}")

    def _store_bits(self, place: Place, value: str, span: Span) -> None:
        bits = place.type
        assert isinstance(bits, BitsType)
        t, mask = f"i{bits.unit.bits}", (1 << bits.width) - 1
        if self.module.options.debug_checks and bits.width < bits.unit.bits:
            self.trap_unless(self.assign(f"icmp ule {t} {value}, {mask}"), "value does not fit the bit-field", span)
        target = f"{pointer_type(place)} {self.address(place)}, align {alignment(place)}"
        unit = self.assign(f"load {t}, {target}")
        cleared = self.assign(f"and {t} {unit}, {~(mask << bits.low) & ((1 << bits.unit.bits) - 1)}")
        kept = self.assign(f"and {t} {value}, {mask}")
        moved = self.assign(f"shl {t} {kept}, {bits.low}") if bits.low else kept
        self.line(f"store {t} {self.assign(f'or {t} {cleared}, {moved}')}, {target}")

    # Aggregates

    def _store_aggregate(self, place: Place, value: Expr) -> None:
        """By way of a temporary, since the value may read what it replaces."""
        per_cpu = is_per_cpu(place)
        if isinstance(value, Zero | Copy) and not per_cpu:
            self.construct(self.address(place), value, alignment(place))
            return
        slot = self.stack_slot(value.type)
        self.construct(slot, value, value.type.align)
        to = self.address(place)
        if per_cpu:
            self._copy_per_cpu((PER_CPU_POINTER, to), ("ptr", slot), value.type, place.span)
        else:
            self._copy_memory(to, alignment(place), slot, value.type.align, value.type)

    def construct(self, address: str, value: Expr, align: int) -> None:
        """Makes an aggregate value at an address that nothing in the value refers to."""
        kind = value.type
        match value:
            case Zero():
                self._zero(address, kind, align)
            case Copy(place=place) if is_per_cpu(place):
                self._copy_per_cpu(("ptr", address), (PER_CPU_POINTER, self.address(place)), kind, value.span)
            case Copy(place=place):
                self._copy_memory(address, align, self.address(place), alignment(place), kind)
            case StructMake(values=values):
                if not _covers(kind, values):
                    self._zero(address, kind, align)
                for field, item in values:
                    base = RawPlace(kind, value.span, address, align)
                    self._construct_part(FieldPlace(field.type, item.span, base, field), item)
            case ArrayMake(items=items):
                assert isinstance(kind, ArrayType)
                for index, item in enumerate(items):
                    at = self.assign(f"getelementptr inbounds nuw i8, ptr {address}, i64 {index * kind.of.size}")
                    self._construct_part(RawPlace(kind.of, item.span, at, _common(align, kind.of.size)), item)
            case Call() | IndirectCall():
                self._construct_call(address, value, align)
            case Select(test=test, body=body, orelse=orelse):
                self._construct_select(address, test, body, orelse, align)
            case _:
                raise AssertionError(f"cannot construct {type(value).__name__}")

    def _construct_call(self, address: str, value: Call | IndirectCall, align: int) -> None:
        """The callee counts on the natural alignment of its result."""
        if align >= value.type.align:
            self.call(value, result=address)
            return
        slot = self.stack_slot(value.type)
        self.call(value, result=slot)
        self._copy_memory(address, align, slot, value.type.align, value.type)

    def _construct_select(self, address: str, test: Expr, body: Expr, orelse: Expr, align: int) -> None:
        yes, no, end = self.label("then"), self.label("else"), self.label("end")
        self.condition(test, yes, no)
        self.start(yes)
        self.construct(address, body, align)
        self.terminate(f"br label %{end}")
        self.start(no)
        self.construct(address, orelse, align)
        self.start(end)

    def _construct_part(self, place: Place, value: Expr) -> None:
        if value.type.is_aggregate:
            self.construct(self.address(place), value, alignment(place))
        else:
            self.store_value(place, self.value(value))

    def _zero(self, address: str, kind: Type, align: int) -> None:
        self.module.need("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.line(f"call void @llvm.memset.p0.i64(ptr align {align} {address}, i8 0, i64 {kind.size}, i1 false)")

    def _copy_memory(self, to: str, to_align: int, source: str, source_align: int, kind: Type) -> None:
        self.module.need("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        ends = f"ptr align {to_align} {to}, ptr align {source_align} {source}"
        self.line(f"call void @llvm.memcpy.p0.p0.i64({ends}, i64 {kind.size}, i1 false)")

    def _copy_per_cpu(self, to: tuple[str, str], source: tuple[str, str], kind: Type, span: Span) -> None:
        if kind.size > _PER_CPU_LARGEST:
            message = f"per-CPU data are copied in at most {_PER_CPU_LARGEST} bytes at a time"
            raise CompileError("percpu", message, span, hint="assign its fields one by one")
        spaces = "p256.p0" if to[0] == PER_CPU_POINTER else "p0.p256"
        self.module.need(f"void @llvm.memcpy.{spaces}.i64({to[0]}, {source[0]}, i64, i1)")
        for offset in range(0, kind.size, _PER_CPU_PIECE):
            ends = []
            for pointer, address in (to, source):
                at = self.assign(f"getelementptr i8, {pointer} {address}, i64 {offset}") if offset else address
                ends.append(f"{pointer} {at}")
            size = min(_PER_CPU_PIECE, kind.size - offset)
            self.line(f"call void @llvm.memcpy.{spaces}.i64({', '.join(ends)}, i64 {size}, i1 false)")


def _plain(kind: Type) -> Type:
    return kind.of if isinstance(kind, AtomicType | VolatileType) else kind


def is_per_cpu(place: Place) -> bool:
    match place:
        case GlobalPlace(data=data):
            return data.per_cpu
        case FieldPlace(base=base):
            return is_per_cpu(base)
        case ElementPlace(base=Place() as base):
            return isinstance(base.type, ArrayType) and is_per_cpu(base)
    return False


def pointer_type(place: Place) -> str:
    return PER_CPU_POINTER if is_per_cpu(place) else "ptr"


def alignment(place: Place) -> int:
    """What every address of the place is surely a multiple of."""
    match place:
        case RawPlace(aligned=aligned):
            return aligned
        case LocalPlace() | Materialized():
            return max(1, place.type.align)
        case GlobalPlace(data=data):
            return max(1, data.align, data.type.align)
        case FieldPlace(base=base, field=field):
            return _common(alignment(base), field.offset)
        case ElementPlace(base=base) if isinstance(base, Place) and isinstance(base.type, ArrayType):
            return _common(alignment(base), place.type.size)
    return 1


def _common(align: int, distance: int) -> int:
    return gcd(align, distance) or 1


def _covers(kind: Type, values: list[tuple[Field, Expr]]) -> bool:
    """Whether the given fields leave no byte of a struct unwritten."""
    if not isinstance(kind, StructType) or kind.is_union:
        return False
    given = [expr.type.size for field, expr in values if not isinstance(field.type, BitsType)]
    return len(given) == len(values) and sum(given) == kind.size


def _surely_inside(place: ElementPlace) -> bool:
    index, base = place.index, place.base
    return isinstance(index, Const) and isinstance(base.type, ArrayType) and 0 <= index.value < base.type.count
