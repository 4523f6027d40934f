"""A program that goes on until it is ended."""
import asyncio


async def main() -> None:
    print("endless: going on")
    while True:
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main())
