"""Little-endian fields inside byte spans: any alignment, every access checked against the span.

Pure: used by the parsers of files and firmware tables, and by their tests on the host.
"""
from compiler.prelude import span, u8, u16, u32, u64


def u16_at(data: span[u8], offset: u64) -> u16:
    return u16(data[offset]) | (u16(data[offset + 1]) << 8)


def u32_at(data: span[u8], offset: u64) -> u32:
    return u32(u16_at(data, offset)) | (u32(u16_at(data, offset + 2)) << 16)


def u64_at(data: span[u8], offset: u64) -> u64:
    return u64(u32_at(data, offset)) | (u64(u32_at(data, offset + 4)) << 32)


def starts_with(data: span[u8], text: span[u8]) -> bool:
    if u64(len(data)) < u64(len(text)):
        return False
    for index in range(u64(len(text))):
        if data[index] != text[index]:
            return False
    return True


def byte_sum(data: span[u8]) -> u8:
    total: u32 = 0
    for value in data:
        total = (total + u32(value)) & 0xFF
    return u8(total)
