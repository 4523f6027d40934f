"""How types look in LLVM IR: as values, in memory, and as debug information sees their size."""

from __future__ import annotations

from compiler.type_model import (
    NEVER,
    NONE,
    AtomicType,
    AwaitableType,
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    TupleType,
    Type,
    VolatileType,
)

SLICE = "{ptr, i64}"


def value_type(t: Type) -> str:
    """The type of an SSA value; aggregates have none, they live in memory."""
    match t:
        case IntType(bits=bits):
            return f"i{bits}"
        case EnumType(of=of):
            return f"i{of.bits}"
        case BoolType():
            return "i1"
        case FloatType(bits=bits):
            return "float" if bits == 32 else "double"
        case PtrType() | FuncType() | AwaitableType():
            return "ptr"
        case SpanType() | StrType():
            return SLICE
        case TupleType(items=items):
            return "{" + ", ".join(value_type(i) for i in items) + "}"
        case AtomicType(of=of) | VolatileType(of=of):
            return value_type(of)
    if t in (NONE, NEVER):
        return "void"
    raise AssertionError(f"{t} has no value type")


def memory_type(t: Type) -> str:
    """The type loaded and stored; a bool takes a byte."""
    if isinstance(t, BoolType):
        return "i8"
    if isinstance(t, AtomicType | VolatileType):
        return memory_type(t.of)
    if t.is_aggregate:
        return f"[{t.size} x i8]"
    return value_type(t)


def extension(t: Type) -> str:
    """How the System V convention passes a small integer, at the call as at the definition; begins with a space."""
    if isinstance(t, EnumType):
        t = t.of
    if isinstance(t, BoolType):
        return " zeroext"
    if isinstance(t, IntType) and t.bits < 32:
        return " signext" if t.signed else " zeroext"
    return ""


def quote(name: str) -> str:
    """A symbol as LLVM text wants it."""
    return '@"' + name + '"' if not name.replace(".", "").replace("_", "").isalnum() else "@" + name


def escape(data: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in data)
