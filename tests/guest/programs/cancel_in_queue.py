"""Who is cancelled while waiting leaves the line to others."""

import asyncio


async def get(queue: asyncio.Queue[int], name: str) -> None:
    try:
        print(name, "got", await queue.get())
    except asyncio.CancelledError:
        print(name, "gave up")
        raise


async def main() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    first = asyncio.create_task(get(queue, "first"))
    second = asyncio.create_task(get(queue, "second"))
    await asyncio.sleep(0)
    _ = first.cancel()
    await asyncio.sleep(0)
    await queue.put(7)
    await second
    try:
        await first
    except asyncio.CancelledError:
        print("first is cancelled")


if __name__ == "__main__":
    asyncio.run(main())
