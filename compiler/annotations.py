"""Annotations to types."""

from __future__ import annotations

import ast

import compiler.constant as constant
import compiler.declare as declare
from compiler.environment import Environment
from compiler.symbols import (
    Binding,
    Builtin,
    ConstSymbol,
    EnumSymbol,
    GenericStruct,
    ProtocolSymbol,
    TypeSymbol,
    TypeVarSymbol,
)
from compiler.type_model import (
    BOOL,
    BYTES,
    F32,
    F64,
    INTEGERS,
    NEVER,
    NONE,
    STR,
    U8,
    U16,
    U32,
    U64,
    ArrayType,
    AtomicType,
    AwaitableType,
    BitsType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    TupleType,
    Type,
    TypeVariable,
    VolatileType,
    is_scalar,
    nesting,
)

DEEPEST_NESTING = 16
"""Of types inside types: a generic that asks for itself with ever larger types goes past any bound."""

PLAIN: dict[str, Type] = {
    **INTEGERS,
    "bool": BOOL,
    "str": STR,
    "bytes": BYTES,
    "f32": F32,
    "f64": F64,
    "float": F64,
    "None": NONE,
    "NoReturn": NEVER,
    "ptr8": PtrType(U8),
    "ptr16": PtrType(U16),
    "ptr32": PtrType(U32),
    "ptr64": PtrType(U64),
}


def resolve_type(node: ast.expr, env: Environment) -> Type:
    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str(text)):
            return resolve_type(_quoted(text, node, env), env)
        case ast.Name() | ast.Attribute():
            return _named(node, env)
        case ast.Subscript(value=value, slice=arguments):
            return _constructed(node, value, arguments, env)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner = resolve_type(left, env)
            if not isinstance(inner, PtrType):
                raise env.error("type", f"only a pointer can be None, not {inner}", node, hint="use ptr[T] | None")
            return PtrType(inner.to, optional=True)
        case ast.BinOp(op=ast.BitOr()):
            hint = "a value has one type; @union holds one of several"
            raise env.error("type", f"{ast.unparse(node)} is not a type", node, hint=hint)
        case _:
            raise env.error("type", f"{ast.unparse(node)} is not a type", node)


def _quoted(text: str, node: ast.expr, env: Environment) -> ast.expr:
    try:
        inner = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise env.error("type", f"{text!r} is not a type", node) from None
    for child in ast.walk(inner):
        ast.copy_location(child, node)
    return inner


def _named(node: ast.Name | ast.Attribute, env: Environment) -> Type:
    symbol = env.symbol_of(node)
    match symbol:
        case Builtin(name=name) if name in PLAIN:
            return PLAIN[name]
        case TypeSymbol(type=found):
            return found
        case EnumSymbol(type=found):
            return found
        case TypeVarSymbol(name=name):
            return TypeVariable(name)
        case GenericStruct(parameters=parameters):
            raise env.error(
                "type", f"{ast.unparse(node)} needs its parameters: {ast.unparse(node)}[{', '.join(parameters)}]", node
            )
        case ProtocolSymbol(name=name):
            raise env.error("type", f"{name} is a Protocol", node, hint="use it as the bound of a TypeVar")
        case Builtin(name=name):
            shape = _SHAPES.get(name, "")
            if shape:
                raise env.error("type", f"{name} alone is not a type", node, hint=f"write {shape}")
    raise env.error("type", f"{ast.unparse(node)} is not a type", node)


