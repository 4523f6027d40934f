"""Structs and unions: `@struct`, `@union`, `bits[T, low, width]`.

Owns: the layout of struct classes, C's rules, and the view classes whose attributes are the fields.
Invariants: a view is a place, region and offset; it is the struct and the pointer to the struct in one, so methods get
the same object that `addr` gives. A class is laid out when its layout is first asked for: fields may name types that
are defined below it.
"""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from compiler.prelude import host_memory, profile
from compiler.prelude.host_memory import Memory
from compiler.prelude.kinds import IntegerKind, Kind, adapted, kind_of, register
from compiler.prelude.pointers import Place
from compiler.prelude.traps import LanguageError, Trap


class BitsKind(Kind):
    """A bit-field of a storage unit; it reads as the unit's type."""

    def __init__(self, unit: Kind, low: int, width: int) -> None:
        if not isinstance(unit, IntegerKind) or unit.box.signed or unit.size > 8:
            raise LanguageError(f"a bit-field is stored in u8, u16, u32 or u64, not {unit}")
        if low < 0 or width < 1 or low + width > unit.box.bits:
            raise LanguageError(f"bits {low}..{low + width - 1} do not fit {unit}")
        self.unit, self.low, self.width = unit, low, width
        self.size, self.align, self.name = unit.size, unit.align, f"bits[{unit}, {low}, {width}]"
        self.ones = (1 << width) - 1

    def load(self, memory: Memory, offset: int) -> Any:
        return self.unit.box(self.unit.load(memory, offset)._v >> self.low & self.ones)

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        number = self.unit.adapt(value)._v
        if number > self.ones:
            if profile.debug:
                raise Trap("overflow", f"{number} does not fit the bit-field {self}")
            number &= self.ones
        others = self.unit.load(memory, offset)._v & ~(self.ones << self.low)
        self.unit.store(memory, offset, others | number << self.low)


class _BitsForm:
    def __getitem__(self, form: tuple[Any, Any, Any]) -> BitsKind:
        unit, low, width = form
        return BitsKind(kind_of(unit), int(low), int(width))


bits = _BitsForm()


@dataclass(frozen=True)
class Field:
    name: str
    kind: Kind
    offset: int


@dataclass(frozen=True)
class Options:
    packed: bool = False
    align: int = 1
    size: int = 0
    is_union: bool = False
    bindings: dict[str, Any] = field(default_factory=dict)


