"""asyncio.Queue, of at most 64 items."""
from typing import Generic, TypeVar

from compiler.prelude import array, const, struct, u64
from userspace.lib.asyncio.waiting import Line

T = TypeVar("T")
MOST_ITEMS = const(64)


class QueueEmpty(Exception):
    pass


class QueueFull(Exception):
    pass


@struct
class Queue(Generic[T]):
    maxsize: u64                        # 0: as many as there is room for
    head: u64                           # items taken
    tail: u64                           # items put
    getters: Line
    putters: Line
    finished: Line                      # whoever waits in join()
    unfinished: u64
    items: array[T, MOST_ITEMS]

    def qsize(self) -> u64:
        return self.tail - self.head

    def empty(self) -> bool:
        return self.tail == self.head

    def full(self) -> bool:
        most = self.maxsize if self.maxsize != 0 and self.maxsize < MOST_ITEMS else u64(MOST_ITEMS)
        return self.qsize() >= most

    async def put(self, item: T) -> None:
        while self.full():
            await self.putters.wait()
        self._put(item)

    async def put_nowait(self, item: T) -> None:
        if self.full():
            raise QueueFull
        self._put(item)

    def _put(self, item: T) -> None:
        self.items[self.tail % MOST_ITEMS] = item
        self.tail += 1
        self.unfinished += 1
        _ = self.getters.call()

    async def get(self) -> T:
        while self.empty():
            await self.getters.wait()
        item = self.items[self.head % MOST_ITEMS]
        self.head += 1
        _ = self.putters.call()
        return item

    def task_done(self) -> None:
        assert self.unfinished != 0, "task_done() was called more often than put()"
        self.unfinished -= 1
        if self.unfinished == 0:
            self.finished.call_all()

    async def join(self) -> None:
        while self.unfinished != 0:
            await self.finished.wait()
