"""Retries, with a time limit for each attempt and one for all of them."""

import asyncio

calls: int = 0


class Temporary(Exception):
    pass


class GaveUp(Exception):
    pass


async def request(bad: int, slow: int) -> str:
    """The first calls fail, the next ones hang."""
    global calls
    calls += 1
    if calls <= bad:
        raise Temporary("busy")
    if calls <= bad + slow:
        try:
            await asyncio.sleep(3600)
        finally:
            print("call", calls, "ends early")
    return "answer"


async def ask(bad: int, slow: int, attempts: int, limit: float) -> str:
    global calls
    calls = 0
    for attempt in range(attempts):
        try:
            return await asyncio.wait_for(request(bad, slow), timeout=limit)
        except Temporary as error:
            print("attempt", attempt, "failed:", error)
        except asyncio.TimeoutError:  # noqa: UP041 - the name that programs written for Python 3.10 use
            print("attempt", attempt, "took too long")
        await asyncio.sleep(0.001)
    raise GaveUp("no answer")


async def main() -> None:
    print(await ask(0, 0, 3, 0.02))
    print(await ask(2, 0, 3, 0.02))
    print(await ask(1, 2, 4, 0.02))
    try:
        print(await ask(5, 0, 3, 0.02))
    except GaveUp as error:
        print("gave up:", error, calls)
    whole = asyncio.timeout(0.02)
    print(whole.expired())
    try:
        async with whole:
            print(await ask(0, 9, 9, 3600))
    except TimeoutError:
        print("all of it took too long", calls, whole.expired())
    enough = asyncio.timeout(3600)
    async with enough:
        print(await ask(1, 0, 2, 3600), enough.expired())
    print(enough.expired())


if __name__ == "__main__":
    asyncio.run(main())
