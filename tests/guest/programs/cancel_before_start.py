"""A task that never ran is cancelled too."""

import asyncio


async def never() -> None:
    print("this is not printed")


async def main() -> None:
    task = asyncio.create_task(never())
    print("cancel", task.cancel())
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled before it began")
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
