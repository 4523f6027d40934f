"""What a task group raises: one exception that stands for those of its members and of its block."""

import asyncio


async def fail(text: str, turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    raise ValueError(text)


async def last_long(name: str) -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise


async def one_fails() -> None:
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(fail("first", 3))
        _ = group.create_task(last_long("member"))
        await last_long("the block")


async def two_fail() -> None:
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(fail("first", 1))
        _ = group.create_task(fail("second", 1))


async def block_fails() -> None:
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(last_long("member"))
        await asyncio.sleep(0)
        raise LookupError("the block's own")


async def show_groups() -> None:
    try:
        await one_fails()
    except ExceptionGroup as error:
        print("one:", error)
    try:
        await two_fail()
    except ExceptionGroup as error:
        print("two:", error)
    try:
        await block_fails()
    except ExceptionGroup as error:
        print("block:", error)


async def nested() -> None:
    try:
        async with asyncio.TaskGroup() as group:
            result = group.create_task(two_fail())
            print("started", result.done())
    except ExceptionGroup as error:
        print("nested:", error)


async def main() -> None:
    await show_groups()
    await nested()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.01)) for _ in range(3)]
        print("members", len(tasks))
    print("all done", tasks[0].done(), tasks[1].done(), tasks[2].done())


if __name__ == "__main__":
    asyncio.run(main())
