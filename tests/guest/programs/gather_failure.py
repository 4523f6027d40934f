"""gather raises what the first that failed raised; the others go on. A cancellation of it is one of all of them."""

import asyncio


async def fail(turns: int, text: str) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    raise ValueError(text)


async def go_on(name: str, release: asyncio.Event, ended: asyncio.Event) -> int:
    try:
        _ = await release.wait()
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise
    print(name, "ends")
    ended.set()
    return 1


async def gather_two() -> None:
    never = asyncio.Event()
    ended = asyncio.Event()
    _ = await asyncio.gather(go_on("left", never, ended), go_on("right", never, ended))


async def main() -> None:
    release = asyncio.Event()
    ended = asyncio.Event()
    try:
        _ = await asyncio.gather(go_on("survivor", release, ended), fail(4, "second"), fail(1, "first"))
    except ValueError as error:
        print("raised:", error)
    release.set()
    _ = await ended.wait()
    outer = asyncio.create_task(gather_two())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("cancel", outer.cancel())
    try:
        await outer
    except asyncio.CancelledError:
        print("the outer task was cancelled")
    failing = asyncio.create_task(fail(1, "inside a task"))
    release.clear()
    ended.clear()
    try:
        _ = await asyncio.gather(failing, go_on("neighbour", release, ended))
    except ValueError as error:
        print("raised:", error)
    release.set()
    _ = await ended.wait()
    print("failed?", failing.exception() is not None, "cancelled?", failing.cancelled())


if __name__ == "__main__":
    asyncio.run(main())
