"""asyncio.TaskGroup: tasks that have all ended when the block is left.

When one fails the others are cancelled, and its exception is raised: the first one, where Python raises a group of all.
"""
from collections.abc import Awaitable
from typing import TypeVar

from compiler.prelude import addr, exception_number, ptr, raise_exception, struct, u64
from userspace.lib.asyncio import task as tasks
from userspace.lib.asyncio.task import CancelledError, Task, TaskBase, cancel, running, wait_for_end

T = TypeVar("T")


@struct
class TaskGroup:
    first: ptr[TaskBase] | None         # linked through `sibling`, youngest first

    def create_task(self, coroutine: Awaitable[T]) -> ptr[Task[T]]:
        task = tasks.create_task(coroutine)
        task.base.sibling = self.first
        self.first = addr(task.base)
        return task

    async def __aenter__(self) -> ptr["TaskGroup"]:
        return self

    async def __aexit__(self) -> None:
        """When an exception leaves the block, a cancellation included, the tasks are cancelled."""
        number: u64 = 0
        if running().state.unwinding != 0:
            self._cancel_all()
        message = ""
        try:
            failed = await self._wait_for_all()
            if failed is not None:
                number = failed.state.exception
                message = failed.state.message
        finally:
            self._cancel_all()
            _ = await self._wait_for_all()
        if number != 0:
            raise_exception(number, message)

    async def _wait_for_all(self) -> ptr[TaskBase] | None:
        """Returns the first task that was seen to fail, after all have ended."""
        failed: ptr[TaskBase] | None = None
        member = self.first
        while member is not None:
            await wait_for_end(member)
            if failed is None and member.has_failed() and member.state.exception != exception_number(CancelledError):
                failed = member
                self._cancel_all()
            member = member.sibling
        return failed

    def _cancel_all(self) -> None:
        member = self.first
        while member is not None:
            _ = cancel(member)
            member = member.sibling
