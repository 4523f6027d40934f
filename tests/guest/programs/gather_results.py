"""gather gives the results in the order of its arguments, whatever the order in which they came."""

import asyncio


async def work(name: str, delay: float, result: int) -> int:
    await asyncio.sleep(delay)
    print(name, "ends")
    return result


async def say(word: str) -> None:
    await asyncio.sleep(0)
    print(word)


async def main() -> None:
    first, second, third = await asyncio.gather(work("slow", 0.3, 1), work("quick", 0.1, 2), work("medium", 0.2, 3))
    print(first, second, third)
    for result in await asyncio.gather(*[work("one of many", 0.0, n * n) for n in range(4)]):
        print(result)
    await asyncio.gather(say("one"), say("two"))
    tasks = [asyncio.create_task(work("a task", 0.0, n)) for n in range(3)]
    results = await asyncio.gather(*tasks)
    print(results[0] + results[1] + results[2], len(results))


if __name__ == "__main__":
    asyncio.run(main())
