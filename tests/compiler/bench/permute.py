"""All permutations of a few numbers by recursive swaps."""

from compiler.prelude import array, u32, u64, zeroed

numbers: array[u32, 16] = zeroed()
calls: u64 = 0


def run(size: u64) -> u64:
    global calls
    calls = 0
    for i in range(u64(16)):
        numbers[i] = u32(i)
    _permute(size)
    return calls * 31 + u64(numbers[1])


def _swap(a: u64, b: u64) -> None:
    kept = numbers[a]
    numbers[a] = numbers[b]
    numbers[b] = kept


def _permute(size: u64) -> None:
    global calls
    calls += 1
    if size == 0:
        return
    last = size - 1
    _permute(last)
    k = last
    while k > 0:
        k -= 1
        _swap(last, k)
        _permute(last)
        _swap(last, k)
