"""asyncio.gather, wait and shield: waiting for several tasks, or for one without passing a cancellation on."""
from collections.abc import Awaitable
from typing import Generic, TypeVar

from compiler.prelude import (
    addr,
    array,
    const,
    copy,
    coroutine_take,
    coroutine_take_all,
    f64,
    ptr,
    raise_exception,
    sizeof,
    span,
    struct,
    u8,
    u32,
    u64,
    zeroed,
)
from userspace.lib.asyncio.sleepers import Sleeper, start_timer, stop_timer
from userspace.lib.asyncio.task import (
    CancelledError,
    Task,
    TaskBase,
    Waiter,
    add_waiter,
    cancel,
    create_task,
    detach,
    discard,
    forget,
    park,
    remove_waiter,
    running,
    take_turn,
    wait_for_end,
)
from userspace.lib.heap import allocate, release
from userspace.lib.time import monotonic_ns, nanoseconds

T = TypeVar("T")
N = TypeVar("N")

FIRST_COMPLETED = const(1)
FIRST_EXCEPTION = const(2)
ALL_COMPLETED = const(3)
_FOREVER = const(1e9)                   # seconds; what timeout=None means in Python


@struct
class Gathering(Generic[T, N]):
    """Tasks that run; awaiting them gives their results in order, or raises what the first that failed raised."""
    coroutines: array[Awaitable[T], N]
    tasks: array[ptr[TaskBase], N]
    waiters: array[Waiter, N]

    async def __await__(self) -> array[T, N]:
        failed = await _wait_for_all(self.tasks[:], self.waiters[:], True)
        if failed is not None:
            number = failed.state.exception
            message = failed.state.message
            for task in self.tasks:
                detach(task)
            raise_exception(number, message)
        for task in self.tasks:
            forget(task)
        return coroutine_take_all(self.coroutines)


@struct
class Outcome(Generic[T]):
    """A result or an exception: isinstance() tells which, and the local is that then (compiler/check_outcomes.py)."""
    value: T
    exception: u64
    message: str

    def __exception__(self) -> u64:
        return self.exception

    def __message__(self) -> str:
        return self.message

    def __value__(self) -> T:
        return self.value


@struct
class GatheringOfOutcomes(Generic[T, N]):
    """Awaiting it gives what each has come to, once all have ended."""
    coroutines: array[Awaitable[T], N]
    tasks: array[ptr[TaskBase], N]
    waiters: array[Waiter, N]

    async def __await__(self) -> array[Outcome[T], N]:
        _ = await _wait_for_all(self.tasks[:], self.waiters[:], False)
        outcomes: array[Outcome[T], N] = zeroed()
        for index in range(len(self.tasks)):
            task = self.tasks[index]
            outcomes[index].exception = task.state.exception
            outcomes[index].message = task.state.message
            if task.has_failed():
                discard(task)
            else:
                forget(task)
                outcomes[index].value = coroutine_take(self.coroutines[index])
        return copy(outcomes)


def gather(*coroutines: Awaitable[T]) -> Gathering[T, N]:
    """Runs coroutines of one result type side by side, from the next turn on."""
    gathering: Gathering[T, N] = zeroed()
    for index in range(len(coroutines)):
        gathering.coroutines[index] = coroutines[index]
        gathering.tasks[index] = addr(create_task(coroutines[index]).base)
    return copy(gathering)


def gather_return_exceptions(*coroutines: Awaitable[T]) -> GatheringOfOutcomes[T, N]:
    """What gather(..., return_exceptions=True) is."""
    gathering: GatheringOfOutcomes[T, N] = zeroed()
    for index in range(len(coroutines)):
        gathering.coroutines[index] = coroutines[index]
        gathering.tasks[index] = addr(create_task(coroutines[index]).base)
    return copy(gathering)


