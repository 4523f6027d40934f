"""Expressions and places of the typed tree as C (see c_program.py)."""

from __future__ import annotations

from compiler.symbols import Function, GlobalVar
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
    FunctionRef,
    GlobalPlace,
    IndirectCall,
    Intrinsic,
    Keep,
    Load,
    Local,
    LocalPlace,
    Logic,
    Materialized,
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
    NONE,
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

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul"}
KINDS = {
    "overflow": 1,
    "value does not fit": 1,
    "division": 2,
    "bounds": 3,
    "assertion": 4,
    "null": 5,
    "unreach": 6,
    "no member": 8,
}


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


class ExpressionWriter:
    """What expressions need of a function under construction; FunctionWriter provides it."""

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
        return next((number for words, number in KINDS.items() if words in message), 7)

    def in_order(self, kinds: list[Type], values: list[str], result: str) -> str:
        """Computes the values from first to last; `result` names them {0}, {1}, ..."""
        names = [self.fresh() for _ in values]
        made = " ".join(f"{c_type(k, self.tuples)} {n} = {v};" for k, n, v in zip(kinds, names, values, strict=True))
        return f"({{ {made} {result.format(*names)}; }})"

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
                return self._call(expr, "")
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
            return self._call(expr, self.room(expr.type)) if isinstance(expr, Call | IndirectCall) else "(void)0"
        return self.value(expr)

    def _call(self, expr: Call | IndirectCall, result: str) -> str:
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
                return f"{self._call(value, at)};"
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
