"""Tasks run in the order in which they were made ready."""

import asyncio


async def step(name: str) -> None:
    for turn in range(3):
        print(name, turn)
        await asyncio.sleep(0)


async def main() -> None:
    first = asyncio.create_task(step("one"))
    second = asyncio.create_task(step("two"))
    third = asyncio.create_task(step("three"))
    print("made")
    await third
    await second
    await first
    print("all have ended")


if __name__ == "__main__":
    asyncio.run(main())
