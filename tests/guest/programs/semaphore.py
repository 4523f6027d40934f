"""A semaphore lets two in at a time."""

import asyncio


async def visit(semaphore: asyncio.Semaphore, name: int) -> None:
    async with semaphore:
        print("in", name)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        print("out", name)


async def main() -> None:
    semaphore = asyncio.Semaphore(2)
    async with asyncio.TaskGroup() as group:
        for name in range(5):
            _ = group.create_task(visit(semaphore, name))
    print("locked", semaphore.locked())


if __name__ == "__main__":
    asyncio.run(main())
