"""gather raises what the first that failed raised; the others go on. A cancellation of it is one of all of them."""

import asyncio


async def fail(delay: float, text: str) -> int:
    await asyncio.sleep(delay)
    raise ValueError(text)


async def go_on(name: str, delay: float) -> int:
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise
    print(name, "ends")
    return 1


async def gather_two() -> None:
    _ = await asyncio.gather(go_on("left", 10), go_on("right", 10))


async def main() -> None:
    try:
        _ = await asyncio.gather(go_on("survivor", 0.2), fail(0.1, "second"), fail(0.0, "first"))
    except ValueError as error:
        print("raised:", error)
    await asyncio.sleep(0.3)
    outer = asyncio.create_task(gather_two())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("cancel", outer.cancel())
    try:
        await outer
    except asyncio.CancelledError:
        print("the outer task was cancelled")
    failing = asyncio.create_task(fail(0.0, "inside a task"))
    try:
        _ = await asyncio.gather(failing, go_on("neighbour", 0.1))
    except ValueError as error:
        print("raised:", error)
    await asyncio.sleep(0.2)
    print("failed?", failing.exception() is not None, "cancelled?", failing.cancelled())


if __name__ == "__main__":
    asyncio.run(main())
