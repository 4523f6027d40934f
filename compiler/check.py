"""Checks a whole program: every declaration of every module, every function body, every instance of a generic function.

Input law: a parsed module graph. Output law: a `Program` whose bodies satisfy the typed tree's rules, or diagnostics
for all mistakes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

import compiler.check_construction as construction
from compiler.assembler import assemble, check_text
from compiler.check_initial import check_initial
from compiler.check_statements import check_block
from compiler.check_unused import check_unused_function, check_unused_struct
from compiler.constant import evaluate
from compiler.context import Context
from compiler.environment import Environment
from compiler.errors import CompileError, Diagnostics, Label
from compiler.modules import DIVISION, Module, Project
from compiler.source import Span
from compiler.symbols import (
    EnumSymbol,
    ExceptionSymbol,
    Function,
    GenericFunction,
    GenericStruct,
    GlobalVar,
    TypeSymbol,
)
from compiler.tree import Body, Expr, Local
from compiler.type_model import ERROR, NEVER, NONE, U64, PtrType, StructType, Type, has_variable

HOOKS = {
    "frame_allocator": "Callable[[u64], ptr[u8]]",
    "frame_release": "Callable[[ptr[u8], u64], None]",
}


@dataclass
class Program:
    """Everything the emitter needs, in a fixed order."""

    bodies: list[Body] = field(default_factory=list)
    data: list[tuple[GlobalVar, Expr | None]] = field(default_factory=list)
    assembler: list[str] = field(default_factory=list)  # module-level text
    references: list[Function | GlobalVar] = field(default_factory=list)  # named by that text
    panic_handler: Function | None = None
    hooks: dict[str, Function] = field(default_factory=dict)  # what coroutines need of the library, by decorator
    division: dict[str, Function] = field(default_factory=dict)  # of 128 bits, where the program divides those
    enums: dict[Type, dict[str, int]] = field(default_factory=dict)  # members by name, for debuggers
    exceptions: list[ExceptionSymbol] = field(default_factory=list)
    only_called: set[Function] = field(default_factory=set)  # never return, and direct calls alone reach them
    only_entered: set[Function] = field(default_factory=set)  # never return, and no direct call reaches them


class Checker:
    def __init__(self, project: Project, diagnostics: Diagnostics) -> None:
        self.project, self.diagnostics = project, diagnostics
        self.program = Program()
        self.generics: list[GenericFunction] = []
        self.generic_structs: list[GenericStruct] = []
        self.done: set[Function] = set()
        self.done_structs: set[StructType] = set()
        self.exports: dict[str, Function] = {}

    def check(self) -> Program:
        checked: set[Module] = set()
        while modules := [module for module in self.project.modules.values() if module not in checked]:
            for module in modules:
                self._check_module(module)
            self._check_instances()
            self._check_unused()
            checked.update(modules)
        if DIVISION in self.project.modules:
            declared = self.project.modules[DIVISION].symbols
            self.program.division = {name: f for name, f in declared.items() if isinstance(f, Function)}
        self.program.exceptions = list(self.project.exceptions.values())
        self._require_hooks()
        self.diagnostics.raise_if_any()
        if self.project.options.get("TARGET") == "host":
            for data, _ in self.program.data:
                data.per_cpu = False  # there is no gs to reach it through, and one copy is enough
        return self.program

    def _require_hooks(self) -> None:
        """Coroutines live in memory that the program's library hands out."""
        first = next((body.function for body in self.program.bodies if body.function.is_async), None)
        for hook, wanted in HOOKS.items():
            if first is not None and hook not in self.program.hooks:
                message = f"{first.name} is async, but no function of the program is marked @{hook}"
                self.diagnostics.add(CompileError("hook", message, first.span, hint=f"{wanted}; asyncio has it"))

    def _check_module(self, module: Module) -> None:
        for name, node in module.declarations.items():
            try:
                symbol = module.lookup(name, node)
                match symbol:
                    case Function():
                        self._check_function(symbol)
                    case GenericFunction():
                        self.generics.append(symbol)
                    case GenericStruct():
                        self.generic_structs.append(symbol)
                    case TypeSymbol(type=StructType() as struct):
                        self._check_struct(struct)
                    case GlobalVar():
                        self._check_data(symbol)
                    case EnumSymbol():
                        self.program.enums[symbol.type] = symbol.members
            except CompileError as error:
                self.diagnostics.add(error)
        for statement in module.tree.body:
            try:
                self._check_statement(module, statement)
            except CompileError as error:
                self.diagnostics.add(error)

    def _check_statement(self, module: Module, statement: ast.stmt) -> None:
        env = Environment(module)
        match statement:
            case ast.Assert(test=test, msg=message):
                if not evaluate(test, env):
                    text = str(evaluate(message, env)) if message else ast.unparse(test)
                    raise module.error("assertion", f"this does not hold: {text}", statement)
            case ast.Expr(value=ast.Call() as call) if env.builtin_of(call.func) == "asm_block":
                text, references = check_text(call, env)
                self.program.assembler.append(text)
                self.program.references += references
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr():
                raise module.error("unsupported", "an expression at module level has no effect", statement)

    def _check_struct(self, struct: StructType) -> None:
        if struct in self.done_structs:
            return
        self.done_structs.add(struct)
        for method in struct.methods.values():
            if isinstance(method, Function):
                self._check_function(method)
            else:
                self.generics.append(method)

    def _check_instances(self) -> None:
        """Instances appear while bodies are checked; go on until none is new."""
        while True:
            functions = [f for g in self.generics for f in g.instances.values() if f not in self.done]
            made = [s for g in self.generic_structs for s in g.instances.values() if not has_variable(s)]
            structs = [s for s in made if s not in self.done_structs]
            if not functions and not structs:
                return
            for function in functions:
                self._check_function(function)
            for struct in structs:
                try:
                    self._check_struct(struct)
                except CompileError as error:  # in its fields, which are laid out only now
                    self.diagnostics.add(error)

    def _check_unused(self) -> None:
        """What is generic and has no instance; where one can be made for the check, it is."""
        for generic in [generic for generic in self.generics if not generic.instances]:
            check_unused_function(generic, self.diagnostics)
        for struct in [struct for struct in self.generic_structs if not struct.instances]:
            check_unused_struct(struct, self.diagnostics)
        self._check_instances()

    def _check_data(self, data: GlobalVar) -> None:
        ctx = Context(Environment(data.module), self.diagnostics)
        assert data.init is not None
        value = construction.check_initializer(ctx, data.type, data.init)
        check_initial(value)
        self.program.data.append((data, value))

    def _check_function(self, function: Function) -> None:
        if function in self.done:
            return
        self.done.add(function)
        known = len(self.diagnostics.found)
        try:
            self._check_defaults(function)
            self.program.bodies.append(self._body(function))
        except CompileError as error:
            self.diagnostics.add(error)
        if function.bindings and function.asked_at is not None:
            self._say_who_asked(function, function.asked_at, known)
        if "interrupt" in function.decorators:
            self._check_interrupt(function)
        if "export" in function.decorators:
            self._check_export(function)
        if "panic_handler" in function.decorators:
            self._set_panic_handler(function)
        for hook, wanted in HOOKS.items():
            if hook in function.decorators:
                self._set_hook(hook, wanted, function)

    def _check_defaults(self, function: Function) -> None:
        ctx = Context(Environment(function.module, function.bindings), self.diagnostics)
        for param in function.params:
            if param.default is not None:
                check_initial(construction.check_initializer(ctx, param.type, param.default))

    def _say_who_asked(self, function: Function, where: Span, known: int) -> None:
        """Mistakes in an instance of a generic function name the call that asked for it."""
        types = ", ".join(f"{name} = {bound}" for name, bound in function.bindings.items())
        label = Label(where, f"with {types} here")
        for position in range(known, len(self.diagnostics.found)):
            found = self.diagnostics.found[position]
            self.diagnostics.found[position] = replace(found, labels=(*found.labels, label))

    def _check_interrupt(self, function: Function) -> None:
        """SDM vol 3, 6.14: the processor pushes a frame, and an error code for some exceptions."""
        first, *rest = [param.type for param in function.params] or [NONE]
        if not isinstance(first, PtrType) or rest not in ([], [U64]) or function.result != NONE:
            hint = "def handler(frame: ptr[Frame]) -> None, where exceptions have one: with error: u64 behind"
            error = CompileError("decorator", "this is no interrupt handler", function.span, hint=hint)
            self.diagnostics.add(error)

    def _check_export(self, function: Function) -> None:
        first = self.exports.setdefault(function.symbol, function)
        if first is not function:
            label = Label(first.span, "first exported here")
            message = f"the symbol {function.symbol} is exported twice"
            self.diagnostics.add(CompileError("redefined", message, function.span, labels=(label,)))

    def _set_panic_handler(self, function: Function) -> None:
        wanted = "Callable[[str, str, u32], NoReturn]"
        if str(function.type) != wanted:
            raise CompileError("panic-handler", f"a panic handler is {wanted}, not {function.type}", function.span)
        if self.program.panic_handler is not None:
            raise CompileError("panic-handler", "the program has a second panic handler", function.span)
        self.program.panic_handler = function

    def _set_hook(self, hook: str, wanted: str, function: Function) -> None:
        if str(function.type) != wanted:
            raise CompileError("hook", f"a function marked @{hook} is {wanted}, not {function.type}", function.span)
        if hook in self.program.hooks:
            raise CompileError("hook", f"the program has a second function marked @{hook}", function.span)
        self.program.hooks[hook] = function

    def _refused_parameters(self, ctx: Context, function: Function) -> None:
        """Parameters of a kind that the parser refused have values of unknown type."""
        arguments = function.node.args
        starred = [arguments.kwarg] if arguments.kwarg is not None else []
        for argument in [*arguments.posonlyargs, *arguments.kwonlyargs, *starred]:
            ctx.names[argument.arg] = Local(argument.arg, ERROR, ctx.span(argument))

    def _body(self, function: Function) -> Body:
        env = Environment(function.module, function.bindings)
        body = Body(function)
        if function.is_assembler:
            return assemble(function, body, env, self.diagnostics)
        if function.is_naked:
            raise CompileError("naked", f"{function.name} is naked but not @asm_x64", function.span)
        names: dict[str, Local] = {}
        env = Environment(function.module, function.bindings, variables=names)
        ctx = Context(env, self.diagnostics, function, body, names)
        self._refused_parameters(ctx, function)
        for position, param in enumerate(function.params):
            local = Local(param.name, param.type, param.span, position)
            body.locals.append(local)
            ctx.names[param.name] = local
            ctx.flow.assigned.add(local)
        before = len(self.diagnostics.found)
        body.statements = check_block(ctx, function.node.body)
        known = len(self.diagnostics.found) == before and not self.diagnostics.gave_up_in(env.span(function.node))
        if ctx.flow.reachable and function.result != NONE and known:
            what = (
                "never returns, but its end is reached"
                if function.result == NEVER
                else f"does not return {function.result} on every path"
            )
            raise CompileError("return", f"{function.name} {what}", function.span)
        return body
