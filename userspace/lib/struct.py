"""Python's struct for slices: numbers in bytes, by formats that the compiler reads (compiler/struct_formats.py).

What does not fit the slice ends the program, as an index does.
"""
from compiler.prelude import by_format, i64, span, u8, u64


@by_format
def calcsize(form: str) -> u64:
    """How many bytes a format stands for."""
    return 0


@by_format
def unpack(form: str, data: span[u8]) -> u64:
    """The numbers at the beginning of a slice, as a tuple."""
    return 0


@by_format
def unpack_from(form: str, data: span[u8], offset: u64 = 0) -> u64:
    """The numbers from an offset on."""
    return 0


@by_format
def pack_into(form: str, data: span[u8], offset: u64 = 0) -> None:
    """Writes the numbers behind `offset`; bits that a number has no room for are lost."""


def read_word(data: span[u8], offset: u64, size: u64, is_big: bool) -> u64:
    value: u64 = 0
    for index in range(size):
        place = index if is_big else size - 1 - index
        value = value << 8 | u64(data[offset + place])
    return value


def read_signed(data: span[u8], offset: u64, size: u64, is_big: bool) -> i64:
    unused = 64 - size * 8
    return i64(read_word(data, offset, size, is_big) << unused) >> i64(unused)


def write_word(data: span[u8], offset: u64, at: u64, size: u64, is_big: bool, value: u64) -> u64:
    """Gives the offset back."""
    for index in range(size):
        place = size - 1 - index if is_big else index
        data[offset + at + place] = u8(value >> index * 8)
    return offset


def end_of_writes(offset: u64) -> None:
    pass
