"""Adler-32 over a span: loops, widths, bounds, shifts."""

from compiler.prelude import const, span, u8, u32

BASE = const(65521)


def adler32(data: span[u8]) -> u32:
    low: u32 = 1
    high: u32 = 0
    for byte in data:
        low = (low + u32(byte)) % BASE
        high = (high + low) % BASE
    return high << 16 | low


#: adler32(b"") == 1
#: adler32(b"abc") == 38600999
