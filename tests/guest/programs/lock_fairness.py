"""A lock goes to who has waited longest."""

import asyncio


async def take(lock: asyncio.Lock, name: int) -> None:
    for turn in range(2):
        async with lock:
            print(name, "holds it", turn)
            await asyncio.sleep(0)


async def main() -> None:
    lock = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for name in range(3):
            _ = group.create_task(take(lock, name))
    print("free", not lock.locked())


if __name__ == "__main__":
    asyncio.run(main())
