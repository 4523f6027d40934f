"""The primitives an executor is made of. They have no meaning under CPython, which brings an asyncio of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def _only_compiled(name: str) -> NoReturn:
    raise NotImplementedError(f"{name} exists in compiled programs only; under CPython use asyncio")


def frame_allocator(function: F) -> F:
    """Marks the function that gives coroutines their frames."""
    return function


def frame_release(function: F) -> F:
    """Marks the function that takes a coroutine's frame back."""
    return function


def raises(function: F) -> F:
    """Marks a function that leaves an exception in its task's state; async callers raise it."""
    return function


async def suspend() -> None:
    _only_compiled("suspend")


def coroutine_start(coroutine: Awaitable[Any], state: Any) -> Any:
    """Ties a coroutine to the state of a task; gives its handle."""
    _only_compiled("coroutine_start")


def coroutine_resume(handle: Any) -> None:
    _only_compiled("coroutine_resume")


def coroutine_is_done(handle: Any) -> bool:
    _only_compiled("coroutine_is_done")


def coroutine_take(coroutine: Awaitable[T]) -> T:
    _only_compiled("coroutine_take")


def coroutine_result(coroutine: Awaitable[T]) -> T:
    """The result of a coroutine that has ended and stays."""
    _only_compiled("coroutine_result")


def coroutine_take_all(coroutines: Any) -> Any:
    """The results of an array of coroutines that have ended; their frames go back."""
    _only_compiled("coroutine_take_all")


def coroutine_destroy(handle: Any) -> None:
    _only_compiled("coroutine_destroy")


def coroutine_state() -> Any:
    """The state of the task that runs; inside async functions."""
    _only_compiled("coroutine_state")


def exception_name(number: Any) -> str:
    """What the exception of a task's state is called."""
    _only_compiled("exception_name")


def exception_number(kind: type[BaseException]) -> int:
    """What tells a class of exceptions apart in a task's state."""
    _only_compiled("exception_number")


def raise_exception(number: Any, message: str) -> NoReturn:
    """Raises the exception of another task's state."""
    _only_compiled("raise_exception")
