"""gather with return_exceptions: exceptions are results, and isinstance tells them apart."""

import asyncio


class Refused(Exception):
    pass


class RefusedForGood(Refused):
    pass


async def work(number: int, turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    if number == 2:
        raise Refused("two is refused")
    if number == 3:
        raise RefusedForGood("three is refused for good")
    if number == 4:
        raise ValueError("four")
    return number * 10


async def show_each() -> None:
    total = 0
    results = await asyncio.gather(*[work(n, 6 - n) for n in range(5)], return_exceptions=True)
    for result in results:
        if isinstance(result, RefusedForGood):
            print("refused for good:", result)
        elif isinstance(result, (Refused, LookupError)):
            print("refused:", result)
        elif isinstance(result, BaseException):
            print("something else:", result)
        else:
            print("result", result)
            total += result
    print("total", total)


async def show_rest() -> None:
    for result in await asyncio.gather(work(1, 0), work(2, 0), work(5, 1), return_exceptions=True):
        if isinstance(result, BaseException):
            continue
        print("half", result // 2)
    plain = await asyncio.gather(work(1, 0), work(5, 0), return_exceptions=False)
    print(plain[0] + plain[1])


async def cancelled_member() -> None:
    member = asyncio.create_task(work(7, 100))
    other = asyncio.create_task(work(8, 3))
    both = asyncio.create_task(count_cancelled(member, other))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    _ = member.cancel()
    print("cancelled", await both)


async def count_cancelled(first: asyncio.Task[int], second: asyncio.Task[int]) -> int:
    count = 0
    for result in await asyncio.gather(first, second, return_exceptions=True):
        if not isinstance(result, BaseException):
            print("result", result)
        elif isinstance(result, asyncio.CancelledError) and not isinstance(result, Exception):
            count += 1
    return count


async def main() -> None:
    await show_each()
    await show_rest()
    await cancelled_member()


if __name__ == "__main__":
    asyncio.run(main())
