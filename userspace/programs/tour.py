"""A tour of asyncio: what it prints is the same under CPython and on Ringneck."""
import asyncio


class Refused(Exception):
    pass


async def worker(name: str, delay: float) -> int:
    await asyncio.sleep(delay)
    print(f"{name} done")
    return int(len(name))


async def show_tasks() -> None:
    print("tasks")
    slow = asyncio.create_task(worker("slow", 0.02))
    quick = asyncio.create_task(worker("quick", 0.0))
    print("lengths", await slow, await quick)


async def refuse(value: int) -> int:
    if value > 2:
        raise Refused("too large")
    return value


async def show_exceptions() -> None:
    print("exceptions")
    for value in range(2, 4):
        try:
            print("accepted", await refuse(value))
        except Refused as error:
            print(f"refused: {error}")
        else:
            print("no exception")
        finally:
            print("finally")
    task = asyncio.create_task(refuse(9))
    try:
        print(await task)
    except Exception as error:
        print(f"the task raised: {error}")


async def sleeper() -> None:
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        print("cancelled in its sleep")
        raise


async def show_cancellation() -> None:
    print("cancellation")
    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    print("cancel", task.cancel())
    try:
        await task
    except asyncio.CancelledError:
        print("the task was cancelled")


async def show_timeouts() -> None:
    print("timeouts")
    try:
        await asyncio.wait_for(sleeper(), 0.01)
    except TimeoutError:
        print("wait_for: too late")
    print("in time", await asyncio.wait_for(worker("swift", 0.0), 100))
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(100)
    except TimeoutError:
        print("timeout: too late")
    async with asyncio.timeout(100):
        print("in time again")


async def waiter(event: asyncio.Event, name: str) -> None:
    _ = await event.wait()
    print(f"{name} saw the event")


async def show_events() -> None:
    print("events")
    event = asyncio.Event()
    first = asyncio.create_task(waiter(event, "first"))
    second = asyncio.create_task(waiter(event, "second"))
    await asyncio.sleep(0)
    print("set?", event.is_set())
    event.set()
    await first
    await second


async def careful(lock: asyncio.Lock, name: str) -> None:
    async with lock:
        print(f"{name} has the lock")
        await asyncio.sleep(0)
        print(f"{name} gives it back")


async def show_locks() -> None:
    print("locks")
    lock = asyncio.Lock()
    one = asyncio.create_task(careful(lock, "one"))
    two = asyncio.create_task(careful(lock, "two"))
    await one
    await two
    print("locked?", lock.locked())


async def show_groups() -> None:
    print("groups")
    async with asyncio.TaskGroup() as group:
        for name in range(3):
            _ = group.create_task(worker("member", 0.01 if name == 1 else 0.0))
    print("all members have ended")


async def main() -> None:
    await show_tasks()
    await show_exceptions()
    await show_cancellation()
    await show_timeouts()
    await show_events()
    await show_locks()
    await show_groups()
    print("the end")


if __name__ == "__main__":
    asyncio.run(main())
