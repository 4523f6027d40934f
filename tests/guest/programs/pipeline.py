"""Three stages with bounded queues between them; -1 ends the stream."""

import asyncio


async def produce(out: asyncio.Queue[int], count: int) -> None:
    for number in range(count):
        await out.put(number)
        print("produced", number, out.qsize(), out.full())
    await out.put(-1)


async def square(source: asyncio.Queue[int], out: asyncio.Queue[int]) -> int:
    passed = 0
    while True:
        number = await source.get()
        if number < 0:
            break
        await out.put(number * number)
        passed += 1
    await out.put(-1)
    return passed


async def collect(source: asyncio.Queue[int]) -> int:
    total = 0
    number = await source.get()
    while number >= 0:
        total += number
        print("total", total)
        number = await source.get()
    return total


async def main() -> None:
    first: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
    second: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(produce(first, 6))
        middle = group.create_task(square(first, second))
        last = group.create_task(collect(second))
    print("sum of", middle.result(), "squares:", last.result())
    print(first.empty(), second.empty(), middle.exception() is None)


if __name__ == "__main__":
    asyncio.run(main())
