"""Random programs that obey the language's rules: typed expressions at every width, loops that end, arrays, structs.

Every function takes integers and returns one; what it does with them is up to the seed. Traps are wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

WIDTHS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
TYPES = list(WIDTHS)
HEADER = """from compiler.prelude import (
    addr, array, bits, byte_swap, copy, count_ones, count_zeros_left, count_zeros_right, i8, i16, i32, i64,
    overflow_add, overflow_mul, overflow_sub, ptr, rotate_left, rotate_right, span, struct, u8, u16, u32, u64,
    wrap_add, wrap_mul, wrap_neg, wrap_sub, zeroed,
)


@struct
class Record:
    a: u8
    b: i32
    low: bits[u16, 0, 5]
    high: bits[u16, 5, 11]
    c: u64
    row: array[i16, 3]

    def mix(self, by: i32) -> i32:
        self.b ^= by
        return self.b


data: u32 = 1


def note(value: u32) -> bool:
    global data
    data = wrap_add(wrap_mul(data, 31), value)
    return value & 1 == 0
"""
WRAPPING = {"+": "wrap_add", "-": "wrap_sub", "*": "wrap_mul"}
FIELDS = {"a": "u8", "b": "i32", "low": "u16", "high": "u16", "c": "u64"}


def limits(kind: str) -> tuple[int, int]:
    bits = int(kind[1:])
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind[0] == "i" else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Signature:
    name: str
    params: tuple[str, ...]
    result: str


@dataclass
class Generator:
    random: Random
    calm: float = 0.5  # how often arithmetic is of the kind that cannot trap
    made: list[Signature] = field(default_factory=list)
    leaves: list[Signature] = field(default_factory=list)  # functions that call no other: what others may call in loops
    may_call: bool = False
    names: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    indent: int = 1
    depth: int = 0
    counter: int = 0

    def function(self, number: int) -> str:
        params = tuple(self.random.choice(TYPES) for _ in range(self.random.randint(1, 3)))
        signature = Signature(f"f{number}", params, self.random.choice(TYPES))
        self.names = {f"p{i}": kind for i, kind in enumerate(params)}
        self.lines, self.indent, self.counter = [], 1, 0
        self.may_call = number % 2 == 1
        head = ", ".join(f"{name}: {kind}" for name, kind in self.names.items())
        self.line(f"row: array[{self.random.choice(TYPES)}, 4] = zeroed()")
        row = self.lines[-1].split("[")[1].split(",")[0]
        self.row = row
        self.line("record: Record = zeroed()")
        self.block(self.random.randint(2, 5))
        self.line("seen: u64 = 0")
        places = [
            *self.names,
            *(f"row[{i}]" for i in range(4)),
            *(f"record.{name}" for name in FIELDS),
            "record.row[1]",
        ]
        for place in places:
            self.line(f"seen = wrap_add(wrap_mul(seen, 31), u64({place}))")
        self.line(
            f"return {signature.result}(seen) ^ {self.typed(self.expression(signature.result, 3), signature.result)}"
        )
        text = "\n".join([f"def {signature.name}({head}) -> {signature.result}:", *self.lines])
        self.made.append(signature)
        if not self.may_call:
            self.leaves.append(signature)
        return text

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    # Statements

    def block(self, count: int) -> None:
        known = dict(self.names)
        for _ in range(count):
            self.random.choice(self.STATEMENTS)(self)
        if self.indent > 1:
            self.names = known

    def nested(self) -> None:
        self.indent += 1
        self.block(self.random.randint(1, 3) if self.indent < 4 else 1)
        self.indent -= 1

    def fresh(self, kind: str) -> str:
        self.counter += 1
        self.names[f"v{self.counter}"] = kind
        return f"v{self.counter}"

    def declare(self) -> None:
        kind = self.random.choice(TYPES)
        value = self.expression(kind, 3)
        self.line(f"{self.fresh(kind)}: {kind} = {value}")

    def assign(self) -> None:
        name, kind = self.random.choice(list(self.names.items()))
        if name.startswith("i_"):
            return self.declare()
        if self.random.random() < 0.5:
            operators = ["&", "|", "^", "//", "%"]
            operator = self.random.choice(operators if self.random.random() < self.calm else ["+", "-", "*"])
            self.line(
                f"{name} {operator}= {self.divisor(kind, 2) if operator in ('//', '%') else self.expression(kind, 2)}"
            )
        else:
            self.line(f"{name} = {self.expression(kind, 3)}")

    def store(self) -> None:
        if self.random.random() < 0.5:
            self.line(f"row[{self.index(4)}] = {self.expression(self.row, 2)}")
        else:
            name = self.random.choice(list(FIELDS))
            self.line(f"record.{name} = {self.field_value(name)}")

    def field_value(self, name: str) -> str:
        """Bit-fields trap in debug builds when a value does not fit; most of the time it does."""
        value = self.expression(FIELDS[name], 2)
        if name == "low" and self.random.random() < 0.99:
            return f"{self.typed(value, 'u16')} & 31"
        return f"{self.typed(value, 'u16')} & 2047" if name == "high" and self.random.random() < 0.99 else value

    def store_element(self) -> None:
        self.line(f"record.row[{self.index(3)}] = {self.expression('i16', 2)}")

    def choose(self) -> None:
        self.line(f"if {self.condition(2)}:")
        self.nested()
        if self.random.random() < 0.5:
            self.line("else:")
            self.nested()

    def loop(self) -> None:
        if self.indent > 2:
            return self.declare()
        self.counter += 1
        name, kind = f"i_{self.counter}", self.random.choice(TYPES)
        start, stop = sorted(self.random.randint(0, 4) for _ in range(2))
        step = self.random.choice([1, 1, 2, 3])
        self.line(f"for {name} in range({kind}({start}), {stop}, {step}):")
        known = dict(self.names)
        self.names[name] = kind
        self.nested()
        if self.random.random() < 0.3:
            self.indent += 1
            self.line(f"if {self.condition(1)}:")
            self.indent += 1
            self.line(self.random.choice(["break", "continue"]))
            self.indent -= 2
        self.names = known

    def each(self) -> None:
        if self.indent > 2:
            return self.declare()
        self.counter += 1
        name = f"i_{self.counter}"
        self.line(f"for {name} in row:")
        known = dict(self.names)
        self.names[name] = self.row
        self.nested()
        self.names = known

    def match(self) -> None:
        kind = self.random.choice(TYPES)
        self.line(f"match {self.typed(self.expression(kind, 2), kind)}:")
        self.indent += 1
        for value in self.random.sample(range(8), 2):
            self.line(f"case {value} | {value + 10}:")
            self.nested()
        self.line("case _:")
        self.nested()
        self.indent -= 1

    def overflow(self) -> None:
        kind = self.random.choice(TYPES)
        name = self.random.choice(["overflow_add", "overflow_sub", "overflow_mul"])
        left, right = self.typed(self.expression(kind, 2), kind), self.expression(kind, 2)
        flag = f"o{self.counter}_{len(self.lines)}"
        target = self.fresh(kind)
        self.line(f"{target}, {flag} = {name}({left}, {right})")
        self.line(f"if {flag}:")
        self.indent += 1
        self.line(f"{target} = {self.expression(kind, 1)}")
        self.indent -= 1

    STATEMENTS = (declare, declare, assign, assign, store, store_element, choose, loop, each, match, overflow)

    # Expressions

    def literal(self, kind: str) -> str:
        low, high = limits(kind)
        value = self.random.choice([0, 1, 2, 3, 7, high, high - 1, low, low + 1, self.random.randint(low, high)])
        return str(value) if value >= 0 else f"({value})"

    def typed(self, text: str, kind: str) -> str:
        """The expression with a width of its own, where it might be a bare literal."""
        bare = text.replace("(", "").replace(")", "").lstrip("-").isdigit()
        return f"{kind}({text})" if bare else text

    def index(self, count: int) -> str:
        if self.random.random() < 0.5:
            return str(self.random.randint(0, count - 1))
        kind = self.random.choice(TYPES)
        value = self.typed(self.expression(kind, 1), kind)
        is_free = self.random.random() < 0.1 and not is_constant(value)
        return value if is_free else f"({value}) & {count - 1 if count == 4 else 1}"

    def expression(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        choice = self.random.random()
        if choice < 0.45:
            return self.binary(kind, depth)
        if choice < 0.6:
            other = self.random.choice(TYPES)
            return f"{kind}({self.typed(self.expression(other, depth - 1), other)})"
        if choice < 0.7:
            operand = self.typed(self.expression(kind, depth - 1), kind)
            return f"~({operand})" if kind[0] == "u" or self.random.random() < 0.5 else f"-({operand})"
        if choice < 0.78:
            left = self.typed(self.expression(kind, depth - 1), kind)
            return f"({left} if {self.condition(depth - 1)} else {self.expression(kind, depth - 1)})"
        if choice < 0.92:
            return self.builtin(kind, depth)
        return self.call(kind, depth)

    def leaf(self, kind: str) -> str:
        places = [name for name, known in self.names.items() if known == kind]
        places += [f"record.{name}" for name, known in FIELDS.items() if known == kind]
        if self.row == kind:
            places += [f"row[{self.random.randint(0, 3)}]"]
        if kind == "i16":
            places += [f"record.row[{self.random.randint(0, 2)}]"]
        if kind == "u32":
            places.append("data")
        if places and self.random.random() < 0.75:
            return self.random.choice(places)
        others = list(self.names.items())
        if others and self.random.random() < 0.5:
            return f"{kind}({self.random.choice(others)[0]})"
        return self.literal(kind)

    def binary(self, kind: str, depth: int) -> str:
        operator = self.random.choice(["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"])
        if operator in WRAPPING and self.random.random() < self.calm:
            left = self.typed(self.expression(kind, depth - 1), kind)
            return f"{WRAPPING[operator]}({left}, {self.expression(kind, depth - 1)})"
        left = self.typed(self.expression(kind, depth - 1), kind)
        if operator in ("<<", ">>"):
            count = self.random.choice([str(self.random.randint(0, 70)), f"({self.leaf(kind)} & 127)"])
            if count.isdigit():
                count = str(int(count) % (limits(kind)[1] + 1))
            return f"({left} {operator} {count})"
        right = self.divisor(kind, depth - 1) if operator in ("//", "%") else self.expression(kind, depth - 1)
        return f"({left} {operator} {right})"

    def divisor(self, kind: str, depth: int) -> str:
        """Zero now and then, but never a zero that the compiler sees."""
        value = self.typed(self.expression(kind, depth), kind)
        return f"({value} | 1)" if self.random.random() < 0.98 or value.startswith(f"{kind}(") else value

    def builtin(self, kind: str, depth: int) -> str:
        left = self.typed(self.expression(kind, depth - 1), kind)
        name = self.random.choice(
            ["min", "max", "wrap_add", "wrap_sub", "wrap_mul", "wrap_neg", "rotate", "count", "swap", "mix"]
        )
        if name == "rotate":
            amount = self.random.randint(0, WIDTHS[kind] - 1)
            return f"{self.random.choice(['rotate_left', 'rotate_right'])}({left}, {amount})"
        if name == "count":
            return f"{self.random.choice(['count_ones', 'count_zeros_left', 'count_zeros_right'])}({left})"
        if name == "wrap_neg":
            return f"wrap_neg({left})"
        if name == "swap":
            return f"byte_swap({left})" if WIDTHS[kind] > 8 else left
        if name == "mix":
            return f"{kind}(record.mix({self.typed(self.expression('i32', depth - 1), 'i32')}))"
        return f"{name}({left}, {self.expression(kind, depth - 1)})"

    def call(self, kind: str, depth: int) -> str:
        callees = self.leaves[-6:] if self.depth == 0 and self.may_call else []
        if not callees:
            return self.leaf(kind)
        callee = self.random.choice(callees)
        self.depth += 1
        arguments = ", ".join(self.expression(p, 1) for p in callee.params)
        self.depth -= 1
        return f"{kind}({callee.name}({arguments}))"

    def condition(self, depth: int) -> str:
        choice = self.random.random()
        if depth <= 0 or choice < 0.6:
            kind = self.random.choice(TYPES)
            operator = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
            left = self.typed(self.expression(kind, depth - 1), kind)
            return f"{left} {operator} {self.expression(kind, depth - 1)}"
        if choice < 0.7:
            return f"note({self.typed(self.expression('u32', depth - 1), 'u32')})"
        if choice < 0.8:
            return f"not ({self.condition(depth - 1)})"
        return f"({self.condition(depth - 1)}) {self.random.choice(['and', 'or'])} ({self.condition(depth - 1)})"


def module(seed: int, count: int, calm: float) -> tuple[str, list[Signature]]:
    """A source with `count` functions, and what they take."""
    generator = Generator(Random(seed), calm)
    texts = [generator.function(number) for number in range(count)]
    return "\n\n\n".join([HEADER, *texts]) + "\n", generator.made


def arguments(random: Random, signature: Signature) -> tuple[int, ...]:
    """Values for a call, those at the ends of the range more often than others."""
    found = []
    for kind in signature.params:
        low, high = limits(kind)
        found.append(random.choice([0, 1, 2, low, high, high - 1, random.randint(low, high), random.randint(0, 9)]))
    return tuple(found)


def is_constant(text: str) -> bool:
    """A literal or the conversion of one, whose value the compiler knows."""
    return re.fullmatch(r"(\w+)?\(*-?\d+\)*", text) is not None
