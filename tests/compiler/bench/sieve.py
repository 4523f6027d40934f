"""Primes below a bound by Eratosthenes, again and again."""

from compiler.prelude import array, const, u8, u64, zeroed

SIZE = const(1 << 16)
composite: array[u8, SIZE] = zeroed()


def run(count: u64) -> u64:
    found: u64 = 0
    for _ in range(count):
        for i in range(u64(SIZE)):
            composite[i] = 0
        found = 0
        for i in range(u64(2), u64(SIZE)):
            if composite[i] == 0:
                found += 1
                j = i + i
                while j < SIZE:
                    composite[j] = 1
                    j += i
    return found
