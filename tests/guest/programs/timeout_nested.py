"""The inner of two deadlines is the one that passes."""

import asyncio


async def main() -> None:
    try:
        async with asyncio.timeout(3600):
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(3600)
            except TimeoutError:
                print("the inner one passed")
            await asyncio.sleep(0)
            print("still inside the outer one")
    except TimeoutError:
        print("the outer one passed")
    print("end")


if __name__ == "__main__":
    asyncio.run(main())
