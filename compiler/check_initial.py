"""What module data may start with: values and addresses that are known before the program runs."""

from __future__ import annotations

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
from compiler.type_model import ERROR, FuncType, PtrType


def check_initial(value: Expr) -> None:
    match value:
        case Const() | FloatConst() | Bytes() | Zero() | FunctionRef():
            return
        case StructMake(values=values):
            parts = [part for _, part in values]
        case ArrayMake(items=items) | TupleMake(items=items):
            parts = items
        case SpanMake(pointer=pointer, count=count):
            parts = [pointer, count]
        case Convert(operand=operand) if isinstance(operand.type, PtrType | FuncType) or _is_address(value):
            parts = [operand]
        case AddressOf(place=place):
            return _check_address(place)
        case _ if value.type == ERROR:
            return
        case _:
            raise CompileError(
                "constant",
                "module data starts with a value that is known at compile time",
                value.span,
                hint="start with zeroed() and assign it in a function that runs first",
            )
    for part in parts:
        check_initial(part)


def _is_address(value: Expr) -> bool:
    return isinstance(value.type, PtrType | FuncType)


def _check_address(place: Place) -> None:
    match place:
        case GlobalPlace():
            return
        case FieldPlace(base=base):
            return _check_address(base)
        case ElementPlace(base=Place() as base, index=Const()):
            return _check_address(base)
    raise CompileError("constant", "this address is not known at compile time", place.span)
