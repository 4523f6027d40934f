"""wait: for all, for the first, for the first exception, and no longer than a time."""

import asyncio


async def work(number: int, release: asyncio.Event) -> int:
    _ = await release.wait()
    return number


async def fail() -> int:
    await asyncio.sleep(0)
    raise LookupError("nothing there")


async def main() -> None:
    release = asyncio.Event()
    at_once = asyncio.Event()
    at_once.set()
    slow = asyncio.create_task(work(1, release))
    quick = asyncio.create_task(work(2, at_once))
    done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
    print("done", len(done), "pending", len(pending))
    for task in done:
        print("result", task.result())
    release.set()
    done, pending = await asyncio.wait(pending)
    print("done", len(done), "pending", len(pending), slow.done(), slow.result())

    release.clear()
    failing = asyncio.create_task(fail())
    lasting = asyncio.create_task(work(3, release))
    done, pending = await asyncio.wait({failing, lasting}, return_when=asyncio.FIRST_EXCEPTION)
    print("done", len(done), "pending", len(pending))
    for task in done:
        try:
            print("result", task.result())
        except LookupError as error:
            print("raised:", error)

    done, pending = await asyncio.wait([lasting], timeout=0.01)
    print("done", len(done), "pending", len(pending))
    for task in pending:
        print("cancel", task.cancel())
    done, pending = await asyncio.wait([lasting])
    print("done", len(done), "cancelled?", lasting.cancelled())
    try:
        _ = await asyncio.wait(pending)
    except ValueError as error:
        print("nothing to wait for:", error)


if __name__ == "__main__":
    asyncio.run(main())
