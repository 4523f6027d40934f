"""shield: whoever waits is cancelled, what it waited for goes on."""

import asyncio


async def important(name: str, release: asyncio.Event) -> int:
    try:
        _ = await release.wait()
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
    release = asyncio.Event()
    release.set()
    print("in peace:", await asyncio.shield(important("undisturbed", release)))
    release.clear()
    task = asyncio.create_task(important("the work", release))
    waiter = asyncio.create_task(wait_shielded(task))
    for _ in range(3):
        await asyncio.sleep(0)
    print("cancel", waiter.cancel())
    try:
        await waiter
    except asyncio.CancelledError:
        print("the waiter has ended, the work has not:", task.done())
    release.set()
    print("result", await task)
    release.clear()
    late = asyncio.create_task(important("late work", release))
    try:
        _ = await asyncio.wait_for(asyncio.shield(late), 0.01)
    except TimeoutError:
        print("too late, but it goes on")
    release.set()
    print("result", await late)


if __name__ == "__main__":
    asyncio.run(main())
