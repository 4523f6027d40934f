"""One function to LLVM IR: locals, statements and control flow; expressions are in emit_expressions.

Every local is an `alloca` that LLVM promotes. Blocks for traps come after the body, out of the way of the good path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.assembler import ARGUMENT_REGISTERS
from compiler.emit_expressions import ExpressionEmitter
from compiler.emit_types import memory_type, quote, value_type
from compiler.source import Span
from compiler.symbols import Function
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
    Return,
    Statement,
    Trap,
    Unpack,
    While,
    With,
)
from compiler.type_model import NEVER, NONE, BoolType, IntType, PtrType, SpanType, TupleType, Type

if TYPE_CHECKING:
    from compiler.emit import ModuleEmitter


@dataclass
class LoopLabels:
    next: str
    end: str
    depth: int  # how many `with` blocks surround the loop


@dataclass
class Cleanup:
    """What leaving a `with` runs."""

    statements: list[Statement]


@dataclass
class FunctionEmitter(ExpressionEmitter):
    module: ModuleEmitter
    body: Body
    lines: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    traps: list[str] = field(default_factory=list)
    counter: int = 0
    slots: dict[Local, str] = field(default_factory=dict)
    loops: list[LoopLabels] = field(default_factory=list)
    cleanups: list[Cleanup] = field(default_factory=list)
    scope: int = 0
    at: Span | None = None
    open: bool = True  # the present block has no terminator yet

    def emit(self) -> str:
        function = self.body.function
        if self.body.assembler is not None:
            return self._assembler(function)
        self.scope = self.module.debug.subprogram(function)
        self.at = function.span
        for local in self.body.locals:
            self._declare(local)
        for local in self.body.locals:
            if local.argument >= 0:
                self.store_to(self.slots[local], f"%a{local.argument}", local.type)
        self.statements(self.body.statements)
        if self.open:
            self.terminate(
                "ret void" if self._result_type(function) == "void" and function.result != NEVER else "unreachable"
            )
        lines = [f"{self._header(function)} !dbg !{self.scope} {{", *self.entry, *self.lines, *self.traps, "}"]
        return "\n".join(lines)

    def _header(self, function: Function) -> str:
        linkage = self.module.linkage(function)
        if "interrupt" in function.decorators:
            head = f"define {linkage} x86_intrcc void {quote(function.symbol)}({self._interrupt_parameters(function)})"
            return f"{head} {self.module.attributes(function)}"
        params = [f"{_extended(p.type)} %a{i}" for i, p in enumerate(function.params)]
        if function.result.is_aggregate:
            params.insert(0, f"ptr noalias sret([{function.result.size} x i8]) align {function.result.align} %result")
        head = f"define {linkage} {_extended_result(function)} {quote(function.symbol)}({', '.join(params)})"
        return f"{head} {self.module.attributes(function)}"

    def _interrupt_parameters(self, function: Function) -> str:
        frame = function.params[0].type
        assert isinstance(frame, PtrType)
        text = f"ptr byval([{frame.to.size} x i8]) %a0"
        return text + (", i64 %a1" if len(function.params) == 2 else "")

    def _result_type(self, function: Function) -> str:
        return "void" if function.result.is_aggregate else value_type(function.result)

    # Assembler functions

    def _assembler(self, function: Function) -> str:
        assert self.body.assembler is not None
        escaped = self.body.assembler.replace("\\", "\\5C").replace('"', "\\22").replace("\n", "\\0A")
        params = [f"{_extended(p.type)} %a{i}" for i, p in enumerate(function.params)]
        linkage = self.module.linkage(function)
        result = _extended_result(function)
        head = f"define {linkage} {result} {quote(function.symbol)}({', '.join(params)})"
        head += f" {self.module.attributes(function)} {{"
        if function.is_naked:
            text = f'  call void asm sideeffect inteldialect "{escaped}", ""()\n  unreachable'
            return f"{head}\n{text}\n}}"
        self._inline_assembler(function, escaped)
        return "\n".join([head, *self.lines, "}"])

    def _inline_assembler(self, function: Function, text: str) -> None:
        """Arguments go in by the convention's registers; these and all that the body names count as written."""
        results = _result_registers(function.result)
        used = ARGUMENT_REGISTERS[: len(function.params)]
        outputs = list(dict.fromkeys([*results, *used]))
        ties = [str(outputs.index(register)) for register in used]
        clobbers = [r for r in sorted(self.body.clobbers) if r not in outputs]
        constraints = [f"={{{r}}}" for r in outputs] + ties + [f"~{{{r}}}" for r in clobbers]
        constraints += ["~{memory}", "~{dirflag}", "~{fpsr}", "~{flags}"]
        arguments = []
        for index, param in enumerate(function.params):
            arguments.append(f"i64 {self.to_word(f'%a{index}', param.type)}")
        kind = "void" if not outputs else "i64" if len(outputs) == 1 else "{" + ", ".join(["i64"] * len(outputs)) + "}"
        call = f'call {kind} asm sideeffect inteldialect "{text}", "{",".join(constraints)}"({", ".join(arguments)})'
        if not outputs:
            self.line(call)
            self.terminate("unreachable" if function.result == NEVER else "ret void")
            return
        value = self.assign(call)
        words = (
            [value]
            if len(outputs) == 1
            else [self.assign(f"extractvalue {kind} {value}, {i}") for i in range(len(results))]
        )
        self._return_words(function.result, words)

    def _return_words(self, result: Type, words: list[str]) -> None:
        if result == NONE:
            self.terminate("ret void")
        elif result == NEVER:
            self.terminate("unreachable")
        elif isinstance(result, TupleType | SpanType):
            items = result.items if isinstance(result, TupleType) else (PtrType(result.of), IntType(64, False))
            value = "poison"
            kind = value_type(result)
            for index, (item, word) in enumerate(zip(items, words, strict=True)):
                part = self.from_word(word, item)
                value = self.assign(f"insertvalue {kind} {value}, {value_type(item)} {part}, {index}")
            self.terminate(f"ret {kind} {value}")
        else:
            self.terminate(f"ret {value_type(result)} {self.from_word(words[0], result)}")

    # Lines and blocks

    def name(self, stem: str = "v") -> str:
        self.counter += 1
        return f"%{stem}{self.counter}"

    def label(self, stem: str) -> str:
        self.counter += 1
        return f"{stem}{self.counter}"

    def line(self, text: str) -> None:
        if not self.open:
            self.start(self.label("dead"))
        mark = (
            f", !dbg !{self.module.debug.location(self.at, self.scope)}" if self.at is not None and self.scope else ""
        )
        self.lines.append(f"  {text}{mark}")

    def assign(self, text: str) -> str:
        name = self.name()
        self.line(f"{name} = {text}")
        return name

    def terminate(self, text: str) -> None:
        if self.open:
            self.line(text)
            self.open = False

    def start(self, label: str) -> None:
        """Begins a block, falling into it from an open one."""
        if self.open:
            self.terminate(f"br label %{label}")
        self.lines.append(f"{label}:")
        self.open = True

    def branch(self, test: str, yes: str, no: str) -> None:
        self.terminate(f"br i1 {test}, label %{yes}, label %{no}")

    def stack_slot(self, kind: Type, stem: str = "t") -> str:
        name = self.name(stem)
        self.entry.append(f"  {name} = alloca {memory_type(kind)}, align {max(1, kind.align)}")
        return name

    def _declare(self, local: Local) -> None:
        slot = self.slots[local] = self.stack_slot(local.type, "l")
        if self.scope and not local.name.startswith("."):
            debug = self.module.debug
            variable = debug.variable(local, self.scope, local.argument + 1)
            where = debug.location(local.span, self.scope)
            self.entry.append(f"    #dbg_declare(ptr {slot}, !{variable}, !DIExpression(), !{where})")

    def trap_unless(self, test: str, message: str, span: Span) -> None:
        fine, bad = self.label("ok"), self.label("trap")
        self.branch(test, fine, bad)
        self._trap_block(bad, message, span)
        self.start(fine)

    def _trap_block(self, label: str, message: str, span: Span) -> None:
        site = self.module.trap_site(message, span)
        where = self.module.debug.location(span, self.scope)
        self.traps += [
            f"{label}:",
            f"  call void @compiler.trap(ptr {site}), !dbg !{where}",
            f"  unreachable, !dbg !{where}",
        ]

    def trap(self, message: str, span: Span) -> None:
        label = self.label("trap")
        self.terminate(f"br label %{label}")
        self._trap_block(label, message, span)

    # Statements

    def statements(self, statements: list[Statement]) -> None:
        for statement in statements:
            self.at = statement.span
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign(place=place, value=value):
                self.store(place, value)
            case Evaluate(value=value):
                self.discard(value)
            case Unpack(value=value, places=places):
                kind = value.type
                assert isinstance(kind, TupleType)
                whole = self.value(value)
                parts = [self.assign(f"extractvalue {value_type(kind)} {whole}, {i}") for i in range(len(places))]
                for target, part in zip(places, parts, strict=True):
                    if target is not None:
                        self.store_value(target, part)
            case If():
                self._if(statement)
            case While():
                self._while(statement)
            case ForRange():
                self._for_range(statement)
            case ForEach():
                self._for_each(statement)
            case Return(value=value):
                self._return(value)
            case Break():
                self._leave(self.loops[-1].depth)
                self.terminate(f"br label %{self.loops[-1].end}")
            case Continue():
                self._leave(self.loops[-1].depth)
                self.terminate(f"br label %{self.loops[-1].next}")
            case Trap(message=message):
                self.trap(message, statement.span)
            case With():
                self._with(statement)

    def _if(self, statement: If) -> None:
        yes, no, end = self.label("then"), self.label("else"), self.label("end")
        self.condition(statement.test, yes, no if statement.orelse else end)
        self.start(yes)
        self.statements(statement.body)
        self.terminate(f"br label %{end}")
        if statement.orelse:
            self.start(no)
            self.statements(statement.orelse)
        self.start(end)

    def _while(self, statement: While) -> None:
        again, body, end = self.label("while"), self.label("body"), self.label("end")
        self.start(again)
        self.condition(statement.test, body, end)
        self.start(body)
        self._loop_body(statement.body, again, end)
        self.terminate(f"br label %{again}")
        self.start(end)

    def _loop_body(self, body: list[Statement], next_label: str, end: str) -> None:
        self.loops.append(LoopLabels(next_label, end, len(self.cleanups)))
        self.statements(body)
        self.loops.pop()

    def _for_range(self, statement: ForRange) -> None:
        """Counts in a slot of its own, so that the body may change the variable; safe at the end of the range."""
        kind = statement.local.type
        assert isinstance(kind, IntType)
        t = value_type(kind)
        counter = self.stack_slot(kind, "i")
        start, stop = self.value(statement.start), self.value(statement.stop)
        self.store_to(counter, start, kind)
        again, body, advance, end = (self.label(s) for s in ("for", "body", "next", "end"))
        sign, step = "s" if kind.signed else "u", statement.step
        test = f"{sign}lt" if step > 0 else f"{sign}gt"
        first = self.assign(f"icmp {test} {t} {start}, {stop}")
        self.branch(first, body, end)
        self.start(body)
        current = self.load_from(counter, kind)
        self.store_to(self.slots[statement.local], current, kind)
        self._loop_body(statement.body, advance, end)
        self.start(advance)
        current = self.load_from(counter, kind)
        # The distance to the end is a positive unsigned number, whatever the signs of the ends.
        left = self.assign(f"sub {t} {stop}, {current}" if step > 0 else f"sub {t} {current}, {stop}")
        more = self.assign(f"icmp ugt {t} {left}, {abs(step)}")
        self.branch(more, again, end)
        self.start(again)
        following = self.assign(f"add {t} {current}, {step}")
        self.store_to(counter, following, kind)
        self.terminate(f"br label %{body}")
        self.start(end)

    def _for_each(self, statement: ForEach) -> None:
        span_type = statement.items.type
        assert isinstance(span_type, SpanType)
        items = self.value(statement.items)
        base = self.assign(f"extractvalue {{ptr, i64}} {items}, 0")
        count = self.assign(f"extractvalue {{ptr, i64}} {items}, 1")
        index_type = IntType(64, False)
        counter = self.stack_slot(index_type, "i")
        self.store_to(counter, "0", index_type)
        again, body, advance, end = (self.label(s) for s in ("each", "body", "next", "end"))
        self.start(again)
        index = self.load_from(counter, index_type)
        self.branch(self.assign(f"icmp ult i64 {index}, {count}"), body, end)
        self.start(body)
        address = self.assign(f"getelementptr [{span_type.of.size} x i8], ptr {base}, i64 {index}")
        if span_type.of.is_aggregate:
            self.store_to(self.slots[statement.local], address, statement.local.type)
        else:
            self.store_to(self.slots[statement.local], self.load_from(address, span_type.of), statement.local.type)
        self._loop_body(statement.body, advance, end)
        self.start(advance)
        following = self.assign(f"add i64 {self.load_from(counter, index_type)}, 1")
        self.store_to(counter, following, index_type)
        self.terminate(f"br label %{again}")
        self.start(end)

    def _return(self, value: object) -> None:
        function = self.body.function
        if not isinstance(value, Expr):
            self._leave(0)
            self.terminate("ret void")
        elif function.result.is_aggregate:
            self.construct("%result", value)
            self._leave(0)
            self.terminate("ret void")
        else:
            result = self.value(value)
            self._leave(0)
            self.terminate(f"ret {value_type(function.result)} {result}")

    def _with(self, statement: With) -> None:
        self.statements(statement.enter)
        self.cleanups.append(Cleanup(statement.leave))
        self.statements(statement.body)
        self.cleanups.pop()
        if self.open:
            self.statements(statement.leave)

    def _leave(self, depth: int) -> None:
        """Runs the clean-up of every `with` block that is left, innermost first."""
        saved = self.cleanups
        while len(self.cleanups) > depth:
            cleanup = self.cleanups[-1]
            self.cleanups = self.cleanups[:-1]
            self.statements(cleanup.statements)
        self.cleanups = saved


def _extended(kind: Type) -> str:
    """A parameter as the System V convention passes it: small integers are extended by the caller."""
    text = value_type(kind)
    if isinstance(kind, BoolType):
        return f"{text} zeroext"
    if isinstance(kind, IntType) and kind.bits < 32:
        return f"{text} {'signext' if kind.signed else 'zeroext'}"
    return text


def _extended_result(function: Function) -> str:
    result = function.result
    if result.is_aggregate:
        return "void"
    text = _extended(result)
    kind, _, extension = text.partition(" ")
    return f"{extension} {kind}" if extension in ("zeroext", "signext") else text


def _result_registers(result: Type) -> tuple[str, ...]:
    if result in (NONE, NEVER):
        return ()
    if isinstance(result, TupleType):
        return ("rax", "rdx")[: len(result.items)]
    return ("rax", "rdx") if isinstance(result, SpanType) else ("rax",)
