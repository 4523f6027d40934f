"""break and continue leave a try in a loop by way of its finally."""

import asyncio


async def main() -> None:
    total = 0
    for number in range(6):
        try:
            if number == 1:
                continue
            if number == 4:
                break
            total += number
            await asyncio.sleep(0)
        finally:
            print("done with", number)
    print("total", total)
    count = 0
    while True:
        try:
            count += 1
            await asyncio.sleep(0)
            if count == 3:
                break
        finally:
            print("count", count)


if __name__ == "__main__":
    asyncio.run(main())
