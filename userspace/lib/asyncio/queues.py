"""asyncio.Queue: of any number of items, in blocks that are linked to one another.

A block goes back to the heap when its last item has been taken, apart from the last block of all.
"""
from __future__ import annotations

from typing import Generic, TypeVar

from compiler.prelude import array, const, exception_number, ptr, raises, sizeof, struct, u8, u64, zeroed
from userspace.lib.asyncio.task import set_exception
from userspace.lib.asyncio.waiting import Line
from userspace.lib.heap import allocate, release

T = TypeVar("T")
_ITEMS = const(16)                      # of one block


class QueueEmpty(Exception):
    pass


class QueueFull(Exception):
    pass


@struct
class Block(Generic[T]):
    next: ptr[Block[T]] | None
    items: array[T, _ITEMS]


@struct
class Queue(Generic[T]):
    maxsize: u64                        # 0: as many as there is memory for
    head: u64                           # items taken
    tail: u64                           # items put
    getters: Line
    putters: Line
    finished: Line                      # whoever waits in join()
    unfinished: u64
    first: ptr[Block[T]] | None         # of the item at `head`
    last: ptr[Block[T]] | None          # of the item before `tail`

    def qsize(self) -> u64:
        return self.tail - self.head

    def empty(self) -> bool:
        return self.tail == self.head

    def full(self) -> bool:
        return self.maxsize != 0 and self.qsize() >= self.maxsize

    async def put(self, item: T) -> None:
        while self.full():
            await self.putters.wait()
        self._put(item)

    @raises
    def put_nowait(self, item: T) -> None:
        if self.full():
            set_exception(exception_number(QueueFull), "")
        else:
            self._put(item)

    async def get(self) -> T:
        while self.empty():
            await self.getters.wait()
        return self._get()

    @raises
    def get_nowait(self) -> T:
        nothing: array[T, 1] = zeroed()
        if self.empty():
            set_exception(exception_number(QueueEmpty), "")
            return nothing[0]
        return self._get()

    @raises
    def task_done(self) -> None:
        if self.unfinished == 0:
            set_exception(exception_number(ValueError), "task_done() called too many times")
            return
        self.unfinished -= 1
        if self.unfinished == 0:
            self.finished.call_all()

    async def join(self) -> None:
        while self.unfinished != 0:
            await self.finished.wait()

    def _put(self, item: T) -> None:
        place = self.tail % _ITEMS
        block = self.last
        if place == 0 or block is None:
            self._add_block().items[place] = item
        else:
            block.items[place] = item
        self.tail += 1
        self.unfinished += 1
        _ = self.getters.call()

    def _add_block(self) -> ptr[Block[T]]:
        """Behind the last; or in its place, when that holds nothing any more."""
        last = self.last
        if last is not None and self.head == self.tail:
            return last
        block = ptr[Block[T]](allocate(u64(sizeof(Block[T]))))
        block.next = None
        if last is None:
            self.first = block
        else:
            last.next = block
        self.last = block
        return block

    def _get(self) -> T:
        block = self.first
        assert block is not None
        item = block.items[self.head % _ITEMS]
        self.head += 1
        following = block.next
        if self.head % _ITEMS == 0 and following is not None:
            self.first = following
            release(ptr[u8](block), u64(sizeof(Block[T])))
        _ = self.putters.call()
        return item
