"""An event that was cleared is waited for again."""

import asyncio


async def listen(event: asyncio.Event, name: str) -> None:
    for turn in range(2):
        _ = await event.wait()
        print(name, turn)
        await asyncio.sleep(0.1)


async def main() -> None:
    event = asyncio.Event()
    first = asyncio.create_task(listen(event, "first"))
    second = asyncio.create_task(listen(event, "second"))
    await asyncio.sleep(0)
    event.set()
    await asyncio.sleep(0)
    event.clear()
    print("cleared", event.is_set())
    await asyncio.sleep(0.3)
    event.set()
    await first
    await second


if __name__ == "__main__":
    asyncio.run(main())
