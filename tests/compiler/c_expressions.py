"""Expressions and places of the typed tree as C (see c_program.py)."""

from __future__ import annotations

from compiler.tree import (
    AddressOf,
    AtomicOperation,
    Binary,
    Bytes,
    Call,
    Compare,
    Const,
    Convert,
    Expr,
    FunctionRef,
    IndirectCall,
    Intrinsic,
    Keep,
    Load,
    Logic,
    Select,
    SpanLength,
    SpanMake,
    SubSpan,
    TupleItem,
    TupleMake,
    Unary,
    Zero,
)
from compiler.type_model import NEVER, NONE, AtomicType, EnumType, FuncType, IntType, PtrType, SpanType, StrType, Type
from tests.compiler.c_places import PlaceWriter, c_type

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul"}


class ExpressionWriter(PlaceWriter):
    # Values

    def value(self, expr: Expr) -> str:
        kind = expr.type
        match expr:
            case Const(value=number):
                return self._constant(kind, number)
            case Zero():
                return self._constant(kind, 0)
            case Bytes(value=data):
                octal = "".join(f"\\{byte:03o}" for byte in data)
                return f'((slice){{(address)"{octal}", {len(data)}}})'
            case FunctionRef(function=function):
                return f"((address){self.names[function]})"
            case Load(place=place):
                return self.load(place)
            case AddressOf(place=place):
                return self.address(place)
            case Binary() | Unary() | Compare() | Logic() | Convert():
                return self._arithmetic(expr)
            case Select(test=test, body=body, orelse=orelse):
                return f"({self.value(test)} ? {self.value(body)} : {self.value(orelse)})"
            case Call() | IndirectCall():
                return self.call(expr, "")
            case Keep(local=local, value=value):
                return f"({self.locals[local]} = {self.value(value)})"
            case Intrinsic():
                return self._intrinsic(expr)
            case AtomicOperation():
                return self._atomic(expr)
        return self._several_words(expr)

    def _constant(self, kind: Type, number: int) -> str:
        bits = number & ((1 << 128) - 1)
        wide = f"((u128){bits >> 64}ull << 64 | {bits & ((1 << 64) - 1)}ull)"
        word = wide if kind.size == 16 else f"{bits & ((1 << 64) - 1)}ull"
        return f"(({c_type(kind, self.tuples)}){word})"

    def _several_words(self, expr: Expr) -> str:
        match expr:
            case TupleMake(items=items):
                name = c_type(expr.type, self.tuples)
                parts = ", ".join(f"{{{i}}}" for i in range(len(items)))
                return self.in_order(
                    [i.type for i in items], [self.value(i) for i in items], f"({name}){{{{{parts}}}}}"
                )
            case TupleItem(operand=operand, index=index):
                return f"{self.value(operand)}.item{index}"
            case SpanMake(pointer=pointer, count=count):
                values = [self.value(pointer), self.value(count)]
                return self.in_order([pointer.type, count.type], values, "(slice){{{0}, {1}}}")
            case SpanLength(operand=operand):
                return f"{self.value(operand)}.count"
            case SubSpan(operand=operand, low=low, high=high):
                size = expr.type.of.size if isinstance(expr.type, SpanType) else 1
                kinds = [operand.type, low.type, *([high.type] if high is not None else [])]
                values = [self.value(operand), self.value(low), *([self.value(high)] if high is not None else [])]
                end = "{2}" if high is not None else "{0}.count"
                return self.in_order(kinds, values, f"part({{0}}, {{1}}, {end}, {size})")
        raise NotImplementedError(type(expr).__name__)

    # Arithmetic

    def _arithmetic(self, expr: Expr) -> str:
        match expr:
            case Binary(left=left, right=right, operator=operator):
                result = self._binary(expr.type, operator)
                return self.in_order([left.type, right.type], [self.value(left), self.value(right)], result)
            case Unary(operator="not", operand=operand):
                return f"((truth)!{self.value(operand)})"
            case Unary(operator="~", operand=operand):
                return f"(({c_type(expr.type, self.tuples)})~{self.value(operand)})"
            case Unary(operator=operator, operand=operand):
                checked = "checked_" if operator == "-" and self.is_debug else ""
                return f"{checked}sub_{expr.type}(0, {self.value(operand)})"
            case Compare(left=left, right=right, operator=operator):
                values = [self.value(left), self.value(right)]
                return self.in_order([left.type, right.type], values, f"(truth)({{0}} {operator} {{1}})")
            case Logic(left=left, right=right, operator=operator):
                return f"((truth)({self.value(left)} {'&&' if operator == 'and' else '||'} {self.value(right)}))"
            case Convert(operand=operand):
                return self._convert(expr, operand)
        raise NotImplementedError(type(expr).__name__)

    def _binary(self, kind: Type, operator: str) -> str:
        if operator in "&|^":
            return f"({c_type(kind, self.tuples)})({{0}} {operator} {{1}})"
        if operator in ARITHMETIC:
            return f"{'checked_' if self.is_debug else ''}{ARITHMETIC[operator]}_{kind}({{0}}, {{1}})"
        if operator == "//":
            return f"floor_{kind}({{0}}, {{1}}, {int(self.is_debug)})"
        name = {"%": "modulo", "<<": "left", ">>": "right"}.get(operator) or ARITHMETIC[operator.removeprefix("wrap")]
        return f"{name}_{kind}({{0}}, {{1}})"

    def _convert(self, expr: Convert, operand: Expr) -> str:
        source, target, value = operand.type, expr.type, self.value(operand)
        if source == target or isinstance(source, SpanType | StrType):
            return value
        name = c_type(target, self.tuples)
        if isinstance(target, PtrType | FuncType) or isinstance(source, PtrType | FuncType):
            never_null = isinstance(target, PtrType) and not target.optional and self.is_debug
            made = f"({name})(u64){value}"
            return f"({{ address p = {made}; if (p == 0) trap(NULL_POINTER); p; }})" if never_null else f"({made})"
        if isinstance(source, IntType) and isinstance(target, EnumType) and not target.is_flag:
            known = " || ".join(f"n == {n}" for n in sorted(set(target.values)) if source.holds(n)) or "0"
            return f"({{ {source} n = {value}; if (!({known})) trap(MEMBER); ({name})n; }})"
        return f"(({name}){value})"

    def _intrinsic(self, expr: Intrinsic) -> str:
        name, arguments = expr.name, expr.arguments
        kinds, values = [a.type for a in arguments], [self.value(a) for a in arguments]
        match name:
            case "panic":
                return "trap(PANIC)"
            case "unreachable":
                return "trap(UNREACHABLE)"
            case "fence" | "spin_hint":
                return "(void)0"
            case "overflow_add" | "overflow_sub" | "overflow_mul":
                word = f"{name.removeprefix('overflow_')}_over_{kinds[0]}"
                made = f"({{{{ {c_type(expr.type, self.tuples)} r; r.item1 = {word}({{0}}, {{1}}, &r.item0); r; }}}})"
                return self.in_order(kinds, values, made)
            case "memory_copy":
                return self.in_order(kinds, values, "(void)memmove({0}, {1}, {2})")
            case "memory_fill":
                return self.in_order(kinds, values, "(void)memset({0}, {1}, {2})")
        places = ", ".join(f"{{{i}}}" for i in range(len(values)))
        return self.in_order(kinds, values, f"{name}_{expr.type}({places})")

    def _atomic(self, expr: AtomicOperation) -> str:
        """One thread: plain reads and writes are atomic."""
        of = expr.place.type.of if isinstance(expr.place.type, AtomicType) else expr.place.type
        word = c_type(of, self.tuples)
        at, was = self.fresh(), self.fresh()
        values = [self.value(a) for a in expr.arguments]
        head = f"address {at} = {self.address(expr.place)};"
        match expr.name:
            case "load":
                return self.loaded(of, self.address(expr.place))
            case "store":
                return f"({{ {head} store_{word}({at}, {values[0]}); }})"
            case "cas" | "compare_exchange":
                old, new = self.fresh(), self.fresh()
                head += f" {word} {old} = {values[0]}; {word} {new} = {values[1]}; {word} {was} = load_{word}({at});"
                head += f" if ({was} == {old}) store_{word}({at}, {new});"
                won = f"(truth)({was} == {old})"
                if expr.name == "cas":
                    return f"({{ {head} {won}; }})"
                return f"({{ {head} ({c_type(expr.type, self.tuples)}){{{was}, {won}}}; }})"
        operand = self.fresh()
        operators = {"fetch_and": "&", "fetch_or": "|", "fetch_xor": "^"}
        made = f"{was} {operators.get(expr.name)} {operand}"
        if expr.name in ("fetch_add", "fetch_sub"):
            made = f"{expr.name.removeprefix('fetch_')}_{word}({was}, {operand})"
        elif expr.name == "exchange":
            made = operand
        head += f" {word} {operand} = {values[0]}; {word} {was} = load_{word}({at}); store_{word}({at}, {made});"
        return f"({{ {head} {was}; }})"

    # Calls

    def effect(self, expr: Expr) -> str:
        if expr.type.is_aggregate:
            return self.call(expr, self.room(expr.type)) if isinstance(expr, Call | IndirectCall) else "(void)0"
        return self.value(expr)

    def call(self, expr: Call | IndirectCall, result: str) -> str:
        arguments = expr.arguments
        kinds, values = [a.type for a in arguments], [self.value(a) for a in arguments]
        order = list(expr.order) if isinstance(expr, Call) and expr.order else list(range(len(arguments)))
        kinds, values = [kinds[i] for i in order], [values[i] for i in order]
        places = [f"{{{order.index(i)}}}" for i in range(len(arguments))]
        if isinstance(expr, Call):
            target = self.names[expr.function]
        else:
            target = f"(({self._shape(expr.target.type)}){{0}})"
            kinds, values = [expr.target.type, *kinds], [self.value(expr.target), *values]
            places = [f"{{{i + 1}}}" for i in range(len(arguments))]
        if result:
            places.insert(0, result)
        return self.in_order(kinds, values, f"{target}({', '.join(places)})")

    def _shape(self, of: Type) -> str:
        """The C type of a pointer to a function."""
        assert isinstance(of, FuncType)
        params = [c_type(p, self.tuples) for p in of.params]
        if of.result.is_aggregate:
            params.insert(0, "address")
        plain = of.result in (NONE, NEVER) or of.result.is_aggregate
        return f"{'void' if plain else c_type(of.result, self.tuples)} (*)({', '.join(params)})"
