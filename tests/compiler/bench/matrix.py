"""Product of two integer matrices."""

from compiler.prelude import array, const, u32, u64, zeroed

SIZE = const(96)
left: array[array[u32, SIZE], SIZE] = zeroed()
right: array[array[u32, SIZE], SIZE] = zeroed()
product: array[array[u32, SIZE], SIZE] = zeroed()


def run(count: u64) -> u64:
    for i in range(u64(SIZE)):
        for j in range(u64(SIZE)):
            left[i][j] = u32(i * 3 + j)
            right[i][j] = u32(i ^ j)
    for _ in range(count):
        _multiply()
    total: u64 = 0
    for i in range(u64(SIZE)):
        for j in range(u64(SIZE)):
            total = total * 31 + u64(product[i][j])
    return total


def _multiply() -> None:
    for i in range(u64(SIZE)):
        for j in range(u64(SIZE)):
            total: u32 = 0
            for k in range(u64(SIZE)):
                total += left[i][k] * right[k][j]
            product[i][j] = total
            left[i][j] += 1
