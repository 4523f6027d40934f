"""Dining philosophers: locks taken in order, an event that starts all of them, and a look at who has ended."""

import asyncio
from typing import Final

SEATS: Final = 5
MEALS: Final = 3
eaten: int = 0


async def philosopher(seat: int, opened: asyncio.Event, first: asyncio.Lock, second: asyncio.Lock) -> int:
    global eaten
    _ = await opened.wait()
    for meal in range(MEALS):
        async with first, second:
            print("philosopher", seat, "eats meal", meal)
            await asyncio.sleep(0)
            eaten += 1
    return seat


async def main() -> None:
    opened = asyncio.Event()
    forks = [asyncio.Lock() for _ in range(SEATS)]
    tasks = [
        asyncio.create_task(
            philosopher(seat, opened, forks[min(seat, (seat + 1) % SEATS)], forks[max(seat, (seat + 1) % SEATS)])
        )
        for seat in range(SEATS)
    ]
    await asyncio.sleep(0)
    print(eaten, opened.is_set())
    opened.set()
    done, pending = await asyncio.wait(tasks[:], return_when=asyncio.FIRST_COMPLETED)
    print(len(done), len(pending))
    while len(pending) != 0:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        print(len(done), "more,", len(pending), "left")
    for task in tasks:
        print(await task, end=" ")
    print(eaten, forks[0].locked())


if __name__ == "__main__":
    asyncio.run(main())
