"""Sleepers wake by their time, not by their making."""

import asyncio


async def nap(name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    print(name)


async def main() -> None:
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(nap("third", 0.6))
        _ = group.create_task(nap("first", 0.2))
        _ = group.create_task(nap("second", 0.4))
    print("all awake")


if __name__ == "__main__":
    asyncio.run(main())
