"""The test hook that makes the n-th allocation from now on fail, once. Only in builds with -D FAIL_ALLOCATIONS=1.

Frames and slabs ask it for each allocation, whoever wants it, so a test that counts n up from 1 sees every allocation
of an operation fail.
"""
from compiler.prelude import atomic, const, option, u64

CAN_FAIL = const(option("FAIL_ALLOCATIONS", False))

countdown: atomic[u64] = 0              # 1: the next allocation fails; 0: none does


def must_fail() -> bool:
    if not CAN_FAIL:
        return False
    left = countdown.load("relaxed")
    while left != 0:
        found, is_done = countdown.compare_exchange(left, left - 1, "relaxed")
        if is_done:
            return left == 1
        left = found
    return False
