"""finally runs on every way out, innermost first."""

import asyncio


async def work(way: int) -> int:
    try:
        try:
            print("begin", way)
            if way == 0:
                return 1
            if way == 1:
                raise ValueError("inner")
            await asyncio.sleep(0)
        finally:
            print("inner finally", way)
            await asyncio.sleep(0)
            print("after a wait in finally", way)
        print("between", way)
    except ValueError as error:
        print("caught:", error)
        return 2
    finally:
        print("outer finally", way)
    return 3


async def main() -> None:
    for way in range(3):
        print("result", await work(way))


if __name__ == "__main__":
    asyncio.run(main())
