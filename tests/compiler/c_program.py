"""A checked program as C: what gcc and clang make of it is compared with what the compiler makes of it.

Memory is bytes at the language's own offsets, reached through `load_T` and `store_T` of c_support.py. Statement
expressions (GNU C) keep the language's order of evaluation. Each public function becomes
`int call_NAME(words, result)`, which gives the kind of trap it ended with, or 0.

Not here: `with`, `async`, f-strings, floats, assembler, per-CPU data. A program that has these is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.check import Program
from compiler.emit import is_public
from compiler.modules import RUNTIME
from compiler.symbols import Function, GlobalVar
from compiler.tree import (
    Assign,
    Body,
    Break,
    Continue,
    Evaluate,
    Expr,
    ForEach,
    ForRange,
    If,
    Local,
    Place,
    Return,
    Statement,
    Trap,
    Unpack,
    While,
)
from compiler.type_model import NEVER, NONE, IntType, SpanType, TupleType, Type
from tests.compiler.c_expressions import ExpressionWriter
from tests.compiler.c_places import c_type
from tests.compiler.c_support import SUPPORT


@dataclass
class FunctionWriter(ExpressionWriter):
    """One function; `head` declares what lives as long as a call of it."""

    body: Body
    tuples: dict[Type, str]
    names: dict[Function | GlobalVar, str]
    is_debug: bool
    head: list[str] = field(default_factory=list)
    locals: dict[Local, str] = field(default_factory=dict)
    counter: int = 0

    def write(self) -> str:
        self.locals = {local: f"v{index}" for index, local in enumerate(self.body.locals)}
        for local, name in self.locals.items():
            value = f" = a{local.argument}" if local.argument >= 0 else ""
            if local.type.is_aggregate:
                self.head.append(f"_Alignas(16) u8 {name}[{max(1, local.type.size)}];")
            else:
                self.head.append(f"{c_type(local.type, self.tuples)} {name}{value};")
        statements = self.block(self.body.statements)
        text = "\n    ".join([*self.head, *statements])
        return f"{self.prototype()} {{\n    {text}\n}}"

    def prototype(self) -> str:
        function = self.body.function
        params = [f"{c_type(p.type, self.tuples)} a{i}" for i, p in enumerate(function.params)]
        result = "void"
        if function.result.is_aggregate:
            params.insert(0, "address result")
        elif function.result not in (NONE, NEVER):
            result = c_type(function.result, self.tuples)
        return f"static {result} {self.names[function]}({', '.join(params) or 'void'})"

    def block(self, statements: list[Statement]) -> list[str]:
        return [self.statement(statement) for statement in statements]

    def braced(self, statements: list[Statement]) -> str:
        return "{ " + " ".join(self.block(statements)) + " }"

    def statement(self, statement: Statement) -> str:
        match statement:
            case Assign(place=place, value=value):
                return self.store(place, value)
            case Evaluate(value=value):
                return f"{self.effect(value)};"
            case Unpack(value=value, places=places):
                return self._unpack(value, places)
            case If(test=test, body=body, orelse=orelse):
                return f"if ({self.value(test)}) {self.braced(body)} else {self.braced(orelse)}"
            case While(test=test, body=body):
                return f"while ({self.value(test)}) {self.braced(body)}"
            case ForRange():
                return self._for_range(statement)
            case ForEach():
                return self._for_each(statement)
            case Return(value=value):
                return self._return(value)
            case Break():
                return "break;"
            case Continue():
                return "continue;"
            case Trap(message=message):
                return f"trap({self.trap_number(message)});"
        raise NotImplementedError(type(statement).__name__)

    def _unpack(self, value: Expr, places: list[Place | None]) -> str:
        whole = self.fresh()
        text = f"{c_type(value.type, self.tuples)} {whole} = {self.value(value)}; "
        parts = [self.store_text(p, f"{whole}.item{i}") for i, p in enumerate(places) if p is not None]
        return f"{{ {text} {' '.join(parts)} }}"

    def _for_range(self, loop: ForRange) -> str:
        """Counts in 128 bits: no step leaves their range, so that the end needs no thought."""
        assert isinstance(loop.local.type, IntType) and loop.local.type.bits <= 64
        counter, stop = self.fresh(), self.fresh()
        kind = c_type(loop.local.type, self.tuples)
        start = f"i128 {counter} = {self.value(loop.start)}; i128 {stop} = {self.value(loop.stop)};"
        going = f"{counter} {'<' if loop.step > 0 else '>'} {stop}"
        head = f"for (; {going}; {counter} += ({loop.step}))"
        body = " ".join([f"{self.locals[loop.local]} = ({kind}){counter};", *self.block(loop.body)])
        return f"{{ {start} {head} {{ {body} }} }}"

    def _for_each(self, loop: ForEach) -> str:
        assert isinstance(loop.items.type, SpanType)
        items, index, of = self.fresh(), self.fresh(), loop.items.type.of
        at = f"{items}.start + {index} * {of.size}"
        value = at if of.is_aggregate else self.loaded(of, at)
        body = " ".join([f"{self.locals[loop.local]} = {value};", *self.block(loop.body)])
        head = f"slice {items} = {self.value(loop.items)};"
        return f"{{ {head} for (u64 {index} = 0; {index} < {items}.count; {index}++) {{ {body} }} }}"

    def _return(self, value: Expr | None) -> str:
        if value is None:
            return "return;"
        if value.type == NONE:
            return f"{self.effect(value)}; return;"
        if value.type.is_aggregate:
            return f"{self.construct('result', value)} return;"
        return f"return {self.value(value)};"


def c_program(program: Program, module: str, is_debug: bool) -> str:
    """The C source of a whole program. Errors: NotImplementedError, for what is beyond this translation."""
    tuples: dict[Type, str] = {}
    names: dict[Function | GlobalVar, str] = {}
    bodies = [body for body in program.bodies if not body.function.module.name.startswith(RUNTIME)]
    names |= {body.function: f"f{i}_{body.function.name}" for i, body in enumerate(bodies)}
    names |= {data: f"g{i}_{data.name}" for i, (data, _) in enumerate(program.data)}
    writers = [FunctionWriter(body, tuples, names, is_debug) for body in bodies]
    functions = [writer.write() for writer in writers]
    prototypes = [f"{writer.prototype()};" for writer in writers]
    data = [f"static _Alignas(16) u8 {names[data]}[{max(1, data.type.size)}];" for data, _ in program.data]
    entries = [
        _entry(body.function, names, tuples)
        for body in bodies
        if body.function.module.name == module and is_public(body.function) and _fits_words(body.function)
    ]
    initial = _initial(program, tuples, names)
    types = [_tuple_type(kind, tuples) for kind in list(tuples)]
    return "\n".join([SUPPORT, *types, *data, *prototypes, *functions, initial, *entries]) + "\n"


def _initial(program: Program, tuples: dict[Type, str], names: dict[Function | GlobalVar, str]) -> str:
    """Module data get their values when the library is loaded."""
    owner = Body(program.bodies[0].function)
    writer = FunctionWriter(owner, tuples, names, is_debug=False)
    lines = [writer.initialize(names[data], data.type, value) for data, value in program.data if value is not None]
    return "\n    ".join(["__attribute__((constructor)) static void initialize(void) {", *writer.head, *lines]) + "\n}"


def _tuple_type(kind: Type, tuples: dict[Type, str]) -> str:
    assert isinstance(kind, TupleType)
    items = " ".join(f"{c_type(item, tuples)} item{i};" for i, item in enumerate(kind.items))
    return f"typedef struct {{ {items} }} {tuples[kind]};"


def _fits_words(function: Function) -> bool:
    kinds = [*(p.type for p in function.params), function.result]
    return all(not isinstance(k, SpanType | TupleType) and not k.is_aggregate and k.size <= 8 for k in kinds)


def _entry(function: Function, names: dict[Function | GlobalVar, str], tuples: dict[Type, str]) -> str:
    arguments = [f"({c_type(p.type, tuples)})words[{i}]" for i, p in enumerate(function.params)]
    call = f"{names[function]}({', '.join(arguments)})"
    store = f"*result = (u64){call}" if function.result not in (NONE, NEVER) else call
    return (
        f"int call_{function.name}(const u64 *words, u64 *result) {{\n"
        f"    int kind = setjmp(leave);\n    if (kind == 0)\n        {store};\n    return kind;\n}}"
    )
