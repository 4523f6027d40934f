"""How many rounds a test runs: a part of what is promised, or all of it when the command line says test.rounds=full."""
from compiler.prelude import u64
from userspace.lib.start_info import has_argument


def rounds(some: u64, full: u64) -> u64:
    return full if has_argument("test.rounds=full") else some