def _constructed(node: ast.Subscript, value: ast.expr, arguments: ast.expr, env: Environment) -> Type:
    items = list(arguments.elts) if isinstance(arguments, ast.Tuple) else [arguments]
    name = env.builtin_of(value)
    match name, items:
        case "ptr", [to]:
            return PtrType(resolve_type(to, env))
        case "fstring", [of]:
            return PtrType(resolve_type(of, env))
        case "span", [of]:
            return SpanType(_element(of, env))
        case "array", [ast.Name() as of, _] if resolve_type(of, env) == NONE:
            return NONE  # results that are nothing, as many as there are
        case "array", [of, count]:
            return ArrayType(_element(of, env), _count(count, env))
        case "atomic", [of]:
            return AtomicType(_scalar(of, env, "atomic"))
        case "volatile", [of]:
            return VolatileType(_scalar(of, env, "volatile"))
        case "bits", [unit, low, width]:
            return _bit_field(node, unit, low, width, env)
        case "tuple", _:
            return TupleType(tuple(_part(item, env) for item in items))
        case "Awaitable", [result]:
            return AwaitableType(resolve_type(result, env))
        case "Callable", [ast.List(elts=params), result]:
            return FuncType(tuple(resolve_type(p, env) for p in params), resolve_type(result, env))
        case "Final" | "percpu", [inner]:
            return resolve_type(inner, env)
    symbol = env.symbol_of(value) if isinstance(value, ast.Name | ast.Attribute) else None
    if isinstance(symbol, GenericStruct):
        return _instance(node, symbol, items, env)
    hint = f"write {_SHAPES[name]}" if name in _SHAPES else ""
    raise env.error("type", f"{ast.unparse(node)} is not a type", node, hint=hint)


_SHAPES = {
    "array": "array[T, N]",
    "ptr": "ptr[T]",
    "span": "span[T]",
    "tuple": "tuple[A, B]",
    "atomic": "atomic[T]",
    "volatile": "volatile[T]",
    "percpu": "percpu[T]",
    "bits": "bits[T, low, width]",
    "Awaitable": "Awaitable[T]",
    "Callable": "Callable[[A, B], R]",
    "list": "array[T, N]",
}


def _element(node: ast.expr, env: Environment) -> Type:
    found = resolve_type(node, env)
    if found in (NONE, NEVER) or isinstance(found, BitsType):
        raise env.error("type", f"{found} cannot be an element", node)
    return found


def _part(node: ast.expr, env: Environment) -> Type:
    """A part of a tuple: tuples are values, so they hold values."""
    found = _element(node, env)
    if found.is_aggregate:
        raise env.error("type", f"{found} cannot be part of a tuple", node, hint=f"use ptr[{found}]")
    return found


def _count(node: ast.expr, env: Environment) -> int:
    count = constant.evaluate_int(node, env, "the number of elements")
    if not 0 <= count < 1 << 40:
        raise env.error("type", f"an array cannot have {count} elements", node)
    return int(count)


def _scalar(node: ast.expr, env: Environment, what: str) -> Type:
    found = resolve_type(node, env)
    if not is_scalar(found) and not isinstance(found, TypeVariable):
        raise env.error("type", f"{what}[T] needs an integer, a bool or a pointer, not {found}", node)
    return found


def _bit_field(node: ast.Subscript, unit: ast.expr, low: ast.expr, width: ast.expr, env: Environment) -> Type:
    storage = resolve_type(unit, env)
    if not isinstance(storage, IntType) or storage.signed or storage.bits > 64:
        raise env.error("type", f"a bit-field is stored in u8, u16, u32 or u64, not {storage}", unit)
    first, count = (
        constant.evaluate_int(low, env, "the lowest bit"),
        constant.evaluate_int(width, env, "the number of bits"),
    )
    if count < 1:
        raise env.error("type", f"a bit-field has at least one bit, not {count}", width)
    if first < 0 or first + count > storage.bits:
        raise env.error("type", f"bits {first}..{first + count - 1} do not fit {storage}", node)
    return BitsType(storage, first, count)


def _instance(node: ast.Subscript, generic: GenericStruct, items: list[ast.expr], env: Environment) -> Type:
    if len(items) != len(generic.parameters):
        wanted = ", ".join(generic.parameters)
        raise env.error("type", f"{generic.node.name} takes [{wanted}], not {len(items)} parameters", node)
    arguments = tuple(_argument(item, env) for item in items)
    if max(map(nesting, arguments)) > DEEPEST_NESTING:
        raise env.error("generic", f"{generic.node.name} asks for instances without end", node)
    return declare.instantiate_struct(generic, arguments)


def _argument(node: ast.expr, env: Environment) -> Binding:
    """A parameter of a generic struct: a type, or an integer constant."""
    is_constant = isinstance(node, ast.Constant | ast.BinOp) and not isinstance(getattr(node, "op", None), ast.BitOr)
    if isinstance(node, ast.Name | ast.Attribute):
        is_constant = isinstance(env.symbol_of(node), ConstSymbol)
    return int(constant.evaluate_int(node, env, "the parameter")) if is_constant else resolve_type(node, env)
