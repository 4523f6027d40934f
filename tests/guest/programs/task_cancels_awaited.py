"""A cancellation goes to the task that is awaited; when that refuses, nobody is cancelled."""

import asyncio


async def inner() -> int:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("inner is cancelled")
        raise
    return 1


async def stubborn() -> int:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("stubborn goes on")
    return 2


async def outer(task: asyncio.Task[int]) -> int:
    try:
        return await task
    finally:
        print("outer leaves")


async def main() -> None:
    gentle = asyncio.create_task(inner())
    waiting = asyncio.create_task(outer(gentle))
    for _ in range(3):
        await asyncio.sleep(0)
    print("cancel", waiting.cancel())
    try:
        print(await waiting)
    except asyncio.CancelledError:
        print("outer was cancelled")
    refusing = asyncio.create_task(stubborn())
    waiting = asyncio.create_task(outer(refusing))
    for _ in range(3):
        await asyncio.sleep(0)
    print("cancel", waiting.cancel())
    print("result", await waiting)


if __name__ == "__main__":
    asyncio.run(main())
