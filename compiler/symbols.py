"""What a name can mean: constants, module data, functions, types, modules, and the language's own names."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.source import Span
from compiler.type_model import AwaitableType, FuncType, StructType, Type

if TYPE_CHECKING:
    from compiler.modules import Module

Binding = Type | int
"""What a generic parameter stands for in one instance: a type, or the value of a `const[int]`."""


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class TypedInt(int):
    """A constant integer that was given a width by a conversion; arithmetic on it gives plain integers."""

    type: Type

    def __new__(cls, value: int, type_: Type) -> TypedInt:
        self = super().__new__(cls, value)
        self.type = type_
        return self


@dataclass(frozen=True)
class ConstSymbol:
    name: str
    value: object  # int, TypedInt, bool, bytes, str, tuple, list
    span: Span | None = None
    enum: EnumSymbol | None = None


@dataclass(eq=False)
class EnumSymbol:
    name: str
    type: Type
    members: dict[str, int]


@dataclass(eq=False)
class GlobalVar:
    module: Module
    name: str
    type: Type
    init: ast.expr | None
    span: Span
    align: int = 0
    section: str = ""
    keep: bool = False
    per_cpu: bool = False

    @property
    def symbol(self) -> str:
        return f"{self.module.name}.{self.name}"


@dataclass
class Param:
    name: str
    type: Type
    default: ast.expr | None
    span: Span
    by_reference: bool = False  # annotated with a struct: the caller names the struct, its address is passed
    starred: bool = False  # `*items: T`: a span of what the caller gives
    formatted: bool = False  # `fstring[S]`: the caller may write an f-string


@dataclass(eq=False)
class Function:
    """A function or method, or one instance of a generic one."""

    module: Module
    name: str
    node: FunctionNode
    params: list[Param]
    result: Type
    span: Span
    owner: StructType | None = None
    bindings: dict[str, Binding] = field(default_factory=dict)
    decorators: dict[str, object] = field(default_factory=dict)
    suffix: str = ""  # tells instances of a generic function apart
    asked_at: Span | None = None  # the first call that needed this instance

    @property
    def symbol(self) -> str:
        export = self.decorators.get("export")
        if isinstance(export, str):
            return export or self.name
        stem = self.owner.name if self.owner else self.module.name
        return f"{stem}.{self.name}{self.suffix}"

    @property
    def type(self) -> FuncType:
        return FuncType(tuple(p.type for p in self.params), self.call_result)

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def call_result(self) -> Type:
        """What a call gives: the result, or the coroutine that will give it."""
        return AwaitableType(self.result) if self.is_async else self.result

    @property
    def is_assembler(self) -> bool:
        return "asm_x64" in self.decorators

    @property
    def is_naked(self) -> bool:
        return "naked" in self.decorators


@dataclass(eq=False)
class GenericFunction:
    """A function with type or constant parameters; `instances` maps their bindings to what was made."""

    module: Module
    node: FunctionNode
    parameters: tuple[str, ...]
    owner: StructType | None = None
    outer: dict[str, Binding] = field(default_factory=dict)
    instances: dict[tuple[Binding, ...], Function] = field(default_factory=dict)


@dataclass(eq=False)
class GenericStruct:
    module: Module
    node: ast.ClassDef
    parameters: tuple[str, ...]
    instances: dict[tuple[Binding, ...], StructType] = field(default_factory=dict)


@dataclass(frozen=True)
class TypeSymbol:
    type: Type


@dataclass(frozen=True, eq=False)
class ModuleSymbol:
    module: Module


@dataclass(frozen=True)
class Builtin:
    """A name of the language: a type constructor, a decorator or a built-in function."""

    name: str


@dataclass(frozen=True)
class TypeVarSymbol:
    name: str
    module: Module
    bound: ast.expr | None = None  # a Protocol
    constraints: tuple[ast.expr, ...] = ()  # the types that it may stand for, when they are listed


@dataclass(frozen=True, eq=False)
class ExceptionSymbol:
    """A class of exceptions; `number` tells it apart at run time, 0 is none."""

    name: str
    number: int
    base: ExceptionSymbol | None

    def is_kind_of(self, other: ExceptionSymbol) -> bool:
        return self is other or (self.base is not None and self.base.is_kind_of(other))


@dataclass(frozen=True, eq=False)
class ProtocolSymbol:
    """A class that only names the methods a type parameter must have; checked at instantiation."""

    name: str
    node: ast.ClassDef
    module: Module


Symbol = (
    ConstSymbol
    | EnumSymbol
    | GlobalVar
    | Function
    | GenericFunction
    | GenericStruct
    | TypeSymbol
    | ModuleSymbol
    | Builtin
    | TypeVarSymbol
    | ProtocolSymbol
    | ExceptionSymbol
)
