"""Queues without waiting, without bound, and what they raise."""

import asyncio


async def main() -> None:
    small: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
    small.put_nowait(1)
    small.put_nowait(2)
    try:
        small.put_nowait(3)
    except asyncio.QueueFull:
        print("full at", small.qsize())
    print(small.get_nowait(), small.get_nowait())
    try:
        print(small.get_nowait())
    except asyncio.QueueEmpty:
        print("empty")
    for _ in range(2):
        small.task_done()
    try:
        small.task_done()
    except ValueError as error:
        print("raised:", error)
    large: asyncio.Queue[int] = asyncio.Queue()
    for n in range(1000):
        large.put_nowait(n)
    total = 0
    while not large.empty():
        total += await large.get()
    print("sum of a thousand", total, large.qsize())


if __name__ == "__main__":
    asyncio.run(main())
