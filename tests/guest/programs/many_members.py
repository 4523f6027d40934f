"""A hundred thousand tasks of one group at once."""

import asyncio

TASKS: int = 100_000


async def member(gate: asyncio.Event, passed: asyncio.Queue[int]) -> None:
    _ = await gate.wait()
    passed.put_nowait(1)


async def main() -> None:
    gate = asyncio.Event()
    passed: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            _ = group.create_task(member(gate, passed))
        await asyncio.sleep(0)
        print("waiting; passed", passed.qsize())
        gate.set()
    print("passed", passed.qsize())


if __name__ == "__main__":
    asyncio.run(main())
