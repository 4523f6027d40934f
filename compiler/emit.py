"""Typed program to LLVM IR text.

Text, because llvmlite's builder lacks volatile, debug records, address spaces on constants and module assembler, and
is slower. Input law: a checked `Program`. Output law: one module that LLVM's verifier accepts, the same bytes for the
same sources.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from compiler.check import Program
from compiler.debug_info import DebugInfo
from compiler.emit_data import constant_type, constant_value
from compiler.emit_function import FunctionEmitter
from compiler.emit_types import escape, quote
from compiler.errors import CompileError, Diagnostics
from compiler.host_entry import HOST_ENTRY
from compiler.modules import RUNTIME
from compiler.source import Span
from compiler.symbols import Function, GlobalVar
from compiler.target import Target
from compiler.tree import Body, Expr
from compiler.type_model import NEVER


@dataclass(frozen=True)
class EmitOptions:
    debug_checks: bool  # trap on overflow and null conversions
    bounds_checks: bool = True  # off in the compiler's own benchmark only
    small: bool = False  # rather small than fast
    fast: tuple[str, ...] = ()  # but for the functions of these modules, and of those below them
    visible_module: str = ""  # whose functions keep their symbols: what the host calls
    before_atomic: str = ""  # a function that is called before each atomic access: tests choose the order of accesses


def is_copied(function: Function) -> bool:
    """Code that has no place of its own: each part that uses it has a copy, which is inlined."""
    inlined = "inline" in function.decorators or function.is_assembler
    return inlined and not function.is_naked and not function.is_async and "export" not in function.decorators


def is_public(function: Function) -> bool:
    """A function that its module offers to others, rather than a method or one of its own."""
    return function.owner is None and not function.name.startswith("_")


@dataclass(frozen=True)
class Part:
    """What one LLVM module defines."""

    bodies: list[Body]
    data: list[tuple[GlobalVar, Expr | None]]
    assembler: list[str]


class ModuleEmitter:
    """Emits one part of a program, by default all of it; what it uses of others it declares, or copies to inline."""

    def __init__(self, program: Program, target: Target, options: EmitOptions, part: Part | None = None) -> None:
        self.program, self.target, self.options = program, target, options
        self.part = part or Part(program.bodies, program.data, program.assembler)
        self.own = {*(body.function for body in self.part.bodies), *(data for data, _ in self.part.data)}
        self.foreign: dict[Function | GlobalVar, None] = {}
        self.debug = DebugInfo(".", program.enums)
        self.diagnostics = Diagnostics()
        self.strings: dict[bytes, str] = {}
        self.definitions: list[str] = []
        self.intrinsics: set[str] = set()
        self.sites: dict[tuple[str, str, int], str] = {}
        self.externals: set[str] = set()
        self.data: list[tuple[GlobalVar, str]] = []
        self.functions: list[tuple[Function, str]] = []
        self.others: list[str] = []  # the trap function, and what is not this part's own
        self.tables: set[str] = set()

    def generate(self, bodies: Mapping[Function, Body]) -> None:
        """Emits all definitions; `bodies` are those of the whole program."""
        self.data = [(variable, self._data(variable, value)) for variable, value in self.part.data]
        self.functions = [(body.function, self._function(body)) for body in self.part.bodies]
        copied: set[Function] = set()
        while wanted := [f for f in self.foreign if isinstance(f, Function) and is_copied(f) and f not in copied]:
            copied.update(wanted)
            self.others += [self._function(bodies[function]) for function in wanted]
        self.others.append(self._trap_function())
        for used in self.foreign:
            if isinstance(used, GlobalVar):
                place = f"[{used.type.size} x i8], align {max(used.align, used.type.align, 1)}"
                self.others.append(f"{quote(used.symbol)} = external hidden global {place}")
            elif used not in copied:
                self.others.append(FunctionEmitter(self, bodies[used]).declaration())
        self.diagnostics.raise_if_any()

    def text(self, shared: Container[Function | GlobalVar] = ()) -> str:
        """The module; other parts see those of its definitions that are `shared`."""
        lines = ['source_filename = "ringneck"']
        blocks = self.part.assembler if self.target.freestanding else [*self.part.assembler, HOST_ENTRY]
        for block in blocks:
            lines += [f'module asm "{escape(line.encode())}"' for line in [*block.split("\n"), ".att_syntax"]]
        lines += self.definitions
        for defined, text in [*self.data, *self.functions]:
            lines.append(_made_visible(text) if defined in shared else text)
        lines += [*self.others, *self._used()]
        lines += [f"@{name} = external dso_local global i8" for name in sorted(self.externals)]
        lines += [f"declare {declaration}" for declaration in sorted(self.intrinsics)]
        lines += self.debug.finish()
        return "\n".join(lines) + "\n"

    def symbol(self, of: Function | GlobalVar) -> str:
        """How the text names a function or module data."""
        if of not in self.own:
            self.foreign[of] = None
        return quote(of.symbol)

    # Pieces that function bodies ask for

    def string(self, data: bytes) -> str:
        """The symbol of a static byte string."""
        if data not in self.strings:
            name = f"@.s{len(self.strings)}"
            self.strings[data] = name
            self.definitions.append(
                f'{name} = private unnamed_addr constant [{len(data)} x i8] c"{escape(data)}", align 1'
            )
        return self.strings[data]

    def trap_site(self, message: str, span: Span) -> str:
        """The symbol of what a trap reports: message, file, line."""
        key = (message, span.file.path, span.line)
        if key not in self.sites:
            text, file = message.encode(), span.file.path.encode()
            name = f"@.t{len(self.sites)}"
            self.sites[key] = name
            self.definitions.append(
                f"{name} = private unnamed_addr constant {{ptr, ptr, i32, i32, i32}} "
                f"{{ptr {self.string(text)}, ptr {self.string(file)}, "
                f"i32 {len(text)}, i32 {len(file)}, i32 {span.line}}}, align 8"
            )
        return self.sites[key]

    def exception_names(self) -> tuple[str, int]:
        """The symbol of the table of exceptions' names by number, and how many it holds."""
        names = ["", *(e.name.rpartition(".")[2] for e in self.program.exceptions)]
        if "@compiler.exceptions" not in self.tables:
            self.tables.add("@compiler.exceptions")
            items = ", ".join(f"{{ptr, i64}} {{ptr {self.string(n.encode())}, i64 {len(n)}}}" for n in names)
            self.definitions.append(f"@compiler.exceptions = private constant [{len(names)} x {{ptr, i64}}] [{items}]")
        return "@compiler.exceptions", len(names)

    def need(self, declaration: str) -> None:
        self.intrinsics.add(declaration)

    def external(self, name: str) -> None:
        """Declares a symbol that the linker defines."""
        self.externals.add(name)

    # Definitions

    def _function(self, body: Body) -> str:
        try:
            return FunctionEmitter(self, body).emit()
        except CompileError as error:
            self.diagnostics.add(error)
            return ""

    def linkage(self, function: Function) -> str:
        return "dso_local" if "export" in function.decorators or self._is_called_by_host(function) else "internal"

    def _is_called_by_host(self, function: Function) -> bool:
        return function.module.name == self.options.visible_module and is_public(function)

    def convention(self, function: Function) -> str:
        """The calling convention, with a space behind unless it is C's."""
        if function not in self.program.only_called or self._is_called_by_host(function):
            return ""
        return "" if self.options.debug_checks else "preserve_nonecc "  # debuggers look for the registers of callers

    def attributes(self, function: Function) -> str:
        marks = ["nounwind", *self.target.function_attributes]
        decorators = function.decorators
        for decorator, mark in (
            ("inline", "alwaysinline"),
            ("noinline", "noinline"),
            ("cold", "cold"),
            ("naked", "naked noinline"),
        ):
            if decorator in decorators:
                marks.append(mark)
        if function.is_assembler and not function.is_naked:
            marks.append("alwaysinline")
        if self._is_small(function):
            marks.append("minsize optsize")
        if function.is_async:
            marks.append("presplitcoroutine")
        if function.call_result == NEVER:
            marks.append("noreturn")
        if function in self.program.only_entered and not self.options.debug_checks:
            marks.append('"no_callee_saved_registers"')
        if function.module.name.startswith(RUNTIME):
            marks.append('"no-builtins"')  # LLVM would turn memcpy and kin into calls of themselves
        section = decorators.get("section")
        return " ".join(marks) + (f' section "{section}"' if section else "")

    def _is_small(self, function: Function) -> bool:
        """Whether a function is rather to be small than fast: what runs seldom is, in a program that is small."""
        name = function.module.name
        is_fast = any(name == fast or name.startswith(f"{fast}.") for fast in (*self.options.fast, RUNTIME))
        return self.options.small and (not is_fast or "cold" in function.decorators)

    def _data(self, data: GlobalVar, value: Expr | None) -> str:
        assert value is not None
        section = data.section or (".percpu" if data.per_cpu else "")
        place = f', section "{section}"' if section else ""
        # Large data begin on a boundary that copying and clearing like; what a section holds lies as it was declared.
        wide = 32 if data.type.size >= 32 and not section else 1
        align = max(data.align, data.type.align, wide)
        try:
            kind = constant_type(value, data.type)
            text = constant_value(self, value, data.type)
        except CompileError as error:
            self.diagnostics.add(error)
            return ""
        linkage = "dso_local" if data.keep else "internal"
        about = f"!dbg !{self.debug.module_data(data)}"
        return f"{quote(data.symbol)} = {linkage} global {kind} {text}{place}, align {align}, {about}"

    def _used(self) -> list[str]:
        """What assembler text names, and data that is read from outside, must survive."""
        symbols: dict[str, None] = {}
        for data, _ in self.part.data:
            if data.keep:
                symbols[quote(data.symbol)] = None
        for reference in assembler_references(self.program):
            if reference in self.own:
                symbols[quote(reference.symbol)] = None
        if not symbols:
            return []
        items = ", ".join(f"ptr {name}" for name in symbols)
        return [f'@llvm.used = appending global [{len(symbols)} x ptr] [{items}], section "llvm.metadata"']

    def _trap_function(self) -> str:
        """One out-of-line function turns a trap site into a call of the program's panic handler."""
        if not self.sites:
            return ""
        marks = " ".join(["noinline", "cold", "noreturn", "nounwind", *self.target.function_attributes])
        scope, where = self.debug.artificial_subprogram("compiler.trap")
        marks += f" !dbg !{scope}"
        if not self.target.freestanding:
            return f"""declare void @compiler.leave(ptr)
define internal void @compiler.trap(ptr %site) {marks} {{
  call void @compiler.leave(ptr %site), !dbg !{where}
  unreachable
}}"""
        handler = self.program.panic_handler
        assert handler is not None
        return f"""define internal void @compiler.trap(ptr %site) {marks} {{
  %message = load ptr, ptr %site
  %file.at = getelementptr i8, ptr %site, i64 8
  %file = load ptr, ptr %file.at
  %message.length.at = getelementptr i8, ptr %site, i64 16
  %message.length.32 = load i32, ptr %message.length.at
  %message.length = zext i32 %message.length.32 to i64
  %file.length.at = getelementptr i8, ptr %site, i64 20
  %file.length.32 = load i32, ptr %file.length.at
  %file.length = zext i32 %file.length.32 to i64
  %line.at = getelementptr i8, ptr %site, i64 24
  %line = load i32, ptr %line.at
  %a = insertvalue {{ptr, i64}} poison, ptr %message, 0
  %b = insertvalue {{ptr, i64}} %a, i64 %message.length, 1
  %c = insertvalue {{ptr, i64}} poison, ptr %file, 0
  %d = insertvalue {{ptr, i64}} %c, i64 %file.length, 1
  call void {self.symbol(handler)}({{ptr, i64}} %b, {{ptr, i64}} %d, i32 %line), !dbg !{where}
  unreachable
}}"""


def _made_visible(text: str) -> str:
    if text.startswith("define internal "):
        return text.replace("internal", "hidden", 1)
    return text.replace(" = internal global ", " = hidden global ", 1)


def assembler_references(program: Program) -> list[Function | GlobalVar]:
    """What assembler text names."""
    return [*program.references, *(reference for body in program.bodies for reference in body.references)]


def emit_program(program: Program, target: Target, options: EmitOptions) -> str:
    """The whole program as one module: best for the optimizer."""
    emitter = ModuleEmitter(program, target, options)
    emitter.generate({})
    return emitter.text()
