"""gather gives the results in the order of its arguments, whatever the order in which they came."""

import asyncio


async def work(name: str, turns: int, result: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    print(name, "ends")
    return result


async def say(word: str) -> None:
    await asyncio.sleep(0)
    print(word)


async def main() -> None:
    first, second, third = await asyncio.gather(work("slow", 6, 1), work("quick", 2, 2), work("medium", 4, 3))
    print(first, second, third)
    for result in await asyncio.gather(*[work("one of many", 1, n * n) for n in range(4)]):
        print(result)
    await asyncio.gather(say("one"), say("two"))
    tasks = [asyncio.create_task(work("a task", 1, n)) for n in range(3)]
    results = await asyncio.gather(*tasks)
    print(results[0] + results[1] + results[2], len(results))


if __name__ == "__main__":
    asyncio.run(main())
