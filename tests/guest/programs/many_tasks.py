"""A few hundred tasks, and their sum."""

import asyncio


async def square(value: int) -> int:
    await asyncio.sleep(0)
    return value * value


async def main() -> None:
    total = 0
    for start in range(0, 300, 3):
        first = asyncio.create_task(square(start))
        second = asyncio.create_task(square(start + 1))
        third = asyncio.create_task(square(start + 2))
        total += await first + await second + await third
    print("sum of squares", total)


if __name__ == "__main__":
    asyncio.run(main())
