"""Sorts random numbers in place."""

from compiler.prelude import array, const, span, u32, u64, zeroed

SIZE = const(1 << 14)
numbers: array[u32, SIZE] = zeroed()


def run(count: u64) -> u64:
    total: u64 = 0
    seed: u32 = 12345
    for _ in range(count):
        for i in range(u64(SIZE)):
            seed = seed * 1664525 + 1013904223
            numbers[i] = seed
        _sort(numbers[0:SIZE])
        total = total * 31 + u64(numbers[SIZE // 3])
    return total


def _sort(items: span[u32]) -> None:
    rest = items
    while len(rest) > 1:
        pivot = rest[len(rest) // 2]
        low: u64 = 0
        high = len(rest) - 1
        while True:
            while rest[low] < pivot:
                low += 1
            while rest[high] > pivot:
                high -= 1
            if low >= high:
                break
            kept = rest[low]
            rest[low] = rest[high]
            rest[high] = kept
            low += 1
            high -= 1
        _sort(rest[0:low])
        rest = rest[low:]
