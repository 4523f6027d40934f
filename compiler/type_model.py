"""The types of the language, their sizes and their alignments (System V x86_64 layout).

Structural types are frozen and compare by value; a struct or an enum is the class that declares it and compares by
identity. Sizes and alignments are in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compiler.errors import UNKNOWN

if TYPE_CHECKING:
    from compiler.symbols import Function, GenericFunction, GenericStruct

POINTER_SIZE = 8


class Type:
    size: int = 0
    align: int = 1

    @property
    def is_aggregate(self) -> bool:
        """Lives in memory and is copied by `copy` alone."""
        return False


@dataclass(frozen=True)
class NumberType(Type):
    """A number that takes `bits` bits of memory, at a multiple of its size."""

    bits: int

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.bits // 8

    @property
    def align(self) -> int:  # type: ignore[override]
        return self.bits // 8


@dataclass(frozen=True)
class IntType(NumberType):
    signed: bool

    def __str__(self) -> str:
        return f"{'i' if self.signed else 'u'}{self.bits}"

    @property
    def minimum(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    def holds(self, value: int) -> bool:
        return self.minimum <= value <= self.maximum

    def wrap(self, value: int) -> int:
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if value > self.maximum else value


@dataclass(frozen=True)
class FloatType(NumberType):
    def __str__(self) -> str:
        return f"f{self.bits}"


@dataclass(frozen=True)
class BoolType(Type):
    size = 1
    align = 1

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, eq=False)
class SpecialType(Type):
    """A type without values in memory; each is one object, named below."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class PtrType(Type):
    to: Type
    optional: bool = False
    size = POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return f"ptr[{self.to}]" + (" | None" if self.optional else "")


@dataclass(frozen=True)
class FuncType(Type):
    params: tuple[Type, ...]
    result: Type
    size = POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return f"Callable[[{', '.join(map(str, self.params))}], {self.result}]"


@dataclass(frozen=True)
class AwaitableType(Type):
    """What calling an `async def` gives: the handle of a coroutine that has not started, to be awaited once."""

    result: Type
    size = POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return f"Awaitable[{self.result}]"


@dataclass(frozen=True)
class SpanType(Type):
    of: Type
    size = 2 * POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return f"span[{self.of}]"


@dataclass(frozen=True)
class StrType(Type):
    """Text: pointer and length of UTF-8 bytes."""

    size = 2 * POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return "str"


@dataclass(frozen=True)
class WrappedType(Type):
    """Lies in memory as another type does."""

    of: Type

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.of.size

    @property
    def align(self) -> int:  # type: ignore[override]
        return self.of.align


@dataclass(frozen=True)
class ArrayType(WrappedType):
    count: int

    def __str__(self) -> str:
        return f"array[{self.of}, {self.count}]"

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.of.size * self.count

    @property
    def is_aggregate(self) -> bool:
        return True


@dataclass(frozen=True)
class TupleType(Type):
    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items))}]"

    @property
    def offsets(self) -> tuple[int, ...]:
        return tuple(offset for offset, _ in _place(self.items))

    @property
    def size(self) -> int:  # type: ignore[override]
        end = max((offset + item.size for offset, item in _place(self.items)), default=0)
        return round_up(end, self.align)

    @property
    def align(self) -> int:  # type: ignore[override]
        return max((item.align for item in self.items), default=1)


@dataclass(frozen=True)
class AtomicType(WrappedType):
    def __str__(self) -> str:
        return f"atomic[{self.of}]"

    @property
    def align(self) -> int:  # type: ignore[override]
        return self.of.size

    @property
    def is_aggregate(self) -> bool:
        return True


@dataclass(frozen=True)
class VolatileType(WrappedType):
    def __str__(self) -> str:
        return f"volatile[{self.of}]"


@dataclass(frozen=True)
class BitsType(Type):
    """A bit-field: `width` bits from bit `low` of a storage unit."""

    unit: IntType
    low: int
    width: int

    def __str__(self) -> str:
        return f"bits[{self.unit}, {self.low}, {self.width}]"

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.unit.size

    @property
    def align(self) -> int:  # type: ignore[override]
        return self.unit.align

    @property
    def value_type(self) -> IntType:
        return self.unit


@dataclass
class Field:
    name: str
    type: Type
    offset: int
    default: object = None  # an ast.expr
    guard: str = ""  # the lock of its `with guarded_by(...)` block
    home: object = None  # the Environment of the struct's declaration, in which the default has its meaning


