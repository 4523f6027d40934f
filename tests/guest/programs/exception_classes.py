"""except catches a class and those made from it, the first that fits."""

import asyncio


class Trouble(Exception):
    pass


class BigTrouble(Trouble):
    pass


class Other(Exception):
    pass


async def fail(kind: int) -> None:
    if kind == 0:
        raise Trouble("small")
    if kind == 1:
        raise BigTrouble("big")
    if kind == 2:
        raise Other
    if kind == 3:
        raise KeyError("missing")


async def main() -> None:
    for kind in range(5):
        try:
            await fail(kind)
        except BigTrouble as error:
            print(kind, "BigTrouble", error)
        except (Trouble, Other) as error:
            print(kind, f"Trouble or Other [{error}]")
        except LookupError:
            print(kind, "LookupError")
        else:
            print(kind, "nothing")


if __name__ == "__main__":
    asyncio.run(main())
