"""Tasks: coroutines that take turns, the queue of those that are ready, and how one waits for another.

`state` comes first: compiled code writes to it (compiler/emit_async.py gives its layout).
Invariant: a task is in the ready queue exactly while `is_queued`; the one that runs is not.
"""
from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, TypeVar

from compiler.prelude import (
    addr,
    coroutine_destroy,
    coroutine_is_done,
    coroutine_resume,
    coroutine_start,
    coroutine_take,
    exception_number,
    panic,
    ptr,
    raise_exception,
    sizeof,
    struct,
    suspend,
    u8,
    u64,
    zeroed,
)
from userspace.lib.heap import allocate, release

T = TypeVar("T")


class CancelledError(BaseException):
    pass


@struct
class State:
    leaf: ptr[u8] | None                # the coroutine to resume next
    waiting: u64                        # set by a coroutine that suspends
    exception: u64                      # number of the exception that is on its way, 0 for none
    message: str
    unwinding: u64                      # the exception because of which a clean-up has been entered


@struct
class TaskBase:
    state: State
    handle: ptr[u8]                     # of the outermost coroutine
    next: ptr[TaskBase] | None
    waiters: ptr[Waiter] | None         # tasks that wait for this one's end
    sibling: ptr[TaskBase] | None       # in a task group
    bytes: u64                          # of the whole task
    is_queued: bool
    is_started: bool
    is_done: bool
    is_cancelled: bool                  # it is to raise CancelledError when it runs next

    def has_failed(self) -> bool:
        return self.state.exception != 0


@struct
class Waiter:
    """Lies in the frame of whoever waits."""
    task: ptr[TaskBase]
    next: ptr[Waiter] | None


@struct
class Task(Generic[T]):
    """A coroutine that runs by itself. Awaiting it, once, gives its result or raises how it ended, and frees it."""
    base: TaskBase
    coroutine: Awaitable[T]

    async def __await__(self) -> T:
        await wait_for_end(addr(self.base))
        number = self.base.state.exception
        message = self.base.state.message
        coroutine = self.coroutine
        handle = self.base.handle
        release(ptr[u8](addr(self.base)), self.base.bytes)
        if number != 0:
            coroutine_destroy(handle)
            raise_exception(number, message)
        return coroutine_take(coroutine)

    def done(self) -> bool:
        return self.base.is_done

    def cancel(self) -> bool:
        """Makes the task raise CancelledError where it waits. Returns False when it has ended."""
        return cancel(addr(self.base))

    def cancelled(self) -> bool:
        return self.base.is_done and self.base.state.exception == exception_number(CancelledError)


current: ptr[TaskBase] | None = None
_first: ptr[TaskBase] | None = None
_last: ptr[TaskBase] | None = None
live_tasks: u64 = 0


def make_ready(task: ptr[TaskBase]) -> None:
    global _first, _last
    if task.is_queued or task.is_done:
        return
    task.is_queued = True
    task.next = None
    last = _last
    if last is None:
        _first = task
    else:
        last.next = task
    _last = task


def take_ready() -> ptr[TaskBase] | None:
    global _first, _last
    task = _first
    if task is not None:
        _first = task.next
        if _first is None:
            _last = None
        task.is_queued = False
    return task


def has_ready() -> bool:
    return _first is not None


def create_task(coroutine: Awaitable[T]) -> ptr[Task[T]]:
    """Lets a coroutine run by itself, from the next turn on."""
    global live_tasks
    size = u64(sizeof(Task[T]))
    task = ptr[Task[T]](allocate(size))
    task[0] = zeroed()
    task.coroutine = coroutine
    task.base.bytes = size
    task.base.handle = coroutine_start(coroutine, ptr[u8](addr(task.base.state)))
    live_tasks += 1
    make_ready(addr(task.base))
    return task


def step(task: ptr[TaskBase]) -> bool:
    """Runs a task until it waits or ends. Returns True when it has ended; its result is still in its frame."""
    global current
    if not task.is_started and task.is_cancelled:
        task.state.exception = exception_number(CancelledError)
        return True
    task.is_started = True
    current = task
    task.state.waiting = 0
    while task.state.waiting == 0:
        leaf = task.state.leaf
        if leaf is None:
            break
        coroutine_resume(leaf)
    current = None
    return coroutine_is_done(task.handle)


def finish(task: ptr[TaskBase]) -> None:
    """What follows the end of a task: those that wait for it run, its frame goes back."""
    global live_tasks
    task.is_done = True
    waiter = task.waiters
    task.waiters = None
    while waiter is not None:
        following = waiter.next
        make_ready(waiter.task)
        waiter = following
    live_tasks -= 1


def discard(task: ptr[TaskBase]) -> None:
    """Frees a task that has ended and that nobody will await."""
    coroutine_destroy(task.handle)
    release(ptr[u8](task), task.bytes)


def cancel(task: ptr[TaskBase]) -> bool:
    if task.is_done:
        return False
    task.is_cancelled = True
    make_ready(task)
    return True


def running() -> ptr[TaskBase]:
    task = current
    if task is None:
        panic("this is for coroutines that run in a task")
    return task


async def park() -> None:
    """Waits until somebody makes the task ready. Raises CancelledError when that was a cancellation."""
    task = running()
    if not task.is_cancelled:
        await suspend()
    if task.is_cancelled:
        task.is_cancelled = False
        raise CancelledError


async def wait_for_end(task: ptr[TaskBase]) -> None:
    waiter = Waiter(task=running())
    if task.is_done:
        return
    add_waiter(task, addr(waiter))
    try:
        while not task.is_done:
            await park()
    finally:
        remove_waiter(task, addr(waiter))


def add_waiter(task: ptr[TaskBase], waiter: ptr[Waiter]) -> None:
    waiter.next = task.waiters
    task.waiters = waiter


def remove_waiter(task: ptr[TaskBase], waiter: ptr[Waiter]) -> None:
    """Does nothing for a waiter that was woken."""
    if u64(task.waiters) == u64(waiter):
        task.waiters = waiter.next
        return
    before = task.waiters
    while before is not None:
        if u64(before.next) == u64(waiter):
            before.next = waiter.next
            return
        before = before.next
