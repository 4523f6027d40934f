"""raise alone passes an exception on, after what the handler did."""

import asyncio


async def inner() -> None:
    raise RuntimeError("from inside")


async def middle() -> None:
    try:
        await inner()
    except RuntimeError:
        print("seen in the middle")
        await asyncio.sleep(0)
        raise


async def replaced() -> None:
    try:
        await inner()
    except RuntimeError:
        raise ValueError("instead") from None


async def main() -> None:
    try:
        await middle()
    except RuntimeError as error:
        print("outside:", error)
    try:
        await replaced()
    except ValueError as error:
        print("outside:", error)


if __name__ == "__main__":
    asyncio.run(main())
