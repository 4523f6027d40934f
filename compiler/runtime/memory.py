"""memcpy, memmove, memset, memcmp for freestanding programs (C's contracts, ISO C 7.24).

Eight bytes at a time: under emulation and on older processors that beats `rep movsb`, and no vector register is
touched.
"""

from compiler.prelude import export, i32, ptr, u8, u64, wrap_mul, wrap_sub


@export
def memcpy(to: ptr[u8], source: ptr[u8], count: u64) -> ptr[u8]:
    words = count >> 3
    wide_to, wide_source = ptr[u64](to), ptr[u64](source)
    for i in range(words):
        wide_to[i] = wide_source[i]
    for i in range(words << 3, count):
        to[i] = source[i]
    return to


@export
def memmove(to: ptr[u8], source: ptr[u8], count: u64) -> ptr[u8]:
    if wrap_sub(u64(to), u64(source)) >= count:
        return memcpy(to, source, count)
    left = count
    while left & 7 != 0:
        left -= 1
        to[left] = source[left]
    left >>= 3
    wide_to, wide_source = ptr[u64](to), ptr[u64](source)
    while left != 0:
        left -= 1
        wide_to[left] = wide_source[left]
    return to


@export
def memset(to: ptr[u8], value: i32, count: u64) -> ptr[u8]:
    byte = u8(value)
    pattern = wrap_mul(u64(byte), 0x0101010101010101)
    words = count >> 3
    wide = ptr[u64](to)
    for i in range(words):
        wide[i] = pattern
    for i in range(words << 3, count):
        to[i] = byte
    return to


@export
def memcmp(left: ptr[u8], right: ptr[u8], count: u64) -> i32:
    for i in range(count):
        if left[i] != right[i]:
            return i32(left[i]) - i32(right[i])
    return 0
