"""Random programs of the language that the compiler accepts: every operator at every width, loops, branches, arrays,
structs, pointers and calls. The same seed makes the same program."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.compiler.program_generator import Signature, is_constant, limits

UNSIGNED, SIGNED = ("u8", "u16", "u32", "u64", "u128"), ("i8", "i16", "i32", "i64", "i128")
INTEGERS = UNSIGNED + SIGNED
ARGUMENTS = ("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64")
HEADER = """from enum import IntEnum

from compiler.prelude import (
    addr, array, atomic, bits, byte_swap, copy, count_ones, count_zeros_left, count_zeros_right, i8, i16, i32, i64,
    i128, overflow_add, overflow_mul, overflow_sub, ptr, rotate_left, rotate_right, span, struct, u8, u16, u32, u64,
    u128, union, wrap_add, wrap_mul, wrap_neg, wrap_sub, zeroed,
)


@struct
class Record:
    a: u8
    b: i32
    c: u64
    d: bits[u32, 3, 7]
    e: bits[u32, 12, 20]
    f: i16
    g: array[u16, 3]
    next: ptr[Record] | None

    def total(self) -> u64:
        return wrap_add(u64(self.a), self.c)


@union
class Word:
    whole: u32
    parts: array[u16, 2]
    low: i8


class Color(IntEnum):
    RED = 1
    GREEN = 2
    BLUE = 200


shared: array[u32, 5] = array(3, 1, 4, 1, 5)
counter: u64 = 0
ticket: atomic[u32] = 0


def pair(a: u32, b: i16) -> tuple[u32, i16, bool]:
    return a // 3, b // 2, a > 7


def total_of(values: span[u64]) -> u64:
    total: u64 = len(values)
    for value in values:
        total = wrap_add(total, value)
    return total


def color_of(n: u8) -> Color:
    if n < 100:
        return Color.GREEN if n & 1 == 0 else Color.RED
    return Color.BLUE


def store(place: ptr[u64], value: u64) -> u64:
    place[0] = value
    return value
