"""Generic functions that nobody calls: without types for their parameters, their names alone can be looked up.

Where a TypeVar lists its types, the first of them stands for it and all is checked.
"""

from __future__ import annotations

import ast
import itertools

from compiler.annotations import resolve_type
from compiler.declare import instantiate_function
from compiler.environment import Environment
from compiler.errors import CompileError, Diagnostics
from compiler.modules import Module, resolve
from compiler.symbols import Binding, FunctionNode, GenericFunction, GenericStruct, TypeVarSymbol


def check_unused_function(generic: GenericFunction, diagnostics: Diagnostics) -> None:
    try:
        bindings = _stand_ins(generic)
        if len(bindings) == len(generic.parameters):
            instantiate_function(generic, bindings)
            return
    except CompileError as error:
        diagnostics.add(error)
        return
    _look_up_names(generic.module, generic.node, {*generic.parameters, *generic.outer}, diagnostics)


def _stand_ins(generic: GenericFunction) -> dict[str, Binding]:
    """The first type that each parameter's TypeVar lists."""
    bindings: dict[str, Binding] = {}
    for name in generic.parameters:
        known = name in generic.module.declarations or name in generic.module.symbols
        symbol = resolve(generic.module, name, generic.node) if known else None
        if isinstance(symbol, TypeVarSymbol) and symbol.constraints:
            bindings[name] = resolve_type(symbol.constraints[0], Environment(symbol.module))
    return bindings


def check_unused_struct(generic: GenericStruct, diagnostics: Diagnostics) -> None:
    for method in generic.node.body:
        if isinstance(method, FunctionNode):
            _look_up_names(generic.module, method, set(generic.parameters), diagnostics)


def _look_up_names(module: Module, node: FunctionNode, own: set[str], diagnostics: Diagnostics) -> None:
    """Reports names that neither the function nor its module knows, each once."""
    arguments = node.args
    starred = [arguments.vararg] if arguments.vararg else []
    own = own | {a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]}
    for child in itertools.chain.from_iterable(map(ast.walk, node.body)):
        match child:
            case ast.Name(id=name, ctx=ast.Store()):
                own.add(name)
            case ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
                own.add(name)
    for child in itertools.chain.from_iterable(map(ast.walk, node.body)):
        if not isinstance(child, ast.Name) or child.id in own:
            continue
        own.add(child.id)
        try:
            module.lookup(child.id, child)
        except CompileError as error:
            diagnostics.add(error)
