"""A crawler over a made-up site: workers take pages from a queue, a semaphore limits how many load at once."""

import asyncio
from typing import Final

PAGES: Final = 12
loading: int = 0
most_loading: int = 0


class NotFound(Exception):
    pass


async def load(page: int, limit: asyncio.Semaphore) -> int:
    global loading, most_loading
    async with limit:
        loading += 1
        most_loading = max(most_loading, loading)
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if page % 5 == 4:
                raise NotFound("no such page")
            return page * 100
        finally:
            loading -= 1


async def worker(number: int, limit: asyncio.Semaphore, pages: asyncio.Queue[int], sizes: asyncio.Queue[int]) -> None:
    found = 0
    try:
        while True:
            page = await pages.get()
            try:
                size = await load(page, limit)
                print(f"worker {number}: page {page} has {size}")
                sizes.put_nowait(size)
                found += 1
            except NotFound as error:
                print(f"worker {number}: page {page}: {error}")
            finally:
                pages.task_done()
    except asyncio.CancelledError:
        print(f"worker {number} found {found}")
        raise


async def main() -> None:
    limit = asyncio.Semaphore(3)
    pages: asyncio.Queue[int] = asyncio.Queue()
    sizes: asyncio.Queue[int] = asyncio.Queue()
    for page in range(PAGES):
        pages.put_nowait(page)
    workers = [asyncio.create_task(worker(n, limit, pages, sizes)) for n in range(4)]
    await pages.join()
    print("all pages are done")
    for task in workers:
        _ = task.cancel()
    outcomes = await asyncio.gather(*workers, return_exceptions=True)
    for outcome in outcomes:
        print("cancelled" if outcome is not None else "ended")
    total = 0
    while not sizes.empty():
        total += sizes.get_nowait()
    print(total, most_loading, loading)


if __name__ == "__main__":
    asyncio.run(main())