"""
OPERATORS = ("+", "-", "*", "&", "|", "^", "//", "%", "<<", ">>")
FIELDS = {"a": "u8", "b": "i32", "c": "u64", "d": "u32", "e": "u32", "f": "i16"}


@dataclass
class Scope:
    """Names in sight by type; `frozen` are loop variables, which the program does not assign."""

    locals: dict[str, str]
    frozen: set[str] = field(default_factory=set)

    def names(self, kind: str) -> list[str]:
        return [name for name, of in self.locals.items() if of == kind]


class Generator:
    def __init__(self, seed: int, count: int) -> None:
        self.random = random.Random(seed)
        self.lines = [HEADER]
        self.functions: list[tuple[str, list[str]]] = []
        self.signatures: list[tuple[str, list[str], str]] = []
        self.fresh = 0
        for index in range(count):
            self._function(f"f{index}")

    def source(self) -> str:
        return "\n".join(self.lines) + "\n"

    def _name(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"

    def _one_in(self, n: int) -> bool:
        return self.random.randrange(n) == 0

    # Functions and statements

    def _function(self, name: str) -> None:
        parameters = [self.random.choice(ARGUMENTS) for _ in range(self.random.randint(1, 3))]
        result = self.random.choice((*ARGUMENTS, "bool"))
        scope = Scope({f"p{i}": kind for i, kind in enumerate(parameters)})
        listed = ", ".join(f"p{i}: {kind}" for i, kind in enumerate(parameters))
        self.lines += ["", "", f"def {name}({listed}) -> {result}:", "    global counter"]
        scope.locals["record.total()"] = "u64"
        self.lines.append("    row: array[u64, 4] = array(7, 1 << 63, 0, 12345)")
        self.lines.append(f"    record = Record(a={self._literal('u8')}, b={self._literal('i32')}, e=77)")
        scope.locals |= {f"record.{f}": kind for f, kind in FIELDS.items()}
        scope.locals |= {"row[1]": "u64", "shared[2]": "u32", "counter": "u64", "record.g[1]": "u16"}
        scope.frozen.add("record.total()")
        for _ in range(self.random.randint(2, 6)):
            self._statement(scope, 1, 2)
        self.lines.append(f"    return {self._expression(result, scope, 3)}")
        self.functions.append((name, parameters))
        self.signatures.append((name, parameters, result))

    def _statement(self, scope: Scope, depth: int, nesting: int) -> None:
        kinds = ["declare", "declare", "assign", "assign", "augment", "tell", "element", "pointer", "assertion", "rare"]
        if nesting:
            kinds += ["branch", "loop", "fall", "count", "walk", "match", "forever"]
        getattr(self, f"_{self.random.choice(kinds)}")(scope, "    " * depth, nesting)

    def _block(self, scope: Scope, indent: str, nesting: int) -> None:
        inner = Scope(dict(scope.locals), set(scope.frozen))
        self.lines.append(f"{indent}    pass")
        for _ in range(self.random.randint(1, 3)):
            self._statement(inner, len(indent) // 4 + 1, nesting - 1)

    def _declare(self, scope: Scope, indent: str, nesting: int) -> None:
        name, kind = self._name(), self.random.choice((*INTEGERS, "bool"))
        value = self._expression(kind, scope, 3)
        if self._one_in(2) and not _is_literal(value):
            self.lines.append(f"{indent}{name} = {value}")
        else:
            self.lines.append(f"{indent}{name}: {kind} = {value}")
        scope.locals[name] = kind

    def _target(self, scope: Scope) -> tuple[str, str] | None:
        names = [(n, k) for n, k in scope.locals.items() if n not in scope.frozen]
        return self.random.choice(names) if names else None

    def _assign(self, scope: Scope, indent: str, nesting: int) -> None:
        target = self._target(scope)
        if target:
            self.lines.append(f"{indent}{target[0]} = {self._expression(target[1], scope, 3)}")

    def _augment(self, scope: Scope, indent: str, nesting: int) -> None:
        target = self._target(scope)
        if target and target[1] != "bool":
            operator = self._operator(target[1])
            right = self._operand(target[1], scope, 2, operator)
            self.lines.append(f"{indent}{target[0]} {operator}= {right}")

    def _tell(self, scope: Scope, indent: str, nesting: int) -> None:
        kind = self.random.choice(INTEGERS)
        name, told = self._name(), self._name()
        function = self.random.choice(["overflow_add", "overflow_sub", "overflow_mul"])
        left, right = self._value(kind, scope, 2), self._expression(kind, scope, 2)
        self.lines.append(f"{indent}{name}, {told} = {function}({left}, {right})")
        scope.locals |= {name: kind, told: "bool"}

    def _element(self, scope: Scope, indent: str, nesting: int) -> None:
        index = self._index(scope, 4)
        self.lines.append(f"{indent}row[{index}] = {self._expression('u64', scope, 2)}")

    def _pointer(self, scope: Scope, indent: str, nesting: int) -> None:
        choice = self.random.randrange(4)
        value = self._expression("u64", scope, 2)
        place = ["addr(row[2])", "addr(record.c)", "addr(counter)", "addr(row[1])"][choice]
        if self._one_in(2):
            self.lines.append(f"{indent}_ = store({place}, {value})")
        else:
            name = self._name()
            self.lines.append(f"{indent}{name} = copy(record)")
            self.lines.append(f"{indent}record.next = addr({name})")
            self.lines.append(f"{indent}{name}.c = {value}")
            scope.locals |= {f"{name}.c": "u64", f"{name}.e": "u32"}

    def _assertion(self, scope: Scope, indent: str, nesting: int) -> None:
        if self._one_in(4):
            self.lines.append(f"{indent}assert {self._test(scope, 2)}")

    def _branch(self, scope: Scope, indent: str, nesting: int) -> None:
        self.lines.append(f"{indent}if {self._test(scope, 2)}:")
        self._block(scope, indent, nesting)
        if self._one_in(2):
            self.lines.append(f"{indent}else:")
            self._block(scope, indent, nesting)

    def _loop(self, scope: Scope, indent: str, nesting: int) -> None:
        name, kind = self._name(), self.random.choice(ARGUMENTS)
        end = f"{kind}({self.random.randint(0, 5)})"
        ends = end if self._one_in(2) else f"{self.random.randint(0, 3)}, {end}, {self.random.randint(1, 2)}"
        self.lines.append(f"{indent}for {name} in range({ends}):")
        inner = Scope(scope.locals | {name: kind}, scope.frozen | {name})
        self._block(inner, indent, nesting)

    def _fall(self, scope: Scope, indent: str, nesting: int) -> None:
        name, kind = self._name(), self.random.choice(["i8", "i16", "i32", "i64"])
        ends = f"{kind}({self.random.randint(0, 5)}), -{self.random.randint(1, 3)}, -{self.random.randint(1, 3)}"
        self.lines.append(f"{indent}for {name} in range({ends}):")
        self._block(Scope(scope.locals | {name: kind}, scope.frozen | {name}), indent, nesting)

    def _forever(self, scope: Scope, indent: str, nesting: int) -> None:
        name = self._name()
        self.lines += [f"{indent}{name}: u8 = 0", f"{indent}while True:", f"{indent}    {name} += 1"]
        inner = Scope(scope.locals | {name: "u8"}, scope.frozen | {name})
        self._block(inner, indent, nesting)
        self.lines += [f"{indent}    if {name} > 2 or {self._test(inner, 1)}:", f"{indent}        break"]

    def _match(self, scope: Scope, indent: str, nesting: int) -> None:
        kind = self.random.choice(["u8", "u32", "i16", "u64"])
        self.lines.append(f"{indent}match {self._value(kind, scope, 2)}:")
        numbers = self.random.sample(range(6), 4)
        for case in (f"{numbers[0]} | {numbers[1]}", f"{numbers[2]} if {self._test(scope, 1)}", str(numbers[3]), "_"):
            if case != "_" or self._one_in(2):
                self.lines.append(f"{indent}    case {case}:")
                self._block(scope, indent + "    ", nesting)

    def _rare(self, scope: Scope, indent: str, nesting: int) -> None:
        """Statements with a fixed form: tuples, spans, unions, enums, atomics."""
        a, b, c = self._name(), self._name(), self._name()
        u32, u64, u8 = (self._value(kind, scope, 2) for kind in ("u32", "u64", "u8"))
        forms = {
            f"{a}, {b}, {c} = pair({u32}, {self._expression('i16', scope, 2)})": {a: "u32", b: "i16", c: "bool"},
            f"{a} = total_of(row[{self._index(scope, 3)}:{self._index(scope, 5)}])": {a: "u64"},
            f"{a} = Word(whole={u32})\n{indent}{a}.parts[1] = u16({u64})": {f"{a}.whole": "u32", f"{a}.low": "i8"},
            f"{a} = u32(color_of({u8}))\n{indent}{b} = color_of({u8}) == Color.GREEN": {a: "u32", b: "bool"},
            f"{a} = ticket.{self._atomic()}({u32})": {a: "u32"},
            f"{a} = ticket.load()\n{indent}{b} = ticket.cas({u32}, {a}, 'acq_rel')": {a: "u32", b: "bool"},
        }
        line, locals_made = self.random.choice(list(forms.items()))
        self.lines.append(f"{indent}{line}")
        scope.locals |= locals_made

    def _atomic(self) -> str:
        operations = ["fetch_add", "fetch_sub", "fetch_and", "fetch_or", "fetch_xor", "exchange"]
        return self.random.choice(operations)

    def _count(self, scope: Scope, indent: str, nesting: int) -> None:
        name = self._name()
        self.lines.append(f"{indent}{name}: u32 = 0")
        self.lines.append(f"{indent}while {name} < {self.random.randint(1, 4)}:")
        inner = Scope(scope.locals | {name: "u32"}, scope.frozen | {name})
        self.lines.append(f"{indent}    {name} += 1")
        if self._one_in(3):
            self.lines.append(f"{indent}    if {self._test(inner, 1)}:")
            self.lines.append(f"{indent}        {self.random.choice(['break', 'continue'])}")
        self._block(inner, indent, nesting)

    def _walk(self, scope: Scope, indent: str, nesting: int) -> None:
        name = self._name()
        over, kind = self.random.choice([("row", "u64"), ("shared", "u32"), ("row[1:3]", "u64"), ("record.g", "u16")])
        self.lines.append(f"{indent}for {name} in {over}:")
        inner = Scope(scope.locals | {name: kind}, scope.frozen | {name})
        self._block(inner, indent, nesting)

    # Expressions

    def _literal(self, kind: str) -> str:
        low, high = limits(kind)
        edge = [0, 1, 2, 3, 7, 8, high, high - 1, low, high // 2, int(kind[1:]), int(kind[1:]) - 1]
        value = self.random.choice(edge) if self._one_in(2) else self.random.randint(low, high)
        return str(value) if value >= 0 else f"({value})"

    def _index(self, scope: Scope, count: int) -> str:
        index = self._value(self.random.choice(["u32", "u64", "i16"]), scope, 1)
        if self._one_in(8) and not is_constant(index):
            return index
        return f"{self._value(self.random.choice(['u8', 'u32', 'u64']), scope, 1)} % {count}"

    def _expression(self, kind: str, scope: Scope, depth: int) -> str:
        if kind == "bool":
            return self._test(scope, depth)
        return self._literal(kind) if self._one_in(6) else self._value(kind, scope, depth)

    def _value(self, kind: str, scope: Scope, depth: int) -> str:
        """An expression that is not a literal, so that it has the type by itself."""
        names = scope.names(kind)
        if depth <= 0 or self._one_in(4):
            if names and not self._one_in(6):
                return self.random.choice(names)
            return f"{kind}({self._literal(kind)})"
        forms = (
            [self._binary] * 5
            + [self._convert] * 2
            + [self._unary, self._builtin, self._select, self._load, self._call]
        )
        return self.random.choice(forms)(kind, scope, depth - 1)

    def _operator(self, kind: str) -> str:
        return self.random.choice(OPERATORS)

    def _operand(self, kind: str, scope: Scope, depth: int, operator: str) -> str:
        """A right operand: literal divisors are not 0, and shifts are mostly within the width."""
        if operator in ("//", "%") and self._one_in(2):
            return str(self.random.randint(1, min(limits(kind)[1], 1000)))
        if operator in ("<<", ">>") and self._one_in(2):
            return str(self.random.randint(0, min(int(kind[1:]) + 1, limits(kind)[1])))
        if operator == "*" and self._one_in(2):
            return str(self.random.randint(0, 3))
        value = self._expression(kind, scope, depth)
        if operator in ("//", "%") and is_constant(value):
            return self.random.choice(["3", "7", "10"])
        return value

    def _binary(self, kind: str, scope: Scope, depth: int) -> str:
        operator = self._operator(kind)
        left, right = self._value(kind, scope, depth), self._operand(kind, scope, depth, operator)
        if operator in ("&", "|", "^", "+") and self._one_in(4) and not _is_literal(left):
            left, right = right, left
        return f"({left} {operator} {right})"

    def _convert(self, kind: str, scope: Scope, depth: int) -> str:
        source = self.random.choice((*INTEGERS, "bool"))
        return f"{kind}({self._test(scope, depth) if source == 'bool' else self._value(source, scope, depth)})"

    def _unary(self, kind: str, scope: Scope, depth: int) -> str:
        value = self._value(kind, scope, depth)
        if kind[0] == "i":
            return self.random.choice([f"(-{value})", f"(~{value})", f"abs({value})"])
        return f"(~{value})"

    def _builtin(self, kind: str, scope: Scope, depth: int) -> str:
        value = self._value(kind, scope, depth)
        name = self.random.choice(
            ["wrap_add", "wrap_sub", "wrap_mul", "min", "max", "rotate_left", "rotate_right", "one"]
        )
        if name == "one":
            one = ["count_ones", "count_zeros_left", "count_zeros_right", "wrap_neg"]
            return f"{self.random.choice(one if kind[1:] == '8' else [*one, 'byte_swap'])}({value})"
        return f"{name}({value}, {self._expression(kind, scope, depth)})"

    def _select(self, kind: str, scope: Scope, depth: int) -> str:
        other = self._expression(kind, scope, depth)
        return f"({self._value(kind, scope, depth)} if {self._test(scope, depth)} else {other})"

    def _load(self, kind: str, scope: Scope, depth: int) -> str:
        if kind == "u64":
            return f"row[{self._index(scope, 4)}]"
        if kind == "u32":
            return f"shared[{self._index(scope, 5)}]"
        return self._convert(kind, scope, depth)

    def _call(self, kind: str, scope: Scope, depth: int) -> str:
        callable_ones = [s for s in self.signatures[-6:] if s[2] == kind]
        if not callable_ones or depth < 1:
            return self._convert(kind, scope, depth)
        name, parameters, _ = self.random.choice(callable_ones)
        self.signatures = [s for s in self.signatures if s[0] != name]  # called once, so that time stays bounded
        return f"{name}({', '.join(self._expression(p, scope, 1) for p in parameters)})"

    def _test(self, scope: Scope, depth: int) -> str:
        names = scope.names("bool")
        if names and self._one_in(4):
            return self.random.choice(names)
        if depth > 0 and self._one_in(3):
            joined = f" {self.random.choice(['and', 'or'])} ".join(self._test(scope, depth - 1) for _ in range(2))
            return f"({joined})" if self._one_in(2) else f"(not ({joined}))"
        kind = self.random.choice(INTEGERS)
        comparison = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return f"({self._value(kind, scope, depth - 1)} {comparison} {self._expression(kind, scope, depth - 1)})"


def module(seed: int, count: int) -> tuple[str, list[Signature]]:
    """A source with `count` functions, and what they take."""
    generator = Generator(seed, count)
    return generator.source(), [Signature(name, tuple(params), "") for name, params in generator.functions]


def _is_literal(text: str) -> bool:
    return text.strip("()-").isdigit()
