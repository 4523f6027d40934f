"""A task may catch its cancellation and go on."""

import asyncio


async def stubborn() -> int:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("not yet")
    await asyncio.sleep(0)
    return 5


async def main() -> None:
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    _ = task.cancel()
    print("result", await task)


if __name__ == "__main__":
    asyncio.run(main())
