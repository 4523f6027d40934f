"""SHA-256 of a message (FIPS 180-4)."""

from compiler.prelude import array, const, rotate_right, span, u8, u32, u64, zeroed

BLOCK = const(64)
BLOCKS = const(64)
ROUNDS: array[u32, 64] = array(
    (
        0x428A2F98,
        0x71374491,
        0xB5C0FBCF,
        0xE9B5DBA5,
        0x3956C25B,
        0x59F111F1,
        0x923F82A4,
        0xAB1C5ED5,
        0xD807AA98,
        0x12835B01,
        0x243185BE,
        0x550C7DC3,
        0x72BE5D74,
        0x80DEB1FE,
        0x9BDC06A7,
        0xC19BF174,
        0xE49B69C1,
        0xEFBE4786,
        0x0FC19DC6,
        0x240CA1CC,
        0x2DE92C6F,
        0x4A7484AA,
        0x5CB0A9DC,
        0x76F988DA,
        0x983E5152,
        0xA831C66D,
        0xB00327C8,
        0xBF597FC7,
        0xC6E00BF3,
        0xD5A79147,
        0x06CA6351,
        0x14292967,
        0x27B70A85,
        0x2E1B2138,
        0x4D2C6DFC,
        0x53380D13,
        0x650A7354,
        0x766A0ABB,
        0x81C2C92E,
        0x92722C85,
        0xA2BFE8A1,
        0xA81A664B,
        0xC24B8B70,
        0xC76C51A3,
        0xD192E819,
        0xD6990624,
        0xF40E3585,
        0x106AA070,
        0x19A4C116,
        0x1E376C08,
        0x2748774C,
        0x34B0BCB5,
        0x391C0CB3,
        0x4ED8AA4A,
        0x5B9CCA4F,
        0x682E6FF3,
        0x748F82EE,
        0x78A5636F,
        0x84C87814,
        0x8CC70208,
        0x90BEFFFA,
        0xA4506CEB,
        0xBEF9A3F7,
        0xC67178F2,
    )
)
message: array[u8, BLOCK * BLOCKS] = zeroed()
state: array[u32, 8] = zeroed()


def run(count: u64) -> u64:
    for i in range(u64(BLOCK * BLOCKS)):
        message[i] = u8(i * 7)
    _start()
    for _ in range(count):
        for block in range(u64(BLOCKS)):
            _compress(message[block * BLOCK : block * BLOCK + BLOCK])
    return u64(state[0]) << 32 | u64(state[7])


def _start() -> None:
    state[0] = 0x6A09E667
    state[1] = 0xBB67AE85
    state[2] = 0x3C6EF372
    state[3] = 0xA54FF53A
    state[4] = 0x510E527F
    state[5] = 0x9B05688C
    state[6] = 0x1F83D9AB
    state[7] = 0x5BE0CD19


def _compress(block: span[u8]) -> None:
    words: array[u32, 64] = zeroed()
    for i in range(u64(16)):
        at = i * 4
        words[i] = u32(block[at]) << 24 | u32(block[at + 1]) << 16 | u32(block[at + 2]) << 8 | u32(block[at + 3])
    for i in range(u64(16), u64(64)):
        early, late = words[i - 15], words[i - 2]
        low = rotate_right(early, 7) ^ rotate_right(early, 18) ^ (early >> 3)
        high = rotate_right(late, 17) ^ rotate_right(late, 19) ^ (late >> 10)
        words[i] = words[i - 16] + low + words[i - 7] + high
    a, b, c, d = state[0], state[1], state[2], state[3]
    e, f, g, h = state[4], state[5], state[6], state[7]
    for i in range(u64(64)):
        high = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)
        first = h + high + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]
        low = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)
        second = low + ((a & b) ^ (a & c) ^ (b & c))
        h = g
        g = f
        f = e
        e = d + first
        d = c
        c = b
        b = a
        a = first + second
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h
