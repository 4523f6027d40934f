"""What sources call after the import hook has rewritten them: values take their types, builtins give boxes.

Not here: the rewriting (compiler/host_rewrite.py), which decides where each of these stands.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from compiler.prelude.arithmetic import magnitude, maximum, minimum
from compiler.prelude.arrays import Array, span_of_bytes
from compiler.prelude.atomics import Atomic
from compiler.prelude.host_memory import Memory
from compiler.prelude.integer_base import Integer, InvertedLiteral, literal
from compiler.prelude.integers import i64, u64
from compiler.prelude.kinds import IntegerKind, adapted, kind_of
from compiler.prelude.places import addr, element_address, field_address, variable_address
from compiler.prelude.pointers import Pointer
from compiler.prelude.structs import View, evaluate
from compiler.prelude.text import show
from compiler.prelude.traps import HostMemoryError, LanguageError, Trap

__all__ = [
    "PLAIN",
    "Trap",
    "abs",
    "adapt",
    "addr",
    "assign_data",
    "assign_global",
    "cell",
    "element_address",
    "example",
    "field_address",
    "int",
    "iterate",
    "len",
    "like",
    "max",
    "min",
    "print",
    "range",
    "settle",
    "settle_all",
    "u64",
    "variable_address",
]

IMPORTED = "__host_imports__"
"""The name under which a rewritten module keeps where the data it imports come from."""

_int = builtins.int
PLAIN = frozenset({_int, bytes, InvertedLiteral})
"""Types that only literals and constants have."""

int, min, max, abs, print = i64, minimum, maximum, magnitude, show


def adapt(annotation: Any, value: Any) -> Any:
    """`value` as one of the annotated type; initial values are made."""
    return adapted(kind_of(annotation), value)


def settle(value: Any) -> Any:
    """The value of a local whose type is not written: a literal is an `int`, a bytes literal a span."""
    kind = type(value)
    if kind is not bool and isinstance(value, _int):
        return i64(literal(value, i64))
    return span_of_bytes(value) if kind is bytes else value


def invert(value: Any) -> Any:
    """`~value`, where `value` may be a literal."""
    return InvertedLiteral(~value) if type(value) is _int else ~value


def beside(value: Any, other: Callable[[], Any]) -> Any:
    """One side of an if-else, where a literal has the type of the side that was not chosen."""
    if type(value) not in PLAIN:
        return value
    try:
        pattern = other()
    except (Trap, HostMemoryError, AttributeError):
        return value
    return adapt(type(pattern), value) if isinstance(pattern, Integer) else value


def example(function: Any) -> Any:
    """A value of the type that a function declares for its result; None when that is no integer."""
    result = getattr(function, "__annotations__", {}).get("return")
    try:
        kind = kind_of(evaluate(result, function.__globals__) if isinstance(result, str) else result)
    except (LanguageError, NameError):
        return None
    return kind.zero() if isinstance(kind, IntegerKind) else None


def settle_all(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([settle(value) for value in values])


def like(old: Any, value: Any) -> Any:
    """A literal assigned to a local that holds `old`, or None where it holds nothing yet."""
    return adapt(type(old), value) if isinstance(old, Integer) else settle(value)


def assign_global(annotation: Any, old: Any, value: Any) -> Any:
    """A value assigned to module data; a struct or an array keeps its place."""
    value = adapt(annotation, value)
    kind = kind_of(annotation)
    if kind.is_own_pointer:
        kind.store(old.memory_, old.offset_, value)
        return old
    return value


def assign_data(module: ModuleType, name: str, value: Any) -> None:
    """`module.name = value`."""
    annotation = module.__annotations__.get(name)
    if annotation is None:
        raise LanguageError(f"{module.__name__} has no data {name}")
    if isinstance(annotation, str):
        annotation = evaluate(annotation, vars(module))
    setattr(module, name, assign_global(annotation, getattr(module, name), value))


def cell(annotation: Any, value: Any) -> Pointer:
    """A place for a local whose address is taken."""
    kind = kind_of(annotation)
    place = Pointer(kind, Memory(bytearray(kind.size)), 0)
    place[0] = adapted(kind, value)
    return place


def iterate(elements: Any) -> Iterable[Any]:
    if isinstance(elements, View) and hasattr(type(elements), "next"):
        return _items_of(elements)
    return span_of_bytes(elements) if type(elements) is bytes else elements


def _items_of(iterator: Any) -> Iterator[Any]:
    """What a struct's `next()` gives, until it gives None or a pair that ends with False."""
    while True:
        found = iterator.next()
        value, more = found if isinstance(found, tuple) else (found, found is not None)
        if not more:
            return
        yield value


def len(elements: Any) -> Any:
    return u64(builtins.len(elements.encode() if isinstance(elements, str) else elements))


def range(*ends: Any, of: Any = i64) -> Iterator[Any]:
    """Counts in the type of the ends; in `of`, the type of the loop's variable, when both are literals."""
    boxes = [type(end) for end in ends[:2] if isinstance(end, Integer)]
    box: Any = boxes[0] if boxes else of
    numbers = [end._v if type(end) is box else literal(end, box) for end in ends[:2]]
    step = [ends[2]] if builtins.len(ends) == 3 else []
    return map(box, builtins.range(*numbers, *step))


def scalars(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Data of a module that are values rather than places, each with the module and the name that hold it."""
    found: dict[str, tuple[str, str]] = dict(getattr(module, IMPORTED, {}))
    for name in getattr(module, "__annotations__", {}):
        if not isinstance(getattr(module, name, None), View | Array | Atomic):
            found[name] = (module.__name__, name)
    return found
