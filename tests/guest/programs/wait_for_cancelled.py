"""wait_for that is cancelled itself, and work that does not end as a cancellation asks."""

import asyncio


async def work(name: str, release: asyncio.Event) -> int:
    try:
        _ = await release.wait()
        print(name, "was released")
        return 1
    finally:
        print(name, "ends")


async def stubborn(answer: int) -> int:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("stubborn was asked to end")
        if answer == 0:
            raise ValueError("no answer") from None
    return answer


async def patient(name: str, release: asyncio.Event) -> int:
    try:
        return await asyncio.wait_for(work(name, release), timeout=3600)
    except TimeoutError:
        print(name, "took too long")
        return -1


async def cancelled_from_outside(release: asyncio.Event) -> None:
    task = asyncio.create_task(patient("outside", release))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    _ = task.cancel()
    try:
        print(await task)
    except asyncio.CancelledError:
        print("cancelled", task.cancelled())


async def main() -> None:
    release = asyncio.Event()
    await cancelled_from_outside(release)
    try:
        print(await asyncio.wait_for(patient("the inner one", release), timeout=0.01))
    except TimeoutError:
        print("the outer one took too long")
    try:
        async with asyncio.timeout(0.01):
            print(await patient("inside", release))
    except TimeoutError:
        print("the block took too long")
    print(await asyncio.wait_for(stubborn(5), timeout=0.01))
    try:
        print(await asyncio.wait_for(stubborn(0), timeout=0.01))
    except ValueError as error:
        print("failed:", error)
    release.set()
    print(await patient("the last one", release))


if __name__ == "__main__":
    asyncio.run(main())
