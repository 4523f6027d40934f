"""shield: whoever waits is cancelled, what it waited for goes on."""

import asyncio


async def important(name: str) -> int:
    try:
        await asyncio.sleep(0.3)
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise
    print(name, "ends")
    return 7


async def wait_shielded(task: asyncio.Task[int]) -> None:
    try:
        print("got", await asyncio.shield(task))
    except asyncio.CancelledError:
        print("the waiter is cancelled")
        raise


async def main() -> None:
    print("in peace:", await asyncio.shield(important("undisturbed")))
    task = asyncio.create_task(important("the work"))
    waiter = asyncio.create_task(wait_shielded(task))
    await asyncio.sleep(0.1)
    print("cancel", waiter.cancel())
    try:
        await waiter
    except asyncio.CancelledError:
        print("the waiter has ended, the work has not:", task.done())
    print("result", await task)
    late = asyncio.create_task(important("late work"))
    try:
        _ = await asyncio.wait_for(asyncio.shield(late), 0.1)
    except TimeoutError:
        print("too late, but it goes on")
    print("result", await late)


if __name__ == "__main__":
    asyncio.run(main())
