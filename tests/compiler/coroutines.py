"""Async functions on the smallest executor there can be; test_async.py calls it as native code."""

from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import (
    addr,
    array,
    coroutine_is_done,
    coroutine_resume,
    coroutine_start,
    coroutine_take,
    frame_allocator,
    frame_release,
    ptr,
    struct,
    suspend,
    u8,
    u64,
    zeroed,
)

T = TypeVar("T")


class CancelledError(BaseException):
    pass


class Odd(ValueError):
    pass


@struct
class State:
    leaf: ptr[u8] | None
    waiting: u64
    exception: u64
    message: str
    unwinding: u64


heap: array[u8, 65536] = zeroed(align=16)
top: u64 = 0
live: u64 = 0
log: array[u64, 64] = zeroed()
logged: u64 = 0


def note(x: u64) -> None:
    global logged
    log[logged] = x
    logged += 1


@frame_allocator
def allocate(size: u64) -> ptr[u8]:
    global top, live
    at = top
    top += (size + 15) & ~u64(15)
    live += 1
    return addr(heap[at])


@frame_release
def release(p: ptr[u8], size: u64) -> None:
    global live
    live -= 1


def run(c: Awaitable[T]) -> T:
    state: State = zeroed()
    h = coroutine_start(c, ptr[u8](addr(state)))
    while not coroutine_is_done(h):
        next_one = state.leaf
        if next_one is None:
            break
        state.waiting = 0
        coroutine_resume(next_one)
    if state.exception != 0:
        note(1000 + state.exception)
    return coroutine_take(c)


async def leaf(x: u64) -> u64:
    note(x)
    await suspend()
    note(x + 1)
    if x % 2 == 1:
        raise Odd("odd number")
    return x * 2


async def middle(n: u64) -> u64:
    total: u64 = 0
    for i in range(n):
        try:
            total += await leaf(i * 10)
            total += await leaf(i * 10 + i % 2)
        except ValueError as e:
            note(500 + len(e))
        finally:
            note(99)
    return total


@struct
class Point:
    x: u64
    y: u64


async def point(a: u64) -> Point:
    await suspend()
    return Point(x=a, y=a + 1)


async def top_level(n: u64) -> u64:
    a = await middle(n)
    p: Point = await point(7)
    return a + p.x + p.y


def test(n: u64) -> u64:
    return run(top_level(n))


def logged_at(i: u64) -> u64:
    return log[i]


def count() -> tuple[u64, u64]:
    return logged, live
