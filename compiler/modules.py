"""The module graph: files, imports, and the meaning of module-level names, resolved on demand.

Input law: an entry module below the project's root. Output law: every module reachable by imports is parsed, there is
no import cycle, imports obey the layer rules, and each module-level name resolves to one `Symbol`.
"""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from compiler.builtin_names import EXCEPTIONS, LIBRARY, PRELUDE, PYTHON_BUILTINS, PYTHON_NAMES
from compiler.errors import REPORTED, CompileError, Diagnostics, Label
from compiler.parse import is_main_guard, parse
from compiler.source import SourceFile, Span
from compiler.symbols import Builtin, ExceptionSymbol, Function, ModuleSymbol, Symbol

if TYPE_CHECKING:
    from compiler.protocols import Method

PROGRAM_MAIN = "program_main"
"""The symbol of what a program does."""
RUNTIME = "compiler.runtime"
"""Modules that the compiler adds to programs; they come with it, wherever the program is."""
DIVISION = f"{RUNTIME}.division"
COMPILER_ROOT = Path(__file__).resolve().parents[1]


@dataclass(eq=False)
class Module:
    name: str
    source: SourceFile
    tree: ast.Module
    project: Project
    declarations: dict[str, ast.stmt] = field(default_factory=dict)
    imports: dict[str, Module] = field(default_factory=dict)  # by dotted name
    symbols: dict[str, Symbol] = field(default_factory=dict)
    resolving: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)  # names whose import was refused
    errors: dict[str, CompileError] = field(default_factory=dict)  # what was wrong with a declaration, by name

    def span(self, node: ast.AST) -> Span:
        return self.source.span(node)

    def error(self, code: str, message: str, node: ast.AST, *, here: str = "", hint: str = "") -> CompileError:
        return CompileError(code, message, self.span(node), here=here, hint=hint)

    def lookup(self, name: str, at: ast.AST) -> Symbol:
        """The meaning of `name` in this module; declarations resolve when first asked for."""
        if name in self.symbols:
            return self.symbols[name]
        declaration = self.declarations.get(name)
        if declaration is None:
            if name in self.failed:
                raise self.error(REPORTED, name, at)
            if name in PYTHON_BUILTINS:
                return Builtin(name)
            if name in EXCEPTIONS:
                return self.project.built_in_exception(name)
            raise self._unknown(name, at)
        if name in self.errors:
            raise self.errors[name]
        if name in self.resolving:
            raise self.error("circular-definition", f"{name} is defined in terms of itself", declaration)
        self.resolving.add(name)
        try:
            symbol = self.project.declare(self, name, declaration)
        except CompileError as error:
            self.errors[name] = error
            raise
        finally:
            self.resolving.discard(name)
        self.symbols[name] = symbol
        return symbol

    def _unknown(self, name: str, at: ast.AST) -> CompileError:
        if name in PRELUDE:
            hint = f"from compiler.prelude import {name}"
        else:
            near = difflib.get_close_matches(name, [*self.declarations, *self.symbols], 1)
            hint = f"did you mean {near[0]}?" if near else ""
        if name in vars(builtins):
            hint = PYTHON_NAMES.get(name, hint)
            return self.error("unsupported", f"Python's {name} is not part of the language", at, hint=hint)
        return self.error("unknown-name", f"{name} is not defined", at, hint=hint)


