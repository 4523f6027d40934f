"""gather with return_exceptions of coroutines that return nothing: None stands for each that ended well."""

import asyncio


class Refused(Exception):
    pass


async def work(number: int) -> None:
    await asyncio.sleep(0)
    if number == 2:
        raise Refused("two is refused")
    if number == 5:
        raise LookupError("five")
    print("done", number)


async def show_each() -> None:
    for result in await asyncio.gather(*[work(n) for n in range(7)], return_exceptions=True):
        if isinstance(result, Refused):
            print("refused:", result)
        elif result is None:
            print("fine")
        else:
            print("something else:", result)


async def failures() -> int:
    count = 0
    for result in await asyncio.gather(work(1), work(2), work(5), work(6), return_exceptions=True):
        if result is not None:
            print("failed:", result)
            count += 1
    return count


async def cancelled() -> None:
    member = asyncio.create_task(work(8))
    other = asyncio.create_task(work(9))
    _ = member.cancel()
    for result in await asyncio.gather(member, other, return_exceptions=True):
        print(isinstance(result, asyncio.CancelledError), isinstance(result, Exception), result is None)


async def main() -> None:
    await show_each()
    print(await failures())
    await cancelled()


if __name__ == "__main__":
    asyncio.run(main())
