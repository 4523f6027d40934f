"""How a program under CPython ends early: traps, as in compiled code, and refusals, as the compiler's."""

from __future__ import annotations

from typing import NoReturn

KINDS = ("overflow", "division", "bounds", "assertion", "panic", "null", "unreachable", "member")


class Trap(Exception):
    """A check of the running program failed; compiled code calls the panic handler here."""

    def __init__(self, kind: str, message: str = "") -> None:
        assert kind in KINDS, f"{kind} is not a kind of trap"
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message


class LanguageError(TypeError):
    """The program breaks a rule of the language; the compiler refuses it."""


class HostMemoryError(Exception):
    """An access outside any memory of the host run; compiled code would read or write something else, or fault."""


def panic(message: str) -> NoReturn:
    raise Trap("panic", message)


def unreachable() -> NoReturn:
    raise Trap("unreachable", "code that was declared unreachable ran")
