"""AES-128 in bytes, with an S-box made at the start (FIPS 197)."""

from compiler.prelude import array, const, span, u8, u64, zeroed

ROUNDS = const(10)
box: array[u8, 256] = zeroed()
keys: array[u8, 16 * (ROUNDS + 1)] = zeroed()
block: array[u8, 16] = zeroed()


def run(count: u64) -> u64:
    _make_box()
    _make_keys()
    for i in range(u64(16)):
        block[i] = u8(i * 17)
    for _ in range(count):
        _encrypt(block[0:16])
    total: u64 = 0
    for i in range(u64(16)):
        total = total * 257 + u64(block[i])
    return total


def _double(x: u8) -> u8:
    return (x << 1) ^ (0x1B if x & 0x80 != 0 else 0)


def _rotate(x: u8, count: u8) -> u8:
    return x << count | x >> (8 - count)


def _make_box() -> None:
    """Walks the field by its generator 3 and the inverse of it."""
    p: u8 = 1
    q: u8 = 1
    while True:
        p = p ^ _double(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        if q & 0x80 != 0:
            q ^= 0x09
        box[p] = q ^ _rotate(q, 1) ^ _rotate(q, 2) ^ _rotate(q, 3) ^ _rotate(q, 4) ^ 0x63
        if p == 1:
            break
    box[0] = 0x63


def _make_keys() -> None:
    for i in range(u64(16)):
        keys[i] = u8(i)
    constant: u8 = 1
    for i in range(u64(16), u64(16 * (ROUNDS + 1)), 4):
        a, b, c, d = keys[i - 4], keys[i - 3], keys[i - 2], keys[i - 1]
        if i % 16 == 0:
            first = a
            a = box[b] ^ constant
            b = box[c]
            c = box[d]
            d = box[first]
            constant = _double(constant)
        keys[i] = keys[i - 16] ^ a
        keys[i + 1] = keys[i - 15] ^ b
        keys[i + 2] = keys[i - 14] ^ c
        keys[i + 3] = keys[i - 13] ^ d


def _encrypt(data: span[u8]) -> None:
    work: array[u8, 16] = zeroed()
    for i in range(u64(16)):
        data[i] ^= keys[i]
    for turn in range(u64(1), u64(ROUNDS + 1)):
        for i in range(u64(16)):
            work[i] = box[data[(i * 5) & 15]]
        if turn != ROUNDS:
            for column in range(u64(0), u64(16), 4):
                a, b, c, d = work[column], work[column + 1], work[column + 2], work[column + 3]
                all_four = a ^ b ^ c ^ d
                work[column] = a ^ all_four ^ _double(a ^ b)
                work[column + 1] = b ^ all_four ^ _double(b ^ c)
                work[column + 2] = c ^ all_four ^ _double(c ^ d)
                work[column + 3] = d ^ all_four ^ _double(d ^ a)
        for i in range(u64(16)):
            data[i] = work[i] ^ keys[turn * 16 + i]
