"""Sleepers wake by their time, not by their making; those whose time has come while the loop was busy, too."""

import asyncio
import time


async def nap(name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    print(name)


async def main() -> None:
    last = asyncio.create_task(nap("never", 3600))
    await asyncio.create_task(nap("a moment", 0.01))
    print("still asleep:", not last.done(), last.cancel())
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(nap("first", 0.01))
        _ = group.create_task(nap("second", 0.02))
        _ = group.create_task(nap("third", 0.03))
        await asyncio.sleep(0)
        time.sleep(0.05)
        print("all are late")
    print("all awake")


if __name__ == "__main__":
    asyncio.run(main())
