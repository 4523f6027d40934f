"""Flips of pancakes over all permutations."""

from compiler.prelude import array, const, u32, u64, zeroed

LARGEST = const(16)


def run(size: u64) -> u64:
    permutation: array[u32, LARGEST] = zeroed()
    work: array[u32, LARGEST] = zeroed()
    counts: array[u32, LARGEST] = zeroed()
    flips_most: u64 = 0
    checksum: u64 = 0
    for i in range(size):
        permutation[i] = u32(i)
    odd = False
    left = size
    while True:
        while left != 1:
            counts[left - 1] = u32(left)
            left -= 1
        for i in range(size):
            work[i] = permutation[i]
        flips: u64 = 0
        first = work[0]
        while first != 0:
            low: u32 = 0
            high = first
            while low < high:
                kept = work[low]
                work[low] = work[high]
                work[high] = kept
                low += 1
                high -= 1
            flips += 1
            first = work[0]
        flips_most = max(flips_most, flips)
        if odd:
            checksum -= flips
        else:
            checksum += flips
        while True:
            if left == size:
                return checksum * 1000 + flips_most
            front = permutation[0]
            for i in range(left):
                permutation[i] = permutation[i + 1]
            permutation[left] = front
            counts[left] -= 1
            if counts[left] > 0:
                break
            left += 1
        odd = not odd
