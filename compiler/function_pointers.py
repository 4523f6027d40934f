"""Which functions a pointer to a function may hold, told by where pointers are kept.

A home is a field of a struct (of all its values), module data (all its elements), a parameter or a local. A home holds
what is stored in it anywhere in the program. A pointer of unknown origin may be any of its type whose address is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.symbols import Function, GlobalVar
from compiler.tree import (
    ArrayMake,
    Assign,
    Call,
    Const,
    ElementPlace,
    Expr,
    FieldPlace,
    ForEach,
    FunctionRef,
    GlobalPlace,
    Load,
    Local,
    LocalPlace,
    Place,
    Select,
    StructMake,
    Unpack,
    Zero,
)
from compiler.tree_walk import Node, walk
from compiler.type_model import FuncType, StructType, Type

Home = tuple[StructType, str] | tuple[Function, int] | GlobalVar | Local


@dataclass
class FunctionPointers:
    taken: set[Function] = field(default_factory=set)  # functions whose address is a value somewhere
    stored: dict[Home, set[Function]] = field(default_factory=dict)
    copied: dict[Home, set[Home]] = field(default_factory=dict)  # the homes whose pointers a home may get
    unclear: set[Home] = field(default_factory=set)  # homes that get pointers of unknown origin
    loose: set[Function] = field(default_factory=set)  # stored where no home is known
    unknown: set[Type] = field(default_factory=set)  # of pointers of unknown origin, stored where no home is known

    def note(self, function: Function | None, node: Node) -> None:
        """Follows what one node of a function's body, or of an initial value, does with pointers to functions."""
        match node:
            case FunctionRef(function=named):
                self.taken.add(named)
            case Assign(place=place, value=value) if isinstance(place.type, FuncType):
                self._put(self._home(function, place), function, value)
            case Assign(place=place, value=ArrayMake(items=items)):
                self._put_all(self._home(function, place), function, items)
            case StructMake(type=StructType() as kind, values=values):
                for part, value in values:
                    if isinstance(part.type, FuncType):
                        self._put((kind, part.name), function, value)
                    elif isinstance(value, ArrayMake):
                        self._put_all((kind, part.name), function, value.items)
            case Unpack(places=places):
                homes = [self._home(function, part) for part in places if part is not None]
                self.unclear.update(home for home in homes if home is not None)
            case ForEach(local=local):
                self.unclear.add(local)
            case Call(function=callee, arguments=arguments):
                for position, argument in enumerate(arguments):
                    if isinstance(argument.type, FuncType):
                        self._put((callee, position), function, argument)

    def note_data(self, data: GlobalVar, value: Expr) -> None:
        """Follows an initial value of module data."""
        if isinstance(value, ArrayMake):
            self._put_all(data, None, value.items)
        elif isinstance(value.type, FuncType):
            self._put(data, None, value)
        for node in walk(value):
            self.note(None, node)

    def reached(self, function: Function, pointer: Expr) -> list[Function]:
        """The functions that a call through a pointer may reach."""
        found = self._held(function, pointer)
        if found is None:
            found = {named for named in self.taken if named.type == pointer.type}
        return sorted(found, key=lambda named: named.symbol)

    def _held(self, function: Function, pointer: Expr) -> set[Function] | None:
        if isinstance(pointer, FunctionRef):
            return {pointer.function}
        first = self._home(function, pointer.place) if isinstance(pointer, Load) else None
        if first is None or self._comes_from_outside(first) or pointer.type in self.unknown:
            return None
        found = {named for named in self.loose if named.type == pointer.type}
        pending, seen = [first], {first}
        while pending:
            home = pending.pop()
            if home in self.unclear or self._comes_from_outside(home):
                return None
            found |= self.stored.get(home, set())
            new = self.copied.get(home, set()) - seen
            pending += new
            seen |= new
        return found or None

    def _comes_from_outside(self, home: Home) -> bool:
        """A parameter of a function that is itself called through pointers, or from outside the program."""
        if not isinstance(home, tuple) or not isinstance(home[0], Function):
            return False
        return home[0] in self.taken or "export" in home[0].decorators

    def _home(self, function: Function | None, place: Place) -> Home | None:
        match place:
            case FieldPlace(base=base, field=part) if isinstance(base.type, StructType):
                return base.type, part.name
            case ElementPlace(base=Place() as base):
                return self._home(function, base)
            case GlobalPlace(data=data):
                return data
            case LocalPlace(local=local) if local.argument >= 0 and function is not None:
                return function, local.argument
            case LocalPlace(local=local):
                return local
        return None

    def _put_all(self, home: Home | None, function: Function | None, values: Sequence[Expr]) -> None:
        for value in values:
            if isinstance(value.type, FuncType):
                self._put(home, function, value)

    def _put(self, home: Home | None, function: Function | None, value: Expr) -> None:
        match value:
            case Select(body=body, orelse=orelse):
                self._put(home, function, body)
                self._put(home, function, orelse)
            case FunctionRef(function=named) if home is None:
                self.loose.add(named)
            case FunctionRef(function=named) if home is not None:
                self.stored.setdefault(home, set()).add(named)
            case Zero() | Const():
                pass  # no function
            case _ if home is not None:
                source = self._home(function, value.place) if isinstance(value, Load) else None
                if source is None:
                    self.unclear.add(home)
                else:
                    self.copied.setdefault(home, set()).add(source)
            case _:
                self.unknown.add(value.type)
