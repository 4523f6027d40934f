"""Expressions and places to LLVM IR.

Scalars are SSA values; aggregates are made straight into memory by `construct`.
"""

from __future__ import annotations

from compiler.emit_memory import MemoryEmitter, pointer_type
from compiler.emit_types import extension, memory_type, quote, value_type
from compiler.tree import (
    AddressOf,
    AtomicOperation,
    Binary,
    Bytes,
    Call,
    Compare,
    Const,
    Convert,
    Copy,
    Expr,
    FloatConst,
    Format,
    FunctionRef,
    IndirectCall,
    Intrinsic,
    Keep,
    Load,
    Logic,
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
from compiler.type_model import NEVER, AtomicType, BoolType, FuncType, IntType, PtrType, Type


class ExpressionEmitter(MemoryEmitter):
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
                return self.module.symbol(function)
            case Load(place=place):
                return self.load(place)
            case AddressOf(place=place):
                return self.pointer_to(place)
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
            case Keep():
                return self._keep(expr)
            case Format():
                return self._format(expr)
            case Intrinsic():
                return self.intrinsic(expr)
            case AtomicOperation():
                return self.atomic(expr)
            case Zero() if isinstance(expr.type, IntType | BoolType):
                return self.constant(expr.type, 0)
            case Zero():
                return "zeroinitializer"
        return self._several_words(expr)

    def _several_words(self, expr: Expr) -> str:
        """Tuples and spans, made and taken apart."""
        match expr:
            case TupleMake(items=items):
                return self.aggregate(value_type(expr.type), [(value_type(i.type), self.value(i)) for i in items])
            case TupleItem(operand=operand, index=index):
                return self.assign(f"extractvalue {value_type(operand.type)} {self.value(operand)}, {index}")
            case SpanMake(pointer=pointer, count=count):
                return self.aggregate("{ptr, i64}", [("ptr", self.value(pointer)), ("i64", self.value(count))])
            case SpanLength(operand=operand):
                return self.assign(f"extractvalue {{ptr, i64}} {self.value(operand)}, 1")
            case SubSpan():
                return self.sub_span(expr)
        raise AssertionError(f"no value for {type(expr).__name__}")

    def _keep(self, expr: Keep) -> str:
        result = self.value(expr.value)
        self.store_to(self.slots[expr.local], result, expr.local.type)
        return result

    def _format(self, expr: Format) -> str:
        self.store(expr.place, expr.made)
        for call in expr.calls:
            self.discard(call)
        return self.address(expr.place)

    def constant(self, kind: Type, number: int) -> str:
        if isinstance(kind, PtrType | FuncType):
            return "null" if number == 0 else f"inttoptr (i64 {number} to ptr)"
        if isinstance(kind, BoolType):
            return "true" if number else "false"
        return str(number)

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
        elif not isinstance(expr, Place):
            self.construct(self.stack_slot(expr.type), expr, expr.type.align)
        if expr.type == NEVER:
            self.terminate("unreachable")

    def call(self, expr: Call | IndirectCall, result: str | None = None) -> str:
        target = self.module.symbol(expr.function) if isinstance(expr, Call) else self.value(expr.target)
        order = expr.order if isinstance(expr, Call) and expr.order else range(len(expr.arguments))
        words = {position: self.value(expr.arguments[position]) for position in order}
        arguments = [
            f"{value_type(a.type)}{extension(a.type)} noundef {words[position]}"
            for position, a in enumerate(expr.arguments)
        ]
        kind = "void" if expr.type.is_aggregate else value_type(expr.type)
        mark = "" if kind == "void" else f"{extension(expr.type)} noundef ".lstrip()
        if expr.type.is_aggregate:
            if result is None:
                result = self.stack_slot(expr.type)
            arguments.insert(0, f"ptr sret([{expr.type.size} x i8]) align {expr.type.align} {result}")
        convention = self.module.convention(expr.function) if isinstance(expr, Call) else ""
        text = f"call {convention}{mark}{kind} {target}({', '.join(arguments)})"
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
        t, pointer = memory_type(kind), f"{pointer_type(place)} {self.address(place)}"
        values = [self._atomic_operand(a, kind) for a in expr.arguments]
        if self.module.options.before_atomic:
            self.line(f"call void {quote(self.module.options.before_atomic)}()")
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
                return self.aggregate(value_type(expr.type), [(value_type(kind), old), ("i1", won)])
        operation = {"exchange": "xchg"}.get(expr.name, expr.name.removeprefix("fetch_"))
        return self._from_memory(
            self.assign(f"atomicrmw {operation} {pointer}, {t} {values[0]} {order}, align {kind.size}"), kind
        )

    def _atomic_operand(self, expr: Expr, kind: Type) -> str:
        value = self.value(expr)
        return self.assign(f"zext i1 {value} to i8") if isinstance(kind, BoolType) else value

    def _from_memory(self, value: str, kind: Type) -> str:
        return self.assign(f"trunc i8 {value} to i1") if isinstance(kind, BoolType) else value
