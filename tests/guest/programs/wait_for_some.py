"""wait: for all, for the first, for the first exception, and no longer than a time."""

import asyncio


async def work(number: int, delay: float) -> int:
    await asyncio.sleep(delay)
    return number


async def fail(delay: float) -> int:
    await asyncio.sleep(delay)
    raise LookupError("nothing there")


async def main() -> None:
    slow = asyncio.create_task(work(1, 0.4))
    quick = asyncio.create_task(work(2, 0.1))
    done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
    print("done", len(done), "pending", len(pending))
    for task in done:
        print("result", task.result())
    done, pending = await asyncio.wait(pending)
    print("done", len(done), "pending", len(pending), slow.done(), slow.result())

    failing = asyncio.create_task(fail(0.1))
    lasting = asyncio.create_task(work(3, 10))
    done, pending = await asyncio.wait({failing, lasting}, return_when=asyncio.FIRST_EXCEPTION)
    print("done", len(done), "pending", len(pending))
    for task in done:
        try:
            print("result", task.result())
        except LookupError as error:
            print("raised:", error)

    done, pending = await asyncio.wait([lasting], timeout=0.1)
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
