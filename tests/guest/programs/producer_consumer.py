"""A bounded queue holds its producer back."""

import asyncio


async def produce(queue: asyncio.Queue[int], count: int) -> None:
    for item in range(count):
        await queue.put(item)
        print("put", item)
    await queue.put(-1)


async def consume(queue: asyncio.Queue[int]) -> int:
    total = 0
    while True:
        item = await queue.get()
        if item < 0:
            return total
        print("got", item)
        total += item
        await asyncio.sleep(0)


async def main() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
    producer = asyncio.create_task(produce(queue, 6))
    consumer = asyncio.create_task(consume(queue))
    await producer
    print("total", await consumer)
    print("empty", queue.empty())


if __name__ == "__main__":
    asyncio.run(main())