class StructType(Type):
    """A struct or union. Laid out when its fields are first asked for, so that structs may point at each other."""

    def __init__(self, name: str, lay_out: Callable[[StructType], None]) -> None:
        self.name = name  # dotted path
        self.is_union = False
        self.generic: GenericStruct | None = None  # what this is an instance of, and with which parameters
        self.arguments: tuple[Type | int, ...] = ()
        self._lay_out: Callable[[StructType], None] | None = lay_out
        self._fields: dict[str, Field] = {}
        self.nothings: dict[str, Field] = {}  # once laid out: fields whose type variable is None here, not in memory
        self._methods: dict[str, Function | GenericFunction] = {}
        self._size, self._align = 0, 1

    def __str__(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def is_aggregate(self) -> bool:
        return True

    def set_layout(self, fields: dict[str, Field], size: int, align: int) -> None:
        self._fields, self._size, self._align = fields, size, align

    def _complete(self) -> None:
        if self._lay_out is not None:
            lay_out, self._lay_out = self._lay_out, None
            lay_out(self)

    @property
    def fields(self) -> dict[str, Field]:
        self._complete()
        return self._fields

    @property
    def methods(self) -> dict[str, Function | GenericFunction]:
        self._complete()
        return self._methods

    @property
    def size(self) -> int:  # type: ignore[override]
        self._complete()
        return self._size

    @property
    def align(self) -> int:  # type: ignore[override]
        self._complete()
        return self._align


@dataclass(frozen=True)
class EnumType(WrappedType):
    """An IntEnum or IntFlag as a type: stored as `of`, the smallest of u8, u16, u32, u64 that holds all members."""

    of: IntType
    name: str
    is_flag: bool = False
    values: tuple[int, ...] = ()  # of its members

    def __str__(self) -> str:
        return self.name.rpartition(".")[2]

    def holds(self, value: int) -> bool:
        """Flags combine freely; any other enum has its members alone."""
        return self.of.holds(value) if self.is_flag else value in self.values


@dataclass(frozen=True)
class TypeVariable(Type):
    """A parameter of a generic function or struct; only ever seen before instantiation."""

    name: str

    def __str__(self) -> str:
        return self.name


BOOL, STR = BoolType(), StrType()
NONE, NEVER = SpecialType("None"), SpecialType("NoReturn")
LITERAL = SpecialType("integer literal")
"""An integer that has no width yet; the node that carries it holds the value."""
NULL = SpecialType("None")
"""The type of the expression `None` where a value is expected."""
ERROR = SpecialType(UNKNOWN)
"""The type of what was already reported; agrees with everything."""
U8, U16, U32, U64, U128 = (IntType(bits, False) for bits in (8, 16, 32, 64, 128))
I8, I16, I32, I64, I128 = (IntType(bits, True) for bits in (8, 16, 32, 64, 128))
F32, F64 = FloatType(32), FloatType(64)
BYTES = SpanType(U8)
INTEGERS: dict[str, IntType] = {str(t): t for t in (U8, U16, U32, U64, U128, I8, I16, I32, I64, I128)}
INTEGERS |= {"int": I64, "uint": U64}


def round_up(value: int, align: int) -> int:
    return (value + align - 1) // align * align


def _place(items: tuple[Type, ...]) -> Iterator[tuple[int, Type]]:
    offset = 0
    for item in items:
        offset = round_up(offset, item.align)
        yield offset, item
        offset += item.size


def nesting(t: Type | int) -> int:
    """How many type constructors stand inside each other."""
    match t:
        case (
            PtrType(to=inner) | SpanType(of=inner) | ArrayType(of=inner) | AtomicType(of=inner) | VolatileType(of=inner)
        ):
            return 1 + nesting(inner)
        case TupleType(items=parts) | StructType(arguments=parts):
            return 1 + max(map(nesting, parts), default=0)
    return 0


def has_variable(t: Type | int) -> bool:
    """Whether a type parameter without a meaning is part of a type: it is a pattern to match, not a type of values."""
    match t:
        case TypeVariable():
            return True
        case PtrType(to=inner) | SpanType(of=inner) | ArrayType(of=inner) | AtomicType(of=inner):
            return has_variable(inner)
        case VolatileType(of=inner) | AwaitableType(result=inner):
            return has_variable(inner)
        case TupleType(items=items):
            return any(map(has_variable, items))
        case FuncType(params=params, result=result):
            return any(map(has_variable, (*params, result)))
        case StructType(arguments=arguments):
            return any(map(has_variable, arguments))
    return False


def divides_wide(t: Type) -> bool:
    """Whether division needs a function of the run-time library (compiler.runtime.division)."""
    return isinstance(t, IntType) and t.bits > 64


def is_scalar(t: Type) -> bool:
    """Fits a machine register as it is: integers, bool, pointers, functions."""
    return isinstance(t, IntType | BoolType | PtrType | FuncType | FloatType | EnumType | AwaitableType)
