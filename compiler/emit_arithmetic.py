"""Arithmetic, comparisons, conversions and intrinsics to LLVM IR, with the checks the language promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.emit_types import value_type
from compiler.source import Span
from compiler.tree import Binary, Bytes, Compare, Const, Convert, Expr, GlobalPlace, Intrinsic, Unary
from compiler.type_model import (
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    Type,
    divides_wide,
)

if TYPE_CHECKING:
    from compiler.emit import ModuleEmitter

PLAIN = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "wrap+": "add",
    "wrap-": "sub",
    "wrap*": "mul",
}
CHECKED = {"+": "add", "-": "sub", "*": "mul"}
FLOATING = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
BIT_INTRINSICS = {"count_zeros_left": "ctlz", "count_zeros_right": "cttz", "count_ones": "ctpop", "byte_swap": "bswap"}


def integer_of(kind: Type) -> IntType:
    if isinstance(kind, EnumType):
        return kind.of
    assert isinstance(kind, IntType)
    return kind


class ArithmeticEmitter:
    """What the arithmetic needs of a function under construction; FunctionEmitter provides it."""

    module: ModuleEmitter
    at: Span | None

    if TYPE_CHECKING:

        def assign(self, text: str) -> str: ...
        def line(self, text: str) -> None: ...
        def terminate(self, text: str) -> None: ...
        def start(self, label: str) -> None: ...
        def label(self, stem: str) -> str: ...
        def branch(self, test: str, yes: str, no: str) -> None: ...
        def trap_unless(self, test: str, message: str, span: Span) -> None: ...
        def trap(self, message: str, span: Span) -> None: ...
        def trap_block(self, message: str, span: Span) -> str: ...
        def stack_slot(self, kind: Type, stem: str = "t") -> str: ...
        def value(self, expr: Expr) -> str: ...

    def binary(self, expr: Binary, left: str, right: str) -> str:
        kind, operator = expr.type, expr.operator
        t = value_type(kind)
        if isinstance(kind, FloatType):
            return self.assign(f"{FLOATING[operator]} {t} {left}, {right}")
        if isinstance(kind, BoolType):
            return self.assign(f"{PLAIN[operator]} i1 {left}, {right}")
        assert isinstance(kind, IntType)
        if operator in CHECKED and self.module.options.debug_checks:
            return self._checked(expr, kind, CHECKED[operator], left, right)
        if operator in PLAIN:
            return self.assign(f"{PLAIN[operator]} {t} {left}, {right}")
        if operator in ("<<", ">>"):
            return self._shift(kind, operator, left, right, expr.right)
        return self._divide(expr, kind, left, right)

    def _checked(self, expr: Binary, kind: IntType, name: str, left: str, right: str) -> str:
        t = f"i{kind.bits}"
        result, overflowed = self._with_overflow(kind, name, left, right)
        self.trap_unless(self.assign(f"xor i1 {overflowed}, true"), f"integer overflow in {expr.operator}", expr.span)
        assert t
        return result

    def _with_overflow(self, kind: IntType, name: str, left: str, right: str) -> tuple[str, str]:
        t = f"i{kind.bits}"
        intrinsic = f"@llvm.{'s' if kind.signed else 'u'}{name}.with.overflow.{t}"
        self.module.need(f"{{{t}, i1}} {intrinsic}({t}, {t})")
        pair = self.assign(f"call {{{t}, i1}} {intrinsic}({t} {left}, {t} {right})")
        return self.assign(f"extractvalue {{{t}, i1}} {pair}, 0"), self.assign(f"extractvalue {{{t}, i1}} {pair}, 1")

    def _shift(self, kind: IntType, operator: str, left: str, right: str, count: Expr) -> str:
        """Shifts by the width or more give 0, or the sign; LLVM leaves them undefined."""
        t, width = f"i{kind.bits}", kind.bits
        word = "shl" if operator == "<<" else "ashr" if kind.signed else "lshr"
        if isinstance(count, Const) and 0 <= count.value < width:
            return self.assign(f"{word} {t} {left}, {right}")
        inside = self.assign(f"icmp ult {t} {right}, {width}")
        if word == "ashr":
            bounded = self.assign(f"select i1 {inside}, {t} {right}, {t} {width - 1}")
            return self.assign(f"ashr {t} {left}, {bounded}")
        shifted = self.assign(f"{word} {t} {left}, {right}")
        return self.assign(f"select i1 {inside}, {t} {shifted}, {t} 0")

    def _divide(self, expr: Binary, kind: IntType, left: str, right: str) -> str:
        t = f"i{kind.bits}"
        divisor = expr.right.value if isinstance(expr.right, Const) else None
        if divisor is None:
            self.trap_unless(self.assign(f"icmp ne {t} {right}, 0"), "division by zero", expr.span)
        if divisor is not None and divisor > 0 and divisor & (divisor - 1) == 0:
            if expr.operator == "//":
                return self.assign(f"{'ashr' if kind.signed else 'lshr'} {t} {left}, {divisor.bit_length() - 1}")
            return self.assign(f"and {t} {left}, {divisor - 1}")
        if divides_wide(kind):
            return self._divide_wide(expr, kind, left, right, divisor)
        if not kind.signed:
            return self.assign(f"{'udiv' if expr.operator == '//' else 'urem'} {t} {left}, {right}")
        return self._floor(expr, t, left, right, divisor)

    def _divide_wide(self, expr: Binary, kind: IntType, left: str, right: str, divisor: int | None) -> str:
        t, division = f"i{kind.bits}", self.module.program.division
        if kind.signed and divisor in (None, -1):
            minus_one = self.assign(f"icmp eq {t} {right}, -1")
            self._trap_least(expr, t, left, minus_one)
        function = self.module.symbol(division["floor_quotient" if kind.signed else "quotient"])
        quotient = self.assign(f"call noundef {t} {function}({t} noundef {left}, {t} noundef {right})")
        if expr.operator == "//":
            return quotient
        return self.assign(f"sub {t} {left}, {self.assign(f'mul {t} {quotient}, {right}')}")

    def _trap_least(self, expr: Binary, t: str, left: str, minus_one: str) -> None:
        """In debug builds the least integer does not divide by -1: the quotient would not fit."""
        if self.module.options.debug_checks and expr.operator == "//":
            least = self.assign(f"icmp eq {t} {left}, {-(1 << (int(t[1:]) - 1))}")
            bad = self.assign(f"and i1 {least}, {minus_one}")
            self.trap_unless(self.assign(f"xor i1 {bad}, true"), "integer overflow in //", expr.span)

    def _floor(self, expr: Binary, t: str, left: str, right: str, divisor: int | None) -> str:
        """Rounds towards minus infinity; the least integer divided by -1 wraps (and traps in debug builds)."""
        minus_one = self.assign(f"icmp eq {t} {right}, -1")
        if divisor in (None, -1):
            self._trap_least(expr, t, left, minus_one)
        safe = self.assign(f"select i1 {minus_one}, {t} 1, {t} {right}")
        remainder = self.assign(f"srem {t} {left}, {safe}")
        signs = self.assign(f"xor {t} {remainder}, {safe}")
        differ = self.assign(f"icmp slt {t} {signs}, 0")
        nonzero = self.assign(f"icmp ne {t} {remainder}, 0")
        adjust = self.assign(f"and i1 {differ}, {nonzero}")
        if expr.operator == "%":
            moved = self.assign(f"add {t} {remainder}, {safe}")
            floored = self.assign(f"select i1 {adjust}, {t} {moved}, {t} {remainder}")
            return self.assign(f"select i1 {minus_one}, {t} 0, {t} {floored}")
        quotient = self.assign(f"sdiv {t} {left}, {safe}")
        one_less = self.assign(f"sub {t} {quotient}, 1")
        floored = self.assign(f"select i1 {adjust}, {t} {one_less}, {t} {quotient}")
        negated = self.assign(f"sub {t} 0, {left}")
        return self.assign(f"select i1 {minus_one}, {t} {negated}, {t} {floored}")

    def unary(self, expr: Unary, operand: str) -> str:
        kind = expr.type
        t = value_type(kind)
        if expr.operator == "not":
            return self.assign(f"xor i1 {operand}, true")
        if expr.operator == "~":
            return self.assign(f"xor {t} {operand}, -1")
        if isinstance(kind, FloatType):
            return self.assign(f"fneg {t} {operand}")
        assert isinstance(kind, IntType)
        if expr.operator == "-" and self.module.options.debug_checks:
            result, overflowed = self._with_overflow(kind, "sub", "0", operand)
            self.trap_unless(self.assign(f"xor i1 {overflowed}, true"), "integer overflow in -", expr.span)
            return result
        return self.assign(f"sub {t} 0, {operand}")

    def compare(self, expr: Compare, left: str, right: str) -> str:
        kind = expr.left.type
        t, name = value_type(kind), COMPARISONS[expr.operator]
        if isinstance(kind, FloatType):
            return self.assign(f"fcmp {'u' if name == 'ne' else 'o'}{name} {t} {left}, {right}")
        if name not in ("eq", "ne"):
            signed = isinstance(kind, IntType) and kind.signed
            name = ("s" if signed else "u") + name
        return self.assign(f"icmp {name} {t} {left}, {right}")

    # Conversions

    def convert(self, expr: Convert, operand: Expr, value: str) -> str:
        source, target = operand.type, expr.type
        if isinstance(source, SpanType | StrType) or source == target:
            return value
        a, b = value_type(source), value_type(target)
        if isinstance(target, PtrType | FuncType):
            return self._to_pointer(expr, source, target, value)
        if isinstance(source, PtrType | FuncType):
            return self.assign(f"ptrtoint ptr {value} to {b}")
        if isinstance(source, FloatType) or isinstance(target, FloatType):
            return self._convert_float(source, target, a, b, value)
        if isinstance(source, BoolType):
            return self.assign(f"zext i1 {value} to {b}")
        if isinstance(source, IntType) and isinstance(target, EnumType) and not target.is_flag:
            self._trap_unless_member(value, source, target, expr.span)
        return self._resize(value, integer_of(source), integer_of(target))

    def _trap_unless_member(self, value: str, source: IntType, kind: EnumType, span: Span) -> None:
        member, other = self.label("member"), self.trap_block(f"no member of {kind}", span)
        ways = " ".join(f"i{source.bits} {n}, label %{member}" for n in sorted(set(kind.values)) if source.holds(n))
        self.terminate(f"switch i{source.bits} {value}, label %{other} [{ways}]")
        self.start(member)

    def _resize(self, value: str, source: IntType, target: IntType) -> str:
        if source.bits == target.bits:
            return value
        word = "trunc" if target.bits < source.bits else "sext" if source.signed else "zext"
        return self.assign(f"{word} i{source.bits} {value} to i{target.bits}")

    def _to_pointer(self, expr: Convert, source: Type, target: Type, value: str) -> str:
        if isinstance(source, IntType):
            value = self.assign(f"inttoptr i{source.bits} {value} to ptr")
        may_be_null = isinstance(source, IntType) or (isinstance(source, PtrType) and source.optional)
        if may_be_null and isinstance(target, PtrType) and not target.optional and self.module.options.debug_checks:
            self.trap_unless(self.assign(f"icmp ne ptr {value}, null"), "null pointer", expr.span)
        return value

    def _convert_float(self, source: Type, target: Type, a: str, b: str, value: str) -> str:
        if isinstance(source, FloatType) and isinstance(target, FloatType):
            return self.assign(f"{'fpext' if source.bits < target.bits else 'fptrunc'} {a} {value} to {b}")
        if isinstance(target, FloatType):
            signed = isinstance(source, IntType) and source.signed
            return self.assign(f"{'sitofp' if signed else 'uitofp'} {a} {value} to {b}")
        word = f"@llvm.fpto{'s' if integer_of(target).signed else 'u'}i.sat.{b}.{'f32' if a == 'float' else 'f64'}"
        self.module.need(f"{b} {word}({a})")
        return self.assign(f"call {b} {word}({a} {value})")

    def to_word(self, value: str, kind: Type) -> str:
        """A scalar as the 64-bit register that carries it."""
        if isinstance(kind, PtrType | FuncType):
            return self.assign(f"ptrtoint ptr {value} to i64")
        if isinstance(kind, BoolType):
            return self.assign(f"zext i1 {value} to i64")
        return self._resize(value, integer_of(kind), IntType(64, False))

    def from_word(self, word: str, kind: Type) -> str:
        if isinstance(kind, PtrType | FuncType):
            return self.assign(f"inttoptr i64 {word} to ptr")
        if isinstance(kind, BoolType):
            low = self.assign(f"trunc i64 {word} to i8")
            return self.assign(f"icmp ne i8 {low}, 0")
        return self._resize(word, IntType(64, False), integer_of(kind))

    # Intrinsics

    def intrinsic(self, expr: Intrinsic) -> str:
        name = expr.name
        match name:
            case "panic":
                return self._panic(expr)
            case "unreachable":
                self.trap("unreachable code was reached", expr.span)
                return ""
            case "fence":
                self.line(f"fence {expr.kind}")
                return ""
            case "spin_hint":
                self.line('call void asm sideeffect "pause", "~{memory}"()')
                return ""
            case "frame_address":
                self.module.need("ptr @llvm.frameaddress.p0(i32)")
                return self.assign(f"ptrtoint ptr {self.assign('call ptr @llvm.frameaddress.p0(i32 0)')} to i64")
            case "return_address":
                self.module.need("ptr @llvm.returnaddress(i32)")
                return self.assign(f"ptrtoint ptr {self.assign('call ptr @llvm.returnaddress(i32 0)')} to i64")
            case "percpu_address":
                return self._percpu_address(expr)
        values, t = [self.value(a) for a in expr.arguments], value_type(expr.type)
        if name == "float_abs":
            word = f"@llvm.fabs.{'f32' if t == 'float' else 'f64'}"
            self.module.need(f"{t} {word}({t})")
            return self.assign(f"call {t} {word}({t} {values[0]})")
        if name in ("min", "max"):
            return self._min_max(expr, values)
        if name.startswith("overflow_"):
            kind = integer_of(expr.arguments[0].type)
            result, flag = self._with_overflow(kind, name.removeprefix("overflow_"), values[0], values[1])
            pair = self.assign(f"insertvalue {value_type(expr.type)} poison, i{kind.bits} {result}, 0")
            return self.assign(f"insertvalue {value_type(expr.type)} {pair}, i1 {flag}, 1")
        if name in BIT_INTRINSICS:
            return self._bit_intrinsic(expr, values[0])
        if name in ("rotate_left", "rotate_right"):
            return self._rotate(expr, values)
        if name == "float_bits":
            return self.assign(f"bitcast double {values[0]} to i64")
        if name in ("memory_copy", "memory_fill"):
            return self._memory(name, values)
        raise AssertionError(f"no intrinsic {name}")

    def _percpu_address(self, expr: Intrinsic) -> str:
        place = expr.arguments[0]
        assert isinstance(place, GlobalPlace)
        return self.assign(f"ptrtoint ptr {self.module.symbol(place.data)} to i64")

    def _panic(self, expr: Intrinsic) -> str:
        message = expr.arguments[0]
        if isinstance(message, Bytes):
            self.trap(message.value.decode(), expr.span)
            return ""
        handler = self.module.program.panic_handler
        assert handler is not None
        path = expr.span.file.path.encode()
        file = f"{{ptr, i64}} {{ptr {self.module.string(path)}, i64 {len(path)}}}"
        self.line(
            f"call void {self.module.symbol(handler)}({{ptr, i64}} {self.value(message)}, {file}, i32 {expr.span.line})"
        )
        self.terminate("unreachable")
        return ""

    def _min_max(self, expr: Intrinsic, values: list[str]) -> str:
        if isinstance(expr.type, FloatType):
            t = value_type(expr.type)  # as Python chooses: the second only where it surely is the one
            second = self.assign(f"fcmp {'olt' if expr.name == 'min' else 'ogt'} {t} {values[1]}, {values[0]}")
            return self.assign(f"select i1 {second}, {t} {values[1]}, {t} {values[0]}")
        kind = integer_of(expr.type)
        t = f"i{kind.bits}"
        word = f"@llvm.{'s' if kind.signed else 'u'}{expr.name}.{t}"
        self.module.need(f"{t} {word}({t}, {t})")
        return self.assign(f"call {t} {word}({t} {values[0]}, {t} {values[1]})")

    def _bit_intrinsic(self, expr: Intrinsic, value: str) -> str:
        t = value_type(expr.type)
        word = f"@llvm.{BIT_INTRINSICS[expr.name]}.{t}"
        zero_defined = expr.name.startswith("count_zeros")
        self.module.need(f"{t} {word}({t}{', i1' if zero_defined else ''})")
        return self.assign(f"call {t} {word}({t} {value}{', i1 false' if zero_defined else ''})")

    def _rotate(self, expr: Intrinsic, values: list[str]) -> str:
        t = value_type(expr.type)
        word = f"@llvm.fsh{'l' if expr.name == 'rotate_left' else 'r'}.{t}"
        self.module.need(f"{t} {word}({t}, {t}, {t})")
        return self.assign(f"call {t} {word}({t} {values[0]}, {t} {values[0]}, {t} {values[1]})")

    def _memory(self, name: str, values: list[str]) -> str:
        to, second, count = values
        if name == "memory_fill":
            self.module.need("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            self.line(f"call void @llvm.memset.p0.i64(ptr {to}, i8 {second}, i64 {count}, i1 false)")
        else:
            self.module.need("void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)")
            self.line(f"call void @llvm.memmove.p0.p0.i64(ptr {to}, ptr {second}, i64 {count}, i1 false)")
        return ""
