"""Random numbers by shifts (Marsaglia), summed."""

from compiler.prelude import u64


def run(count: u64) -> u64:
    x: u64 = 88172645463325252
    total: u64 = 0
    for _ in range(count):
        x ^= x << 13
        x ^= x >> 7
        x ^= x << 17
        total += x
    return total
