"""Tasks: coroutines that take turns, the queue of those that are ready, and how one waits for another.

`state` comes first: compiled code writes to it (compiler/emit_async.py gives its layout).

Invariants:
- a task is in the ready queue exactly while `is_queued`; the one that runs is not; one that has ended is there once,
  for its group to hear of it;
- a task is among its group's members, or those of no group, exactly until it has ended.

Owns: a task that has ended is freed by whoever awaits it, or at its end when `is_detached` says that nobody will.
"""
from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, TypeVar

from compiler.prelude import (
    addr,
    coroutine_destroy,
    coroutine_is_done,
    coroutine_result,
    coroutine_resume,
    coroutine_start,
    coroutine_take,
    exception_number,
    panic,
    ptr,
    raise_exception,
    raises,
    sizeof,
    struct,
    suspend,
    u8,
    u32,
    u64,
    zeroed,
)
from userspace.lib.heap import allocate, release

T = TypeVar("T")


class CancelledError(BaseException):
    pass


class InvalidStateError(Exception):
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
    awaits: ptr[TaskBase] | None        # the task whose end it awaits: cancelling this one cancels that
    group: ptr[Group] | None
    following: ptr[TaskBase] | None     # members of the group, or those of none, youngest first
    preceding: ptr[TaskBase] | None
    kept: u64                           # address and size of what its last wait() gave
    kept_bytes: u32
    bytes: u32                          # of the whole task
    end_number: u64                     # how many tasks had ended when it did
    is_queued: bool
    is_started: bool
    is_done: bool
    is_cancelled: bool                  # it is to raise CancelledError when it runs next
    is_detached: bool                   # nobody will await it

    def has_failed(self) -> bool:
        return self.state.exception != 0

    def was_cancelled(self) -> bool:
        return self.state.exception == exception_number(CancelledError)


@struct
class Waiter:
    """Lies in the frame of whoever waits."""
    task: ptr[TaskBase]
    next: ptr[Waiter] | None


@struct
class Group:
    """What a task group keeps of its members; lies in the frame of its owner."""
    first: ptr[TaskBase] | None
    owner: ptr[TaskBase] | None
    errors: u64                         # members that have failed
    is_aborting: bool                   # the members have been cancelled
    is_owner_cancelled: bool            # because a member failed while the block ran
    is_waiting: bool                    # the owner is at the block's end


@struct
class Task(Generic[T]):
    """A coroutine that runs by itself. `await task`, once, gives its result or raises how it ended, and frees it.

    Where it stands for a coroutine, as in gather(task) and wait_for(task, 1), and after result(), it stays.
    """
    base: TaskBase
    coroutine: Awaitable[T]

    async def __await__(self) -> T:
        await wait_for_end(addr(self.base), passes_on=True)
        number = self.base.state.exception
        message = self.base.state.message
        coroutine = self.coroutine
        if number != 0:
            discard(addr(self.base))
            raise_exception(number, message)
        forget(addr(self.base))
        return coroutine_take(coroutine)

    async def __awaitable__(self) -> T:
        """Its result or exception for one of several that want it."""
        await wait_for_end(addr(self.base), passes_on=True)
        if self.base.has_failed():
            raise_exception(self.base.state.exception, self.base.state.message)
        return coroutine_result(self.coroutine)

    def done(self) -> bool:
        return self.base.is_done

    def cancel(self) -> bool:
        """Makes the task raise CancelledError where it waits. Returns False when it has ended."""
        return cancel(addr(self.base))

    def cancelled(self) -> bool:
        return self.base.is_done and self.base.was_cancelled()

    @raises
    def exception(self) -> ptr[State] | None:
        """None when it ended with a result; of what it raised a program can tell that it is there.

        Errors: InvalidStateError, before it has ended; CancelledError.
        """
        if not self.base.is_done:
            set_exception(exception_number(InvalidStateError), "Exception is not set.")
        elif self.base.was_cancelled():
            set_exception(self.base.state.exception, self.base.state.message)
        return addr(self.base.state) if self.base.has_failed() else None

    @raises
    def result(self) -> T:
        """What awaiting it would give, of a task that has ended; the task stays. Errors: InvalidStateError, before."""
        if not self.base.is_done:
            set_exception(exception_number(InvalidStateError), "Result is not set.")
        elif self.base.has_failed():
            set_exception(self.base.state.exception, self.base.state.message)
        return coroutine_result(self.coroutine)


current: ptr[TaskBase] | None = None
_first: ptr[TaskBase] | None = None
_last: ptr[TaskBase] | None = None
_ended: u64 = 0                         # tasks that have
_others: Group = zeroed()               # the tasks of no group; nobody waits for its end


def make_ready(task: ptr[TaskBase]) -> None:
    if not task.is_queued and not task.is_done:
        _append(task)


def _append(task: ptr[TaskBase]) -> None:
    global _first, _last
    task.is_queued = True
    task.next = None
    last = _last
    if last is None:
        _first = task
    else:
        last.next = task
    _last = task


