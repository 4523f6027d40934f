"""Decorators and blocks that speak to the compiler alone; a host run does without them.

Not here: `struct` and `union` (structs.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, TypeVar

from compiler.prelude.traps import LanguageError

F = TypeVar("F", bound=Callable[..., Any])


def _unchanged(function: F) -> F:
    return function


def _parameterised(*parameters: object) -> Callable[[F], F]:
    return _unchanged


inline = noinline = cold = interrupt = panic_handler = irqs_off = may_fault = _unchanged
section = bounded_recursion = requires = excludes = _parameterised


def export(function: Any) -> Any:
    """`@export`, or `@export("name")`."""
    return _unchanged if isinstance(function, str) else function


def asm_x64(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def refuse(*arguments: object) -> Any:
        raise LanguageError(f"{function.__qualname__} is assembler: a host run needs a function in its place")

    return refuse


naked = _unchanged


def asm_block(text: str) -> None:
    """Assembler text, which means nothing to a host run."""


def guarded_by(lock: str) -> AbstractContextManager[None]:
    """A block of a struct's fields that the named lock guards."""
    return nullcontext()
