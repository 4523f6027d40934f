"""An event that was cleared is waited for again."""

import asyncio


async def listen(event: asyncio.Event, cleared: asyncio.Event, name: str) -> None:
    for turn in range(2):
        _ = await event.wait()
        print(name, turn)
        _ = await cleared.wait()


async def main() -> None:
    event = asyncio.Event()
    cleared = asyncio.Event()
    first = asyncio.create_task(listen(event, cleared, "first"))
    second = asyncio.create_task(listen(event, cleared, "second"))
    await asyncio.sleep(0)
    event.set()
    await asyncio.sleep(0)
    event.clear()
    print("cleared", event.is_set())
    cleared.set()
    for _ in range(3):
        await asyncio.sleep(0)
    print("nobody came through")
    event.set()
    await first
    await second


if __name__ == "__main__":
    asyncio.run(main())
