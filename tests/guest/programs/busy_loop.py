"""A task that is always ready keeps nobody from waking: the loop looks at the time between turns."""

import asyncio


async def main() -> None:
    nap = asyncio.create_task(asyncio.sleep(0.01))
    turns = 0
    while not nap.done():
        turns += 1
        await asyncio.sleep(0)
    print("woken beside a busy task:", turns > 1)
    try:
        async with asyncio.timeout(0.01):
            while True:
                await asyncio.sleep(0)
    except TimeoutError:
        print("a busy task met its deadline")


if __name__ == "__main__":
    asyncio.run(main())
