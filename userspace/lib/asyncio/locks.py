"""asyncio's Event, Lock and Semaphore.

They start out zeroed: `lock: asyncio.Lock = asyncio.Lock()`.
"""
from compiler.prelude import struct, u64
from userspace.lib.asyncio.waiting import Line


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
    line: Line
    is_taken: bool

    def locked(self) -> bool:
        return self.is_taken

    async def acquire(self) -> bool:
        while self.is_taken:
            await self.line.wait()
        self.is_taken = True
        return True

    def release(self) -> None:
        assert self.is_taken, "a lock was released that nobody held"
        self.is_taken = False
        _ = self.line.call()

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
        while self.value == 0:
            await self.line.wait()
        self.value -= 1
        return True

    def release(self) -> None:
        self.value += 1
        _ = self.line.call()

    async def __aenter__(self) -> None:
        _ = await self.acquire()

    async def __aexit__(self) -> None:
        self.release()