@dataclass(eq=False)
class Project:
    """All sources of one build. `declare` turns a declaration into its symbol (compiler.declare)."""

    root: Path
    diagnostics: Diagnostics
    declare: Callable[[Module, str, ast.stmt], Symbol]
    options: dict[str, object] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    loading: list[str] = field(default_factory=list)
    missing: set[Path] = field(default_factory=set)  # where a module could have been but was not
    exceptions: dict[str, ExceptionSymbol] = field(default_factory=dict)
    entry: str = ""  # the module whose `if __name__ == "__main__":` counts
    aliases: dict[str, str] = field(default_factory=dict)  # Python's own module names, and what stands for them
    protocols: dict[str, tuple[Method, ...]] = field(default_factory=dict)  # by the struct's name
    slices: dict[str, Function] | None = None  # once they have been looked for

    def new_exception(self, name: str, base: ExceptionSymbol | None) -> ExceptionSymbol:
        self.exceptions[name] = ExceptionSymbol(name, len(self.exceptions) + 1, base)
        return self.exceptions[name]

    def marked(self, decorator: str) -> Function | None:
        """The program's function with a decorator of which there is one, such as @printer."""
        for module in self.modules.values():
            for name, node in module.declarations.items():
                if isinstance(node, ast.FunctionDef) and _is_marked(node, decorator):
                    found = resolve(module, name, node)
                    return found if isinstance(found, Function) else None
        return None

    def slice_methods(self) -> dict[str, Function]:
        """The program's functions marked @slice_method: methods of bytes and str, by name."""
        if self.slices is None:
            self.slices = {}
            for module in self.modules.values():
                for name, node in module.declarations.items():
                    if isinstance(node, ast.FunctionDef) and _is_marked(node, "slice_method"):
                        found = resolve(module, name, node)
                        if isinstance(found, Function):
                            self.slices[name] = found
        return self.slices

    def built_in_exception(self, name: str) -> ExceptionSymbol:
        if name not in self.exceptions:
            base = EXCEPTIONS[name]
            self.new_exception(name, self.built_in_exception(base) if base else None)
        return self.exceptions[name]

    def root_of(self, name: str) -> Path:
        """Where a module's path begins: the compiler's own run-time modules come with the compiler."""
        return COMPILER_ROOT if name.startswith(RUNTIME) else self.root

    def path_of(self, name: str) -> Path | None:
        stem = self.root_of(name).joinpath(*name.split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                return path
            self.missing.add(path)
        return None

    def _read(self, root: Path, path: Path) -> SourceFile:
        try:
            return SourceFile.read(root, path)
        except UnicodeDecodeError as error:
            source = SourceFile(path.relative_to(root).as_posix(), "")
            line = error.object[: error.start].count(b"\n") + 1
            self.diagnostics.add(CompileError("syntax", "the file is not UTF-8 text", Span(source, line, 0, line, 1)))
            return source

    def load(self, name: str, importer: Module | None = None, at: ast.AST | None = None) -> Module:
        if name in self.loading and importer is not None and at is not None:
            chain = " -> ".join([*self.loading[self.loading.index(name) :], name])
            raise importer.error("import-cycle", f"modules import each other: {chain}", at)
        if name in self.modules:
            return self.modules[name]
        path = self.path_of(name)
        if path is None:
            if importer is None or at is None:
                raise FileNotFoundError(f"no module {name} below {self.root}")
            raise importer.error("unknown-module", f"there is no module {name}", at)
        source = self._read(self.root_of(name), path)
        module = Module(name, source, parse(source, self.diagnostics), self)
        self.modules[name] = module
        self.loading.append(name)
        try:
            _declare_names(module)
        finally:
            self.loading.pop()
        return module


def _declare_names(module: Module) -> None:
    for statement in module.tree.body:
        try:
            _declare_statement(module, statement)
        except CompileError as error:
            module.project.diagnostics.add(error)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module.failed |= {alias.asname or alias.name for alias in statement.names} - module.symbols.keys()


def _declare_statement(module: Module, statement: ast.stmt) -> None:
    match statement:
        case ast.ImportFrom():
            _import_from(module, statement)
        case ast.Import():
            _import(module, statement)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            _add(module, name, statement)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            _add(module, name, statement)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            pass
        case ast.If() if is_main_guard(statement):
            if module.name == module.project.entry:
                module.declarations[PROGRAM_MAIN] = _program_main(statement)
        case ast.If():
            raise module.error("unsupported", "if at module level is not part of the language", statement)


def _program_main(guard: ast.If) -> ast.FunctionDef:
    """The body of `if __name__ == "__main__":` as a function."""
    arguments = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    nothing = ast.copy_location(ast.Constant(value=None), guard)
    function = ast.FunctionDef(
        name=PROGRAM_MAIN, args=arguments, body=guard.body, decorator_list=[], returns=nothing, type_comment=None
    )
    return ast.copy_location(function, guard)


def _add(module: Module, name: str, statement: ast.stmt) -> None:
    first = module.declarations.get(name)
    if first is not None or name in module.symbols:
        labels = (Label(module.span(first), "first defined here"),) if first is not None else ()
        hint = "rename one of them" if first is not None else "it is imported above"
        raise CompileError("redefined", f"{name} is defined twice", module.span(statement), labels=labels, hint=hint)
    module.declarations[name] = statement


def _import(module: Module, statement: ast.Import) -> None:
    for alias in statement.names:
        target = _load_import(module, module.project.aliases.get(alias.name, alias.name), alias)
        # `import a.b` without a short name is for what the module defines for others: entry code, data sections.
        if alias.asname or "." not in alias.name:
            module.symbols[alias.asname or alias.name] = ModuleSymbol(target)


def _import_from(module: Module, statement: ast.ImportFrom) -> None:
    origin = statement.module or ""
    if statement.level:
        raise module.error(
            "import-form", "relative imports are not part of the language", statement, hint="write the full module name"
        )
    if origin == "compiler.prelude.x64":
        return  # mnemonics and registers have meaning inside assembler functions only
    if origin == "compiler.prelude":
        _import_names(module, statement, PRELUDE, "compiler.prelude")
        return
    if origin in LIBRARY:
        _import_names(module, statement, LIBRARY[origin], origin)
        return
    for alias in statement.names:
        _import_name(module, module.project.aliases.get(origin, origin), alias, statement)


def _import_name(module: Module, origin: str, alias: ast.alias, statement: ast.ImportFrom) -> None:
    if alias.name == "*":
        raise module.error("import-form", f"import the names you use of {origin}, not *", alias)
    name = alias.asname or alias.name
    submodule = f"{origin}.{alias.name}"
    if module.project.path_of(submodule) is not None:
        module.symbols[name] = ModuleSymbol(_load_import(module, submodule, alias))
        return
    target = _load_import(module, origin, statement)
    if alias.name.startswith("_"):
        raise _private(module, origin, alias.name, alias)
    if alias.name not in target.declarations and alias.name not in target.symbols:
        raise _not_there(module, target, alias.name, alias)
    module.symbols[name] = _Deferred(target, alias.name)  # type: ignore[assignment]


def _private(module: Module, origin: str, name: str, at: ast.AST) -> CompileError:
    return module.error(
        "private-name", f"{name} is private to {origin}", at, hint="drop the leading underscore where it is declared"
    )


def _not_there(module: Module, target: Module, name: str, at: ast.AST) -> CompileError:
    near = difflib.get_close_matches(name, [*target.declarations, *target.symbols], 1)
    hint = f"did you mean {near[0]}?" if near else ""
    return module.error("unknown-name", f"{target.name} has no {name}", at, hint=hint)


class _Deferred:
    """An imported name whose declaration is resolved when it is first used."""

    def __init__(self, module: Module, name: str) -> None:
        self.module, self.name = module, name


def resolve(module: Module, name: str, at: ast.AST) -> Symbol:
    """`Module.lookup`, following imported names to where they are declared."""
    symbol = module.lookup(name, at)
    while isinstance(symbol, _Deferred):
        symbol = symbol.module.lookup(symbol.name, at)
    return symbol


def member(module: Module, target: Module, name: str, at: ast.AST) -> Symbol:
    """The meaning of `target.name`, written in `module`."""
    if name.startswith("_"):
        raise _private(module, target.name, name, at)
    if name not in target.declarations and name not in target.symbols:
        raise _not_there(module, target, name, at)
    return resolve(target, name, at)


def _import_names(module: Module, statement: ast.ImportFrom, known: frozenset[str], origin: str) -> None:
    for alias in statement.names:
        if alias.name == "*":
            raise module.error("import-form", f"import the names you use of {origin}, not *", alias)
        if alias.name not in known:
            raise module.error(
                "unknown-name",
                f"the language does not know {alias.name} of {origin}",
                alias,
                hint=PYTHON_NAMES.get(alias.name, f"it knows {', '.join(sorted(known))}" if len(known) < 10 else ""),
            )
        is_exception = alias.name in EXCEPTIONS
        found = module.project.built_in_exception(alias.name) if is_exception else Builtin(alias.name)
        module.symbols[alias.asname or alias.name] = found


def _load_import(module: Module, name: str, at: ast.AST) -> Module:
    project = module.project
    if project.path_of(name) is None:
        top = name.partition(".")[0]
        hint = (
            ""
            if (project.root / top).is_dir()
            else "Python's libraries cannot be compiled; write what you need as a module"
        )
        if isinstance(at, ast.ImportFrom) and at.names[0].name in PYTHON_NAMES:
            hint = PYTHON_NAMES[at.names[0].name]
        raise module.error("unknown-module", f"there is no module {name}", at, hint=hint)
    mine, theirs = layer_of(project, module.name), layer_of(project, name)
    if mine is not None and theirs is not None and theirs > mine:
        raise module.error("layer", f"{module.name} may not import {name}: imports go down the layers only", at)
    target = project.load(name, module, at)
    module.imports[name] = target
    return target


def layer_of(project: Project, name: str) -> int | None:
    """The rank of the longest listed prefix of a module's name; higher ranks may import lower ones."""
    while name:
        if name in project.layers:
            return project.layers[name]
        name = name.rpartition(".")[0]
    return None


def _is_marked(node: ast.FunctionDef, decorator: str) -> bool:
    return any(isinstance(d, ast.Name) and d.id == decorator for d in node.decorator_list)
