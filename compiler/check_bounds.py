"""What type parameters may stand for: the Protocol or the list of types that a TypeVar names, checked at each use."""

from __future__ import annotations

import ast

from compiler.annotations import resolve_type
from compiler.context import Context
from compiler.environment import Environment
from compiler.errors import CompileError, Label
from compiler.modules import Module, resolve
from compiler.symbols import Binding, Function, ProtocolSymbol, TypeVarSymbol
from compiler.type_model import PtrType, StructType, Type


def check_bounds(ctx: Context, node: ast.expr, module: Module, bindings: dict[str, Binding]) -> None:
    """Refuses `bindings` of the type parameters of something generic in `module`; `node` is what asks for them."""
    for name, bound in bindings.items():
        known = name in module.declarations or name in module.symbols
        symbol = resolve(module, name, node) if known else None
        if isinstance(symbol, TypeVarSymbol) and isinstance(bound, Type):
            _check_variable(ctx, node, symbol, bound)


def _check_variable(ctx: Context, node: ast.expr, variable: TypeVarSymbol, bound: Type) -> None:
    env = Environment(variable.module)
    allowed = [resolve_type(constraint, env) for constraint in variable.constraints]
    if allowed and bound not in allowed:
        names = " or ".join(map(str, allowed))
        raise ctx.error("generic", f"{variable.name} may be {names}, not {bound}", node)
    if variable.bound is None:
        return
    symbol = env.symbol_of(variable.bound) if isinstance(variable.bound, ast.Name | ast.Attribute) else None
    if not isinstance(symbol, ProtocolSymbol):
        raise env.error("generic", "the bound of a TypeVar is a Protocol", variable.bound)
    _check_protocol(ctx, node, symbol, variable, bound)


def _check_protocol(
    ctx: Context, node: ast.expr, protocol: ProtocolSymbol, variable: TypeVarSymbol, bound: Type
) -> None:
    owner = bound.to if isinstance(bound, PtrType) else bound
    env = Environment(protocol.module, {"Self": owner})
    for wanted in protocol.node.body:
        if not isinstance(wanted, ast.FunctionDef):
            continue
        asked = Label(protocol.module.span(wanted), f"{protocol.name} asks for it here")
        method = owner.methods.get(wanted.name) if isinstance(owner, StructType) else None
        head = ast.unparse(wanted).partition("\n")[0].removesuffix(":")
        if not isinstance(method, Function):
            message = f"{variable.name} is {bound} here, which has no method {wanted.name}"
            hint = f"{protocol.name} asks for: {head}"
            raise CompileError("generic", message, ctx.span(node), labels=(asked,), hint=hint)
        params = tuple(resolve_type(a.annotation, env) for a in wanted.args.args[1:] if a.annotation is not None)
        result = resolve_type(wanted.returns, env) if wanted.returns is not None else None
        if (method.type.params[1:], method.type.result) != (params, result):
            message = f"{variable.name} is {bound} here, whose {wanted.name} is not as {protocol.name} asks for"
            there = Label(method.span, f"{owner} has it here")
            raise CompileError("generic", message, ctx.span(node), labels=(asked, there), hint=f"write {head}")
