"""Results and arguments go through many levels of await."""

import asyncio


async def level(depth: int, value: int) -> int:
    if depth == 0:
        await asyncio.sleep(0)
        return value
    return await deeper(depth - 1, value + depth) * 2


async def deeper(depth: int, value: int) -> int:
    if depth == 0:
        return value
    await asyncio.sleep(0)
    return value + depth


async def main() -> None:
    for depth in range(4):
        print(depth, await level(depth, 10))


if __name__ == "__main__":
    asyncio.run(main())
