"""Values of every kind survive a wait."""

import asyncio


async def echo(number: int, flag: bool, words: str, part: float) -> str:
    await asyncio.sleep(part)
    print(number, flag, words)
    return words


async def pair(left: int, right: int) -> tuple[int, int]:
    await asyncio.sleep(0)
    return right, left


async def main() -> None:
    print(await echo(-5, True, "text", 0.001))
    first, second = await pair(1, 2)
    print(first, second)


if __name__ == "__main__":
    asyncio.run(main())
