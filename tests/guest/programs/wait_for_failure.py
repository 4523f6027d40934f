"""wait_for raises what the awaited raised."""

import asyncio


class Broken(Exception):
    pass


async def fail() -> int:
    await asyncio.sleep(0)
    raise Broken("at once")


async def give(value: int) -> int:
    await asyncio.sleep(0.005)
    return value


async def main() -> None:
    try:
        print(await asyncio.wait_for(fail(), 3600))
    except Broken as error:
        print("broken:", error)
    print("value", await asyncio.wait_for(give(9), 3600))


if __name__ == "__main__":
    asyncio.run(main())
