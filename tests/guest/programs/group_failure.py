"""When a member fails, the others are cancelled."""

import asyncio


async def wait_long(name: str) -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise


async def guarded() -> None:
    try:
        async with asyncio.timeout(0.02):
            async with asyncio.TaskGroup() as group:
                _ = group.create_task(wait_long("the member"))
    except TimeoutError:
        print("time is over")


async def main() -> None:
    await guarded()
    print("end")


if __name__ == "__main__":
    asyncio.run(main())
