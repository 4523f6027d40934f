"""The loop, in rounds as Python's.

In a round those tasks run that were ready when it began. Between rounds the loop looks for completions and for sleepers
whose time has come; when no task is ready it waits for either.
"""
from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import addr, const, coroutine_take, exception_name, panic, ptr, u64
from kernel.abi.ring import Submission
from userspace.lib import reactor
from userspace.lib.asyncio import sleepers
from userspace.lib.asyncio.task import (
    TaskBase,
    cancel_others,
    create_task,
    finish,
    has_others,
    last_ready,
    leave_group,
    make_ready,
    park,
    running,
    step,
    take_ready,
)
from userspace.lib.reactor import Operation
from userspace.lib.syscall import exit_process
from userspace.lib.time import monotonic_ns

T = TypeVar("T")
_EXCEPTION_STATUS = const(1)


def run(main: Awaitable[T]) -> T:
    """Runs a coroutine to its end, then cancels the tasks that are left and waits for theirs.

    An exception of the coroutine ends the program.
    """
    task = create_task(main)
    base = addr(task.base)
    while not base.is_done:
        _run_round()
    if last_ready() is not None:
        _run_round()                        # as in Python: whoever is ready when the coroutine ends gets a turn
    cancel_others()
    while has_others():
        _run_round()
    if base.has_failed():
        _report(base)
        exit_process(_EXCEPTION_STATUS)
    return coroutine_take(task.coroutine)


def _run_round() -> None:
    last = last_ready()
    if last is not None:
        _run_until(last)
        reactor.poll()
    else:
        reactor.wait(_deadline_ns())
    _wake_sleepers()


def _run_until(last: ptr[TaskBase]) -> None:
    """Whoever is made ready meanwhile stands behind `last`, and so does that one's own next turn."""
    while True:
        ready = take_ready()
        if ready.is_done:
            leave_group(ready)
        elif step(ready):
            finish(ready)
        if u64(ready) == u64(last):
            return


def _deadline_ns() -> u64:
    """Until when to wait for a completion while nobody is ready."""
    first_ns = sleepers.first_ns()
    if first_ns != sleepers.NEVER:
        return first_ns
    if not reactor.in_flight():
        panic("every task waits for another: none will ever run")
    return reactor.NO_DEADLINE


def _wake_sleepers() -> None:
    if sleepers.first_ns() != sleepers.NEVER:
        sleepers.wake_due(monotonic_ns())


async def perform(entry: ptr[Submission], operation: ptr[Operation]) -> None:
    """Submits an entry and waits for its completion, which `operation` holds then."""
    while not reactor.has_free_slot():
        make_ready(running())
        reactor.flush()
        await park()
    operation.wake = _wake
    operation.context = u64(running())
    reactor.submit(entry, operation)
    try:
        while not operation.is_done:
            await park()
    finally:
        if not operation.is_done:
            reactor.cancel(operation)


def _wake(operation: ptr[Operation]) -> None:
    make_ready(ptr[TaskBase](operation.context))


def _report(task: ptr[TaskBase]) -> None:
    """What Python prints last of a traceback."""
    if len(task.state.message) == 0:
        print(exception_name(task.state.exception))
    else:
        print(f"{exception_name(task.state.exception)}: {task.state.message}")
