"""CRC-32 of a buffer by a table of 256 words."""

from compiler.prelude import array, const, span, u8, u32, u64, zeroed

SIZE = const(1 << 14)
POLYNOMIAL = const(0xEDB88320)
table: array[u32, 256] = zeroed()
data: array[u8, SIZE] = zeroed()


def run(count: u64) -> u64:
    for i in range(u64(256)):
        value = u32(i)
        for _ in range(u64(8)):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 != 0 else 0)
        table[i] = value
    for i in range(u64(SIZE)):
        data[i] = u8(i * 3)
    crc: u32 = 0
    for _ in range(count):
        crc = _update(crc, data[0:SIZE])
    return u64(crc)


def _update(start: u32, items: span[u8]) -> u32:
    crc = ~start
    for item in items:
        crc = table[(crc ^ u32(item)) & 0xFF] ^ (crc >> 8)
    return ~crc
