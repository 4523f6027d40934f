"""asyncio's Event, Lock and Semaphore.

They start out zeroed: `lock: asyncio.Lock = asyncio.Lock()`.
"""
from compiler.prelude import addr, struct, u64
from userspace.lib.asyncio.task import CancelledError, running
from userspace.lib.asyncio.waiting import Line, Place


@struct
class Event:
    line: Line
    is_happened: bool

    def is_set(self) -> bool:
        return self.is_happened

    def set(self) -> None:
        self.is_happened = True
        self.line.call_all()

    def clear(self) -> None:
        self.is_happened = False

    async def wait(self) -> bool:
        while not self.is_happened:
            await self.line.wait()
        return True


@struct
class Lock:
    """Goes from hand to hand: who has waited longest gets it, and nobody can take it in between."""
    line: Line
    is_taken: bool

    def locked(self) -> bool:
        return self.is_taken

    async def acquire(self) -> bool:
        if self.is_taken:
            place = Place(task=running())
            try:
                await self.line.wait_in(addr(place))
            except CancelledError:
                if place.is_called:
                    self.release()
                raise
        self.is_taken = True
        return True

    def release(self) -> None:
        assert self.is_taken, "a lock was released that nobody held"
        self.is_taken = self.line.call()

    async def __aenter__(self) -> None:
        _ = await self.acquire()

    async def __aexit__(self) -> None:
        self.release()


@struct
class Semaphore:
    value: u64
    line: Line

    def locked(self) -> bool:
        return self.value == 0

    async def acquire(self) -> bool:
        if self.value != 0 and self.line.is_empty():
            self.value -= 1
            return True
        place = Place(task=running())
        try:
            await self.line.wait_in(addr(place))
        except CancelledError:
            if place.is_called:
                self.release()
            raise
        return True

    def release(self) -> None:
        if not self.line.call():
            self.value += 1

    async def __aenter__(self) -> None:
        _ = await self.acquire()

    async def __aexit__(self) -> None:
        self.release()