async def _wait_for_all(
    tasks: span[ptr[TaskBase]], waiters: span[Waiter], ends_at_failure: bool
) -> ptr[TaskBase] | None:
    """Returns the first that has failed, None when all have ended well. A cancellation is one of all of them."""
    has_waited = False
    was_cancelled = False
    _enter(tasks, waiters)
    try:
        while _count_done(tasks) != len(tasks) and (
            not ends_at_failure or was_cancelled or _first_failed(tasks) is None
        ):
            has_waited = True
            try:
                await park()
            except CancelledError:
                was_cancelled = True
                for task in tasks:
                    _ = cancel(task)
    finally:
        _leave(tasks, waiters)
    if was_cancelled:
        for task in tasks:
            discard(task)
        raise CancelledError
    if has_waited:
        await take_turn()
    return _first_failed(tasks)


async def wait(
    tasks: span[ptr[Task[T]]], timeout: f64 = _FOREVER, return_when: u64 = ALL_COMPLETED
) -> tuple[span[ptr[Task[T]]], span[ptr[Task[T]]]]:
    """The tasks that have ended and those that have not; good until the same task waits again.

    Errors: ValueError without tasks, as in Python.
    """
    if len(tasks) == 0:
        raise ValueError("Set of Tasks/Futures is empty.")
    bases = span(ptr[ptr[TaskBase]](addr(tasks[0])), len(tasks))
    await _wait_until(bases, monotonic_ns() + nanoseconds(timeout), return_when)
    parted = span(ptr[ptr[Task[T]]](_keep(bases)), len(tasks))
    done = _count_done(bases)
    return parted[:done], parted[done:]


async def _wait_until(tasks: span[ptr[TaskBase]], deadline_ns: u64, return_when: u64) -> None:
    size = u64(sizeof(Waiter)) * len(tasks)
    memory = allocate(size)
    waiters = span(ptr[Waiter](memory), len(tasks))
    sleeper: Sleeper = zeroed()
    sleeper.task = running()
    start_timer(addr(sleeper), deadline_ns)
    has_waited = False
    _enter(tasks, waiters)
    try:
        while not _is_enough(tasks, return_when) and sleeper.timer.is_queued:
            has_waited = True
            await park()
    finally:
        stop_timer(addr(sleeper))
        _leave(tasks, waiters)
        release(memory, size)
    if has_waited:
        await take_turn()


def _is_enough(tasks: span[ptr[TaskBase]], return_when: u64) -> bool:
    done = _count_done(tasks)
    if return_when == FIRST_COMPLETED and done != 0:
        return True
    if return_when == FIRST_EXCEPTION and _first_failed(tasks) is not None:
        return True
    return done == len(tasks)


def _keep(tasks: span[ptr[TaskBase]]) -> u64:
    """A copy of the tasks, those that have ended first, which the running task keeps. Returns its address."""
    size = u64(sizeof(u64)) * len(tasks)
    parted = ptr[ptr[TaskBase]](allocate(size))
    count: u64 = 0
    for is_done in range(2):
        for task in tasks:
            if task.is_done == (is_done == 0):
                parted[count] = task
                count += 1
    own = running()
    if own.kept_bytes != 0:
        release(ptr[u8](own.kept), u64(own.kept_bytes))
    own.kept = u64(parted)
    own.kept_bytes = u32(size)
    return own.kept


async def shield(awaitable: Awaitable[T]) -> T:
    """Awaits; a cancellation ends the wait and not what is awaited."""
    task = create_task(awaitable)
    try:
        await wait_for_end(addr(task.base))
    except CancelledError:
        detach(addr(task.base))
        raise
    await take_turn()
    return await task


def _enter(tasks: span[ptr[TaskBase]], waiters: span[Waiter]) -> None:
    for index in range(len(tasks)):
        waiters[index].task = running()
        if not tasks[index].is_done:
            add_waiter(tasks[index], addr(waiters[index]))


def _leave(tasks: span[ptr[TaskBase]], waiters: span[Waiter]) -> None:
    for index in range(len(tasks)):
        remove_waiter(tasks[index], addr(waiters[index]))


def _count_done(tasks: span[ptr[TaskBase]]) -> u64:
    count: u64 = 0
    for task in tasks:
        count += u64(task.is_done)
    return count


def _first_failed(tasks: span[ptr[TaskBase]]) -> ptr[TaskBase] | None:
    """In the order in which they ended."""
    first: ptr[TaskBase] | None = None
    for task in tasks:
        if task.is_done and task.has_failed() and (first is None or task.end_number < first.end_number):
            first = task
    return first
