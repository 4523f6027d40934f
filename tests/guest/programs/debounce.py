"""A delayed save that each key starts anew: what is cancelled tells so, what goes on is awaited."""

import asyncio

text: int = 0
saves: int = 0


async def save_later(quiet: asyncio.Event) -> int:
    global saves
    try:
        _ = await quiet.wait()
    except asyncio.CancelledError:
        print("not yet", text)
        raise
    saves += 1
    print("saved", text)
    return text


async def main() -> None:
    global text
    quiet = asyncio.Event()
    timer = asyncio.create_task(save_later(quiet))
    for burst in range(3):
        for key in range(4):
            text += 1
            print(timer.cancel(), timer.done())
            timer = asyncio.create_task(save_later(quiet))
            if key != 2:
                await asyncio.sleep(0)
        quiet.set()
        saved = await asyncio.wait_for(timer, timeout=60)
        print("after burst", burst, saves, saved, timer.done(), timer.cancelled())
        quiet.clear()


if __name__ == "__main__":
    asyncio.run(main())
