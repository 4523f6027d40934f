"""A module to import from."""
from compiler.prelude import const, u64

_SECRET = const(1)
PUBLIC = const(2)
count: u64 = 0


def increment() -> None:
    global count
    count += 1
