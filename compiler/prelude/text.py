"""Text that is made for the callee: `fstring[S]` parameters, and `print` through the program's `@printer`.

CPython formats a whole f-string before the call: the sink gets it as one `text`, where compiled code hands it parts.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, TypeVar

from compiler.prelude.kinds import Kind, kind_of
from compiler.prelude.structs import StructKind
from compiler.prelude.traps import LanguageError

F = TypeVar("F", bound=Callable[..., Any])


class TextKind(Kind):
    """The type of an `fstring[S]` parameter: a string becomes an S that holds it."""

    def __init__(self, sink: StructKind) -> None:
        self.sink = sink
        self.name = f"fstring[{sink}]"

    def adapt(self, value: Any) -> Any:
        if not isinstance(value, str):
            return self.sink.adapt(value)
        made = self.sink.construct((), {})
        made.text(value)
        return made


class _TextForm:
    def __getitem__(self, sink: Any) -> TextKind:
        kind = kind_of(sink)
        if not isinstance(kind, StructKind):
            raise LanguageError(f"fstring[S] needs a struct, not {kind}")
        return TextKind(kind)


fstring = _TextForm()
_printer: Callable[[str, str], None] | None = None


def printer(function: F) -> F:
    """Marks what `print` calls."""
    global _printer
    _printer = function
    return function


def slice_method(function: F) -> F:
    """Marks a method of bytes and str. Under CPython these have methods of their own."""
    return function


def by_format(function: F) -> F:
    """Marks a function of the library's `struct`, whose calls the compiler takes apart by their format."""
    return function


def show(*values: Any, end: str = "\n") -> None:
    """`print` of sources; Python's own while no source has a printer."""
    if _printer is None:
        builtins.print(*values, end=end)
    else:
        _printer(" ".join(map(str, values)), end)
