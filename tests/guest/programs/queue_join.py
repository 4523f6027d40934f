"""join() waits until every item was worked on."""

import asyncio


async def worker(name: str, queue: asyncio.Queue[int]) -> None:
    while True:
        item = await queue.get()
        await asyncio.sleep(0)
        print(name, item)
        queue.task_done()


async def main() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    first = asyncio.create_task(worker("first", queue))
    second = asyncio.create_task(worker("second", queue))
    for item in range(5):
        await queue.put(item)
    await queue.join()
    print("all items are done")
    print(first.cancel(), second.cancel())
    try:
        await first
    except asyncio.CancelledError:
        print("first was cancelled")


if __name__ == "__main__":
    asyncio.run(main())