class StructKind(Kind):
    """The layout of a struct class, made on first use."""

    is_own_pointer = True

    def __init__(self, view: Any, body: dict[str, Any], annotations: dict[str, Any], options: Options) -> None:
        self.view, self.body, self.annotations, self.options = view, body, annotations, options
        self.defaults = {name: body[name] for name in annotations if name in body}
        self.name = view.__name__
        self.parameters = tuple(p.__name__ for p in body.get("__parameters__", ()))
        self._instances: dict[tuple[Any, ...], Any] = {}
        self._fields: dict[str, Field] | None = None

    @property
    def fields(self) -> dict[str, Field]:
        if self._fields is None:
            self._lay_out()
            assert self._fields is not None
        return self._fields

    @property
    def size(self) -> int:  # type: ignore[override]
        return self._size if self.fields is not None else 0

    @property
    def align(self) -> int:  # type: ignore[override]
        return self._align if self.fields is not None else 1

    def _lay_out(self) -> None:
        end, align, previous = 0, 1, None
        fields: dict[str, Field] = {}
        packed, is_union = self.options.packed, self.options.is_union
        for name, annotation in self.annotations.items():
            kind = self._resolve(annotation)
            if not is_union and previous is not None and _shares_unit(previous.kind, kind):
                offset = previous.offset
            else:
                offset = 0 if is_union else end if packed else -(-end // kind.align) * kind.align
            fields[name] = previous = Field(name, kind, offset)
            end = max(end, offset + kind.size)
            align = max(align, 1 if packed else kind.align)
        self._align = max(align, self.options.align)
        self._size = -(-end // self._align) * self._align
        if self.options.size:
            if self.options.size < self._size:
                raise LanguageError(f"{self} has {self._size} bytes, more than size={self.options.size}")
            self._size = self.options.size
        self._fields = fields
        for found in fields.values():
            setattr(self.view, found.name, _accessor(found))

    def _resolve(self, annotation: Any) -> Kind:
        """The kind of a field's annotation, which may be text and then may name what is defined below."""
        if isinstance(annotation, str):
            module = vars(sys.modules[self.view.__module__])
            annotation = evaluate(annotation, {**module, self.view.__name__: self.view, **self.options.bindings})
        return kind_of(annotation)

    def load(self, memory: Memory, offset: int) -> Any:
        made: Any = object.__new__(self.view)
        made.memory_ = memory
        made.offset_ = offset
        return made

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        value = self.adapt(value)
        host_memory.write(memory, offset, host_memory.read(value.memory_, value.offset_, self.size))

    def adapt(self, value: Any) -> Any:
        if type(value) is not self.view:
            raise LanguageError(f"{self} is wanted, not {value!r}")
        return value

    def construct(self, values: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """A new struct: the given fields, then defaults, else zero."""
        made = self.zero()
        names = list(self.fields)
        if len(values) > len(names):
            raise LanguageError(f"{self} has {len(names)} fields, not {len(values)}")
        given = dict(zip(names, values, strict=False))
        for name in named:
            if name in given or name not in self.fields:
                raise LanguageError(f"{self} has no field {name}" if name not in given else f"{name} is given twice")
        for name, value in (self.defaults | given | named).items():
            setattr(made, name, value)
        return made

    def instance(self, arguments: tuple[Any, ...]) -> Any:
        """The struct class that a generic one becomes with its parameters given."""
        if len(arguments) != len(self.parameters):
            raise LanguageError(f"{self} takes {len(self.parameters)} parameters, not {len(arguments)}")
        if arguments not in self._instances:
            bindings = dict(zip(self.parameters, arguments, strict=True))
            name = f"{self}[{', '.join(str(getattr(a, '__name__', a)) for a in arguments)}]"
            options = replace(self.options, bindings=bindings)
            self._instances[arguments] = _make_view(name, self.body, self.annotations, options)
        return self._instances[arguments]


def _shares_unit(previous: Kind, current: Kind) -> bool:
    """A bit-field joins the unit of the one before it when its bits lie above."""
    return (
        isinstance(previous, BitsKind)
        and isinstance(current, BitsKind)
        and previous.unit is current.unit
        and current.low >= previous.low + previous.width
    )


def _accessor(of: Field) -> property:
    load, store, offset, kind = of.kind.load, of.kind.store, of.offset, of.kind

    def get(self: Any) -> Any:
        return load(self.memory_, self.offset_ + offset)

    def set_scalar(self: Any, value: Any) -> None:
        store(self.memory_, self.offset_ + offset, value)

    def set_any(self: Any, value: Any) -> None:
        store(self.memory_, self.offset_ + offset, adapted(kind, value))

    return property(get, set_scalar if isinstance(kind, IntegerKind) else set_any)


class _Unquote(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node


def evaluate(text: str, namespace: dict[str, Any]) -> Any:
    """What the text of an annotation denotes; quoted parts are annotations too."""
    tree = ast.fix_missing_locations(ast.Expression(_Unquote().visit(ast.parse(text, mode="eval").body)))
    return eval(compile(tree, "<annotation>", "eval"), namespace)


class View(Place):
    """Base of struct classes; calling one makes a new struct."""

    __slots__ = ()
    kind_: StructKind

    def __new__(cls, *values: Any, **named: Any) -> Any:
        return cls.kind_.construct(values, named)

    def __class_getitem__(cls, parameters: Any) -> Any:
        return cls.kind_.instance(parameters if isinstance(parameters, tuple) else (parameters,))

    def __getitem__(self, index: Any) -> Any:
        i = index.__index__()
        return self.kind_.load(self.memory_, self.offset_ + i * self.kind_.size) if i else self

    def __setitem__(self, index: Any, value: Any) -> None:
        self.kind_.store(self.memory_, self.offset_ + index.__index__() * self.kind_.size, value)

    def at_(self, index: int) -> Any:
        return self[index]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self._text_of(name)}' for name in self.kind_.fields)})"

    def _text_of(self, name: str) -> str:
        """A field's value; of a pointer the address, since structs may point at each other."""
        value = getattr(self, name)
        is_pointer = isinstance(value, View) and not isinstance(self.kind_.fields[name].kind, StructKind)
        return hex(value.to_integer_()) if is_pointer else str(value)


class _Unlaid:
    """A field before the struct is laid out: the first use lays it out, which replaces this by the accessor."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        _ = owner.kind_.fields
        return getattr(owner if instance is None else instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        _ = type(instance).kind_.fields
        setattr(instance, self.name, value)


def _make_view(name: str, body: dict[str, Any], annotations: dict[str, Any], options: Options) -> Any:
    kept = {key: value for key, value in body.items() if key not in annotations and key not in _DROPPED}
    kept |= {key: _Unlaid(key) for key in annotations} | {"__slots__": ()}
    if "__exit__" in kept:
        kept["__exit__"] = _without_exception(kept["__exit__"])
    view = types.new_class(name, (View,), exec_body=lambda namespace: namespace.update(kept))
    view.kind_ = kind = StructKind(view, body, annotations, options)  # type: ignore[attr-defined]
    register(view, kind)
    return view


_DROPPED = ("__dict__", "__weakref__", "__annotations__", "__slots__", "__orig_bases__", "__parameters__")


def _without_exception(leave: Callable[[Any], None]) -> Callable[..., None]:
    """`__exit__` of the language takes self alone."""

    def __exit__(self: Any, *exception: object) -> None:
        leave(self)

    return __exit__


def _decorator(options: Options) -> Callable[[type], Any]:
    def decorate(cls: type) -> Any:
        return _make_view(cls.__name__, dict(vars(cls)), inspect.get_annotations(cls), options)

    return decorate


def struct(cls: Any = None, *, packed: bool = False, align: int = 1, size: int = 0) -> Any:
    decorate = _decorator(Options(packed, align, size))
    return decorate if cls is None else decorate(cls)


def protocol(*, version: int) -> Any:
    """A struct whose methods are calls to another program (compiler/protocols.py); under CPython they have no body."""
    return _decorator(Options(False, 1, 0))


def serves(protocol: Any) -> Any:
    """Marks the function that is the other side of a protocol."""
    return lambda function: function


def union(cls: Any = None, *, packed: bool = False, align: int = 1, size: int = 0) -> Any:
    decorate = _decorator(Options(packed, align, size, is_union=True))
    return decorate if cls is None else decorate(cls)
