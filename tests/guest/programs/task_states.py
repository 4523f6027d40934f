"""What a task tells before it has ended, and after each way of ending."""

import asyncio


class Refused(Exception):
    pass


async def work(number: int) -> int:
    await asyncio.sleep(0)
    if number == 3:
        raise Refused("three is refused")
    return number


async def show(name: str, task: asyncio.Task[int]) -> None:
    print(name, task.done(), task.cancelled())
    try:
        print("result", task.result())
    except asyncio.InvalidStateError as error:
        print("no result:", error)
    except Refused as error:
        print("raises:", error)
    except asyncio.CancelledError:
        print("was cancelled")
    try:
        print("has failed:", task.exception() is not None)
    except asyncio.InvalidStateError as error:
        print("no exception:", error)
    except asyncio.CancelledError:
        print("no exception: was cancelled")


async def main() -> None:
    good = asyncio.create_task(work(1))
    bad = asyncio.create_task(work(3))
    gone = asyncio.create_task(work(5))
    await show("good", good)
    _ = gone.cancel()
    await show("gone", gone)
    _ = await asyncio.wait([good, bad, gone])
    await show("good", good)
    await show("bad", bad)
    await show("gone", gone)
    print(gone.cancel(), await good)


if __name__ == "__main__":
    asyncio.run(main())