def take_ready() -> ptr[TaskBase]:
    """Requires: last_ready() is not None."""
    global _first, _last
    task = _first
    assert task is not None
    _first = task.next
    if _first is None:
        _last = None
    task.is_queued = False
    return task


def last_ready() -> ptr[TaskBase] | None:
    return _last


def create_task(coroutine: Awaitable[T]) -> ptr[Task[T]]:
    """Lets a coroutine run by itself, from the next turn on."""
    size = u64(sizeof(Task[T]))
    task = ptr[Task[T]](allocate(size))
    task[0] = zeroed()
    task.coroutine = coroutine
    task.base.bytes = u32(size)
    task.base.handle = coroutine_start(coroutine, ptr[u8](addr(task.base.state)))
    _link(addr(_others), addr(task.base))
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
    """What follows the end of a task: its group hears of it next turn, then those that wait for it run."""
    global _ended
    task.is_done = True
    _ended += 1
    task.end_number = _ended
    if task.group is not None:
        _append(task)
    else:
        _unlink(addr(_others), task)
    _wake_waiters(task)
    if task.is_detached:
        discard(task)


def _wake_waiters(task: ptr[TaskBase]) -> None:
    """In the order in which they came."""
    turned: ptr[Waiter] | None = None
    waiter = task.waiters
    while waiter is not None:
        following = waiter.next
        waiter.next = turned
        turned = waiter
        waiter = following
    task.waiters = None
    while turned is not None:
        following = turned.next
        make_ready(turned.task)
        turned = following


def discard(task: ptr[TaskBase]) -> None:
    """Frees a task that has ended, and its coroutine's frame."""
    coroutine_destroy(task.handle)
    forget(task)


def forget(task: ptr[TaskBase]) -> None:
    """Frees a task whose coroutine's frame somebody else will free."""
    if task.kept_bytes != 0:
        release(ptr[u8](task.kept), u64(task.kept_bytes))
    release(ptr[u8](task), u64(task.bytes))


def detach(task: ptr[TaskBase]) -> None:
    """Nobody will await it: it is freed now, or when it ends."""
    if task.is_done:
        discard(task)
    else:
        task.is_detached = True


def cancel(task: ptr[TaskBase]) -> bool:
    """Returns False when the task has ended. One that awaits another passes it on."""
    if task.is_done:
        return False
    awaited = task.awaits
    if awaited is not None and cancel(awaited):
        return True
    task.is_cancelled = True
    make_ready(task)
    return True


# Groups


def join(group: ptr[Group], task: ptr[TaskBase]) -> None:
    """Requires: the task has just been made."""
    _unlink(addr(_others), task)
    task.group = group
    _link(group, task)


def _link(group: ptr[Group], task: ptr[TaskBase]) -> None:
    first = group.first
    task.following = first
    task.preceding = None
    if first is not None:
        first.preceding = task
    group.first = task


def _unlink(group: ptr[Group], task: ptr[TaskBase]) -> None:
    following, preceding = task.following, task.preceding
    if following is not None:
        following.preceding = preceding
    if preceding is not None:
        preceding.following = following
    else:
        group.first = following


def cancel_others() -> None:
    """All tasks that are in no group; those that are in one end with its owner."""
    cancel_members(addr(_others))


def has_others() -> bool:
    return _others.first is not None


def cancel_members(group: ptr[Group]) -> None:
    group.is_aborting = True
    member = group.first
    while member is not None:
        _ = cancel(member)
        member = member.following


def leave_group(task: ptr[TaskBase]) -> None:
    """What the turn of a task that has ended is for."""
    group = task.group
    if group is not None:
        _leave(group, task)


def _leave(group: ptr[Group], task: ptr[TaskBase]) -> None:
    _unlink(group, task)
    owner = group.owner
    if task.has_failed() and not task.was_cancelled():
        group.errors += 1
        if not group.is_aborting:
            cancel_members(group)
            if not group.is_waiting and owner is not None:
                group.is_owner_cancelled = True
                _ = cancel(owner)
    if group.is_waiting and group.first is None and owner is not None:
        make_ready(owner)


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
    _meet_cancellation(task)


@raises
def _meet_cancellation(task: ptr[TaskBase]) -> None:
    if task.is_cancelled:
        task.is_cancelled = False
        task.state.exception = exception_number(CancelledError)
        task.state.message = ""


def set_exception(number: u64, message: str) -> None:
    """Has the running task raise, once the function that is marked @raises has returned."""
    state = addr(running().state)
    state.exception = number
    state.message = message


async def take_turn() -> None:
    """Lets every task run that is ready."""
    make_ready(running())
    await park()


async def wait_for_end(task: ptr[TaskBase], passes_on: bool = False) -> None:
    """Where `passes_on`, a cancellation of whoever waits is one of the task.

    Every task is awaited here: it does what park() does without a coroutine of its own.
    """
    if task.is_done:
        return
    own = running()
    waiter = Waiter(task=own)
    add_waiter(task, addr(waiter))
    if passes_on:
        own.awaits = task
    try:
        while not task.is_done:
            if not own.is_cancelled:
                await suspend()
            _meet_cancellation(own)
    finally:
        own.awaits = None
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
