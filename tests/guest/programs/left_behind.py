"""What still runs when main() returns is cancelled, and run() waits for its clean-up."""

import asyncio


async def wait_for_ever(name: str) -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        print(name, "cleans up")
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        print(name, "has cleaned up")


async def wait_quietly() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        print("a member ends")


async def own_group() -> None:
    try:
        async with asyncio.TaskGroup() as group:
            _ = group.create_task(wait_quietly())
            await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("the group has ended")
        raise


async def leave_one() -> None:
    task = asyncio.create_task(wait_for_ever("the one"))
    await asyncio.sleep(0)
    print("the first main ends", task.done())


async def leave_group() -> int:
    task = asyncio.create_task(own_group())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("the second main ends", task.done())
    return 5


async def leave_unstarted() -> None:
    """The task gets one turn."""
    task = asyncio.create_task(wait_for_ever("the unstarted one"))
    print("the third main ends", task.done())


if __name__ == "__main__":
    asyncio.run(leave_one())
    print("result", asyncio.run(leave_group()))
    asyncio.run(leave_unstarted())
