"""The smallest program: two tasks that take turns."""
import asyncio


async def count(name: str, to: int) -> int:
    total = 0
    for i in range(to):
        print(f"{name}: {i}")
        total += i
    return total


async def main() -> None:
    first = asyncio.create_task(count("a", 3))
    second = asyncio.create_task(count("b", 2))
    print("sum:", await first + await second)


if __name__ == "__main__":
    asyncio.run(main())
