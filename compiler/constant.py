"""Compile-time evaluation: Python's meaning, over names whose values the compiler knows.

Values are Python's own: int (unbounded; `TypedInt` after a conversion), bool, str, bytes, tuple, list. Anything that
depends on run time is refused with a caret on the part that does.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

import compiler.annotations as type_annotations
from compiler.constant_loops import run_loop
from compiler.environment import Environment
from compiler.symbols import ConstSymbol, EnumSymbol, GlobalVar, TypedInt
from compiler.type_model import INTEGERS, BoolType, IntType, StructType

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len, "min": min, "max": max, "abs": abs, "sum": sum, "sorted": sorted, "range": range, "ord": ord,
    "divmod": divmod, "enumerate": enumerate, "reversed": reversed, "list": list, "tuple": tuple, "bytes": bytes,
    "str": str, "bool": bool, "int": int, "zip": zip,
}  # fmt: skip
SHIFT_LIMIT = 1 << 16
"""Bits a constant may be shifted by: keeps a typing error from filling the memory."""


def evaluate(node: ast.expr, env: Environment) -> Any:
    try:
        return _evaluate(node, env)
    except (ArithmeticError, TypeError, ValueError, IndexError, KeyError) as error:
        text = str(error).replace(TypedInt.__name__, "int")
        raise env.error("constant", f"cannot evaluate at compile time: {text}", node) from None


def evaluate_int(node: ast.expr, env: Environment, what: str) -> int:
    value = evaluate(node, env)
    if not isinstance(value, int) or isinstance(value, bool):
        raise env.error("constant", f"{what} must be an integer constant, not {type(value).__name__}", node)
    return value


def _evaluate(node: ast.expr, env: Environment) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name() | ast.Attribute():
            return _evaluate_name(node, env)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, env), _evaluate(right, env)
            if isinstance(op, ast.LShift | ast.Pow) and isinstance(b, int) and b > SHIFT_LIMIT:
                raise env.error("constant", f"a constant may not be that large: {b} is above {SHIFT_LIMIT}", right)
            return BINARY[type(op)](a, b)
        case ast.UnaryOp(op=op, operand=operand):
            return UNARY[type(op)](_evaluate(operand, env))
        case ast.BoolOp(op=op, values=values):
            result = _evaluate(values[0], env)
            for value in values[1:]:
                if bool(result) == isinstance(op, ast.Or):
                    return result
                result = _evaluate(value, env)
            return result
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _evaluate_comparison(left, ops, comparators, env)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _evaluate(body if _evaluate(test, env) else orelse, env)
        case ast.Tuple(elts=elts):
            return tuple(_evaluate(e, env) for e in elts)
        case ast.List(elts=elts):
            return [_evaluate(e, env) for e in elts]
        case ast.ListComp(elt=elt, generators=generators) | ast.GeneratorExp(elt=elt, generators=generators):
            found = run_loop(node, lambda name: _evaluate_name(name, env), env.builtin_of, FUNCTIONS)
            if found is not None:
                return found
            return [_evaluate(elt, inner) for inner in comprehend(generators, env)]
        case ast.Subscript(value=value, slice=index):
            return _evaluate(value, env)[_evaluate_index(index, env)]
        case ast.Call():
            return _evaluate_call(node, env)
        case _:
            raise env.error("constant", "this is not known at compile time", node)


def comprehend(generators: list[ast.comprehension], env: Environment) -> Iterator[Environment]:
    """One environment for each round of nested comprehension loops."""
    if not generators:
        yield env
        return
    first, rest = generators[0], generators[1:]
    for value in _evaluate(first.iter, env):
        inner = env.with_constants(_bind(first.target, value, env))
        if all(_evaluate(test, inner) for test in first.ifs):
            yield from comprehend(rest, inner)


def _bind(target: ast.expr, value: Any, env: Environment) -> dict[str, object]:
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple):
        bound: dict[str, object] = {}
        for element, item in zip(target.elts, value, strict=True):
            bound |= _bind(element, item, env)
        return bound
    raise env.error("constant", "a comprehension assigns to names only", target)


def _evaluate_name(node: ast.Name | ast.Attribute, env: Environment) -> Any:
    if isinstance(node, ast.Attribute):
        base = env.symbol_of(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else None
        if isinstance(base, EnumSymbol):
            if node.attr not in base.members:
                raise env.error("unknown-name", f"{base.name} has no member {node.attr}", node)
            return base.members[node.attr]
    symbol = env.symbol_of(node)
    if isinstance(symbol, ConstSymbol):
        return symbol.value
    hint = ""
    if isinstance(symbol, GlobalVar) and isinstance(symbol.type, IntType | BoolType) and symbol.init is not None:
        hint = f"declare it so: {symbol.name}: Final = {ast.unparse(symbol.init)}"
    raise env.error("constant", f"{ast.unparse(node)} is not a constant", node, hint=hint)


def _evaluate_comparison(left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr], env: Environment) -> bool:
    a = _evaluate(left, env)
    for op, comparator in zip(ops, comparators, strict=True):
        b = _evaluate(comparator, env)
        if type(op) not in COMPARE:
            raise env.error("constant", "only ==, !=, <, <=, >, >=, in and not in compare constants", comparator)
        if not COMPARE[type(op)](a, b):
            return False
        a = b
    return True


def _evaluate_index(index: ast.expr, env: Environment) -> Any:
    if isinstance(index, ast.Slice):
        parts = (index.lower, index.upper, index.step)
        return slice(*(None if part is None else _evaluate(part, env) for part in parts))
    return _evaluate(index, env)


def _evaluate_call(node: ast.Call, env: Environment) -> Any:
    name = env.builtin_of(node.func)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "encode" and not node.args:
        return str(_evaluate(node.func.value, env)).encode()
    if name == "sizeof":
        if len(node.args) != 1:
            raise env.error("constant", "sizeof takes one type: sizeof(S)", node)
        return type_annotations.resolve_type(node.args[0], env).size
    if name == "offsetof":
        return _offset_of(node, env)
    if name == "option":
        return _option(node, env)
    if name == "const" and len(node.args) == 1:
        return _evaluate(node.args[0], env)
    if name in INTEGERS and name != "int":
        kind = INTEGERS[name]
        value = int(_evaluate(node.args[0], env))
        if not kind.holds(value):
            raise env.error("literal-range", f"{value} does not fit {kind}", node)
        return TypedInt(value, kind)
    if name in FUNCTIONS:
        keywords = {k.arg: _evaluate(k.value, env) for k in node.keywords if k.arg}
        return FUNCTIONS[name](*(_evaluate(a, env) for a in node.args), **keywords)
    raise env.error("constant", f"{ast.unparse(node.func)}() cannot be called at compile time", node)


def _offset_of(node: ast.Call, env: Environment) -> int:
    if len(node.args) != 2:
        raise env.error("constant", 'offsetof takes a struct and a field: offsetof(S, "field")', node)
    struct = type_annotations.resolve_type(node.args[0], env)
    path = str(_evaluate(node.args[1], env))
    offset = 0
    for part in path.split("."):
        if not isinstance(struct, StructType) or part not in struct.fields:
            raise env.error("unknown-field", f"{struct} has no field {part}", node.args[1])
        offset += struct.fields[part].offset
        struct = struct.fields[part].type
    return offset


def _option(node: ast.Call, env: Environment) -> Any:
    if len(node.args) != 2:
        raise env.error("constant", 'option takes a name and a default: option("NAME", 0)', node)
    name, default = str(_evaluate(node.args[0], env)), _evaluate(node.args[1], env)
    given = env.module.project.options.get(name, default)
    return type(default)(given) if not isinstance(default, bool) else given in (True, 1, "1", "true", "True")
