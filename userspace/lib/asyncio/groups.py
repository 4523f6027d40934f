"""asyncio.TaskGroup: tasks that have all ended when the block is left.

When a member fails the others are cancelled, and so is the block if it still runs; then ExceptionGroup is raised.
"""
from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import addr, exception_number, memory_copy, ptr, raise_exception, span, struct, u64, zeroed
from userspace.lib.asyncio import task as tasks
from userspace.lib.asyncio.task import CancelledError, Group, Task, cancel_members, join, park, running
from userspace.lib.heap import allocate
from userspace.lib.text import Text

T = TypeVar("T")


@struct
class TaskGroup:
    group: Group

    def create_task(self, coroutine: Awaitable[T]) -> ptr[Task[T]]:
        task = tasks.create_task(coroutine)
        join(addr(self.group), addr(task.base))
        return task

    async def __aenter__(self) -> ptr["TaskGroup"]:
        self.group.owner = running()
        return self

    async def __aexit__(self) -> None:
        """When an exception leaves the block, a cancellation included, the tasks are cancelled."""
        group = addr(self.group)
        own = running()
        leaving = own.state.unwinding
        if group.is_owner_cancelled:
            own.is_cancelled = False        # the failed member's, in case the block has not met it
        group.is_waiting = True
        if leaving != 0:
            cancel_members(group)
        was_cancelled = await _wait_for_members(group)
        if leaving != 0 and leaving != exception_number(CancelledError):
            group.errors += 1
        if group.errors != 0:
            raise_exception(exception_number(ExceptionGroup), _describe(group.errors))
        if was_cancelled:
            raise CancelledError


async def _wait_for_members(group: ptr[Group]) -> bool:
    """Returns True when the wait was cancelled from outside; then the members are too."""
    was_cancelled = False
    while group.first is not None:
        try:
            await park()
        except CancelledError:
            if not group.is_aborting:
                was_cancelled = True
                cancel_members(group)
    return was_cancelled


def _describe(errors: u64) -> str:
    """What Python says of such a group; whoever catches it may keep the text."""
    line: Text = zeroed()
    line.text("unhandled errors in a TaskGroup (")
    line.number(errors, False, 10, 0, 0)
    line.text(" sub-exception" if errors == 1 else " sub-exceptions")
    line.text(")")
    kept = allocate(u64(line.length))
    memory_copy(kept, addr(line.characters[0]), u64(line.length))
    return span(kept, u64(line.length)).decode()
