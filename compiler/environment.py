"""Where names are looked up while one declaration is resolved: constants of a comprehension, generic parameters, the
module.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.errors import CompileError
from compiler.modules import Module, member, resolve
from compiler.source import Span
from compiler.symbols import Binding, Builtin, ConstSymbol, ModuleSymbol, Symbol, TypeSymbol
from compiler.type_model import Type


@dataclass(frozen=True)
class Environment:
    module: Module
    bindings: dict[str, Binding] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)  # locals, which no constant may depend on

    def lookup(self, name: str, at: ast.AST) -> Symbol:
        if name in self.constants:
            return ConstSymbol(name, self.constants[name])
        if name in self.bindings:
            bound = self.bindings[name]
            return TypeSymbol(bound) if isinstance(bound, Type) else ConstSymbol(name, bound)
        if name in self.variables:
            raise self.error("constant", f"{name} is a variable, but this must be known when compiling", at)
        return resolve(self.module, name, at)

    def with_constants(self, constants: dict[str, object]) -> Environment:
        return Environment(self.module, self.bindings, {**self.constants, **constants}, self.variables)

    def symbol_of(self, node: ast.expr) -> Symbol | None:
        """What a name, or a name reached through imported modules, stands for; None for other expressions."""
        if isinstance(node, ast.Name):
            return self.lookup(node.id, node)
        if isinstance(node, ast.Attribute):
            base = self.symbol_of(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else None
            if isinstance(base, ModuleSymbol):
                return member(self.module, base.module, node.attr, node)
        return None

    def builtin_of(self, node: ast.expr) -> str:
        """The language's own name that `node` refers to, or the empty string."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return ""
        try:
            symbol = self.symbol_of(node)
        except CompileError:
            return ""
        return symbol.name if isinstance(symbol, Builtin) else ""

    def span(self, node: ast.AST) -> Span:
        return self.module.span(node)

    def error(self, code: str, message: str, node: ast.AST, *, here: str = "", hint: str = "") -> CompileError:
        return self.module.error(code, message, node, here=here, hint=hint)
