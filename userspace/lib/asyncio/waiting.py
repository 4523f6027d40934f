"""A line of tasks that wait for something, first come, first served: what locks, events and queues have in common."""
from __future__ import annotations

from compiler.prelude import addr, ptr, struct, u64
from userspace.lib.asyncio.task import TaskBase, make_ready, park, running


@struct
class Place:
    """Lies in the frame of whoever waits."""
    task: ptr[TaskBase]
    next: ptr[Place] | None
    is_called: bool


@struct
class Line:
    first: ptr[Place] | None
    last: ptr[Place] | None

    async def wait(self) -> None:
        """Waits to be called."""
        place = Place(task=running())
        await self.wait_in(addr(place))

    async def wait_in(self, place: ptr[Place]) -> None:
        """As wait(), in a place of the caller's: `is_called` tells whether a cancellation came after the call."""
        self._append(place)
        try:
            while not place.is_called:
                await park()
        finally:
            if not place.is_called:
                self._remove(place)

    def call(self) -> bool:
        """Calls the first in line. Returns False when nobody waits."""
        place = self.first
        if place is None:
            return False
        self._remove(place)
        place.is_called = True
        make_ready(place.task)
        return True

    def call_all(self) -> None:
        while self.call():
            pass

    def is_empty(self) -> bool:
        return self.first is None

    def _append(self, place: ptr[Place]) -> None:
        place.next = None
        last = self.last
        if last is None:
            self.first = place
        else:
            last.next = place
        self.last = place

    def _remove(self, place: ptr[Place]) -> None:
        before: ptr[Place] | None = None
        entry = self.first
        while entry is not None and u64(entry) != u64(place):
            before = entry
            entry = entry.next
        if entry is None:
            return
        if before is None:
            self.first = entry.next
        else:
            before.next = entry.next
        if u64(self.last) == u64(entry):
            self.last = before
