"""Initialisers of module data: typed constants to LLVM constants, laid out by our own offsets in packed literals."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING

from compiler.emit_types import memory_type
from compiler.errors import CompileError
from compiler.tree import (
    AddressOf,
    ArrayMake,
    Bytes,
    Const,
    Convert,
    ElementPlace,
    Expr,
    FieldPlace,
    FloatConst,
    FunctionRef,
    GlobalPlace,
    Place,
    SpanMake,
    StructMake,
    TupleMake,
    Zero,
)
from compiler.type_model import (
    F32,
    ArrayType,
    AtomicType,
    BitsType,
    Field,
    FuncType,
    PtrType,
    StructType,
    Type,
    VolatileType,
)

if TYPE_CHECKING:
    from compiler.emit import ModuleEmitter


def constant_type(value: Expr, kind: Type) -> str:
    """The LLVM type of `constant_value(value, kind)`."""
    if isinstance(kind, AtomicType | VolatileType):
        return constant_type(value, kind.of)
    if isinstance(value, Zero):
        return f"[{kind.size} x i8]" if kind.is_aggregate else memory_type(kind)
    if isinstance(value, StructMake):
        return "<{" + ", ".join(t for t, _ in _struct_parts(None, value)) + "}>"
    if isinstance(value, ArrayMake):
        assert isinstance(kind, ArrayType)
        return "<{" + ", ".join(constant_type(item, kind.of) for item in value.items) + "}>"
    return memory_type(kind)


def constant_value(module: ModuleEmitter, value: Expr, kind: Type) -> str:
    if isinstance(kind, AtomicType | VolatileType):
        kind = kind.of
    match value:
        case Zero():
            return "zeroinitializer"
        case Const(value=number):
            if isinstance(kind, PtrType | FuncType):
                return "null" if number == 0 else f"inttoptr (i64 {number} to ptr)"
            return str(number)
        case FloatConst(value=number):
            return _float(number, kind)
        case Bytes(value=data):
            return f"{{ptr {module.string(data)}, i64 {len(data)}}}"
        case StructMake():
            return "<{" + ", ".join(f"{t} {v}" for t, v in _struct_parts(module, value)) + "}>"
        case ArrayMake(items=items):
            assert isinstance(kind, ArrayType)
            return (
                "<{"
                + ", ".join(f"{constant_type(i, kind.of)} {constant_value(module, i, kind.of)}" for i in items)
                + "}>"
            )
        case TupleMake(items=items):
            return "{" + ", ".join(f"{memory_type(i.type)} {constant_value(module, i, i.type)}" for i in items) + "}"
        case FunctionRef(function=function):
            return module.symbol(function)
        case AddressOf(place=place):
            return _address(module, place)
        case SpanMake(pointer=pointer, count=count):
            parts = constant_value(module, pointer, pointer.type), constant_value(module, count, count.type)
            return f"{{ptr {parts[0]}, i64 {parts[1]}}}"
        case Convert(operand=operand):
            return _converted(module, value, operand, kind)
    raise CompileError("constant", "module data starts with a value known at compile time", value.span)


def _converted(module: ModuleEmitter, value: Expr, operand: Expr, kind: Type) -> str:
    inner = constant_value(module, operand, operand.type)
    from_pointer = isinstance(operand.type, PtrType | FuncType)
    to_pointer = isinstance(kind, PtrType | FuncType)
    if from_pointer and to_pointer:
        return inner
    if from_pointer:
        return f"ptrtoint (ptr {inner} to i64)"
    if to_pointer:
        return f"inttoptr (i64 {inner} to ptr)"
    raise CompileError("constant", "module data starts with a value known at compile time", value.span)


def _address(module: ModuleEmitter, place: Place) -> str:
    match place:
        case GlobalPlace(data=data):
            return module.symbol(data)
        case FieldPlace(base=base, field=field):
            return f"getelementptr (i8, ptr {_address(module, base)}, i64 {field.offset})"
        case ElementPlace(base=base, index=Const(value=index)) if isinstance(base, Place):
            return f"getelementptr (i8, ptr {_address(module, base)}, i64 {index * place.type.size})"
    raise CompileError("constant", "this address is not known at compile time", place.span)


def _struct_parts(module: ModuleEmitter | None, value: StructMake) -> list[tuple[str, str]]:
    """Type and value of each member in address order; gaps are zero bytes, bit-fields are merged into their unit."""
    struct = value.type
    assert isinstance(struct, StructType)
    units: dict[int, tuple[BitsType, int]] = {}
    plain: list[tuple[Field, Expr]] = []
    for field, expr in value.values:
        if isinstance(field.type, BitsType):
            bits = field.type
            number = expr.value if isinstance(expr, Const) else 0
            if not isinstance(expr, Const | Zero):
                raise CompileError("constant", "a bit-field of module data starts with a constant", expr.span)
            before = units.get(field.offset, (bits, 0))[1]
            units[field.offset] = (bits, before | (number & ((1 << bits.width) - 1)) << bits.low)
        else:
            plain.append((field, expr))
    pieces: list[tuple[int, int, str, str]] = [
        (offset, bits.unit.size, f"i{bits.unit.bits}", str(number)) for offset, (bits, number) in units.items()
    ]
    for field, expr in plain:
        text = constant_value(module, expr, field.type) if module is not None else ""
        pieces.append((field.offset, field.type.size, constant_type(expr, field.type), text))
    return _with_gaps(sorted(pieces), struct.size)


def _with_gaps(pieces: list[tuple[int, int, str, str]], size: int) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    for offset, length, kind, text in pieces:
        if offset > at:
            out.append((f"[{offset - at} x i8]", "zeroinitializer"))
        out.append((kind, text))
        at = offset + length
    if size > at:
        out.append((f"[{size - at} x i8]", "zeroinitializer"))
    return out


def _float(number: float, kind: Type) -> str:
    """LLVM writes both kinds as the bits of a double, which an f32 must be able to hold."""
    if kind == F32:
        number = ctypes.c_float(number).value
    return "0x" + struct.pack(">d", number).hex().upper()
