"""A program that stays in user mode on every CPU, while somebody outside looks at the machine
(tests/guest/test_isolation.py)."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import const, export, spin_hint, u64
from userspace.guest_tests.report import plan
from userspace.guest_tests.threads import STACKS, spawn

_CASES = const(0)


@export("main")
def main(ring: u64) -> u64:
    for index in range(u64(STACKS)):
        _ = spawn(index, _spin)
    plan(_CASES)
    _spin(STACKS)
    return 0


def _spin(index: u64) -> None:
    while True:
        spin_hint()
