"""Constants and initial values: `const`, `option`, `zeroed`, `placed`, `sizeof`, `offsetof`."""

from __future__ import annotations

from typing import Any

from compiler.prelude import profile
from compiler.prelude.kinds import Kind, adapted, kind_of
from compiler.prelude.traps import LanguageError


class _Const:
    """`const(expression)`; `const[int]` in the type of a parameter that is known at compile time."""

    def __call__(self, value: Any) -> Any:
        return value

    def __getitem__(self, of: Any) -> Kind:
        return kind_of(of)


const = _Const()


def option(name: str, default: Any) -> Any:
    """What `-D name=value` gave, as a value of the default's type."""
    given = profile.options.get(name, default)
    return given in (True, 1, "1", "true", "True") if isinstance(default, bool) else type(default)(given)


class Zeroed:
    """`zeroed()`: waits for the type it is assigned to."""

    def make_(self, kind: Kind) -> Any:
        return kind.zero()


class Placed:
    """`placed(value, ...)`: the value; where it is placed matters to images alone."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def make_(self, kind: Kind) -> Any:
        return adapted(kind, self.value)


def zeroed(*, align: int = 1, section: str = "", keep: bool = False) -> Zeroed:
    return Zeroed()


def placed(value: Any, *, align: int = 1, section: str = "", keep: bool = False) -> Placed:
    return Placed(value)


def sizeof(form: Any) -> int:
    """Bytes of a type."""
    return kind_of(form).size


def offsetof(form: Any, path: str) -> int:
    """Bytes before a field, or before a field of a field: `offsetof(S, "a.b")`."""
    kind, offset = kind_of(form), 0
    for name in path.split("."):
        fields = getattr(kind, "fields", {})
        if name not in fields:
            raise LanguageError(f"{kind} has no field {name}")
        kind, offset = fields[name].kind, offset + fields[name].offset
    return offset
