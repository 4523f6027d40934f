"""One function to LLVM IR: its header, locals, blocks, and assembler bodies; statements are in emit_statements.

Every local is an `alloca` that LLVM promotes. Blocks for traps come after the body, out of the way of the good path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.assembler import ARGUMENT_REGISTERS
from compiler.emit_async import AsyncEmitter
from compiler.emit_statements import Cleanup, HandlerLabel, LoopLabels
from compiler.emit_types import extension, memory_type, quote, value_type
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import Body, Local
from compiler.type_model import NEVER, NONE, IntType, PtrType, SpanType, TupleType, Type

if TYPE_CHECKING:
    from compiler.emit import ModuleEmitter


@dataclass
class FunctionEmitter(AsyncEmitter):
    module: ModuleEmitter
    body: Body
    lines: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    traps: list[str] = field(default_factory=list)
    trap_labels: dict[str, str] = field(default_factory=dict)
    counter: int = 0
    slots: dict[Local, str] = field(default_factory=dict)
    loops: list[LoopLabels] = field(default_factory=list)
    cleanups: list[Cleanup] = field(default_factory=list)
    handlers: list[HandlerLabel] = field(default_factory=list)
    handled: list[tuple[str, str]] = field(default_factory=list)
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
        if function.is_async:
            self.begin_coroutine(self._store_arguments)
            self.statements(self.body.statements)
            self.end_coroutine()
            return "\n".join(
                [f"{self._header(function)} !dbg !{self.scope} {{", *self.entry, *self.lines, *self.traps, "}"]
            )
        self._store_arguments()
        self.statements(self.body.statements)
        if self.open:
            self.terminate(
                "ret void" if self._result_type(function) == "void" and function.result != NEVER else "unreachable"
            )
        lines = [f"{self._header(function)} !dbg !{self.scope} {{", *self.entry, *self.lines, *self.traps, "}"]
        return "\n".join(lines)

    def _store_arguments(self) -> None:
        for local in self.body.locals:
            if local.argument >= 0:
                self.store_to(self.slots[local], f"%a{local.argument}", local.type)

    def _header(self, function: Function) -> str:
        linkage = self.module.linkage(function)
        if "interrupt" in function.decorators:
            head = f"define {linkage} x86_intrcc void {quote(function.symbol)}({self._interrupt_parameters(function)})"
            return f"{head} {self.module.attributes(function)}"
        params = _parameters(function)
        if function.result.is_aggregate and not function.is_async:
            params.insert(0, f"ptr noalias sret([{function.result.size} x i8]) align {function.result.align} %result")
        convention = self.module.convention(function)
        head = f"define {linkage} {convention}{_result(function)} {quote(function.symbol)}({', '.join(params)})"
        return f"{head} {self.module.attributes(function)}"

    def declaration(self) -> str:
        """What a part of the program says that only calls the function or takes its address."""
        head = self._header(self.body.function).replace("define internal", "declare hidden", 1)
        head = head.replace("define", "declare", 1)
        return re.sub(r' section "[^"]*"| presplitcoroutine', "", head)

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
        params = _parameters(function)
        linkage = self.module.linkage(function)
        result = _result(function)
        marks = self.module.attributes(function)
        head = f"define {linkage} {result} {quote(function.symbol)}({', '.join(params)}) {marks}"
        if not function.is_naked:
            self._inline_assembler(function, escaped)
            return "\n".join([f"{head} {{", *self.lines, "}"])
        self.scope, self.at = self.module.debug.subprogram(function), function.span
        self.line(f'call void asm sideeffect inteldialect "{escaped}", ""()')
        self.terminate("unreachable")
        return "\n".join([f"{head} !dbg !{self.scope} {{", *self.lines, "}"])

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
        fine = self.label("ok")
        self.branch(test, fine, self.trap_block(message, span))
        self.start(fine)

    def trap_block(self, message: str, span: Span) -> str:
        """The label of the block that reports the trap: one for each message and line."""
        site = self.module.trap_site(message, span)
        if site not in self.trap_labels:
            label = self.trap_labels[site] = self.label("trap")
            where = self.module.debug.location(span, self.scope)
            self.traps += [
                f"{label}:",
                f"  call void @compiler.trap(ptr {site}), !dbg !{where}",
                f"  unreachable, !dbg !{where}",
            ]
        return self.trap_labels[site]

    def trap(self, message: str, span: Span) -> None:
        self.terminate(f"br label %{self.trap_block(message, span)}")


def _parameters(function: Function) -> list[str]:
    return [f"{value_type(p.type)}{extension(p.type)} noundef %a{i}" for i, p in enumerate(function.params)]


def _result(function: Function) -> str:
    kind = "void" if function.call_result.is_aggregate else value_type(function.call_result)
    return kind if kind == "void" else f"{extension(function.call_result)} noundef {kind}".lstrip()


def _result_registers(result: Type) -> tuple[str, ...]:
    if result in (NONE, NEVER):
        return ()
    if isinstance(result, TupleType):
        return ("rax", "rdx")[: len(result.items)]
    return ("rax", "rdx") if isinstance(result, SpanType) else ("rax",)
