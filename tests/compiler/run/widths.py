"""Every width: overflow traps in debug builds, conversions keep the low bits, shifts past the width are defined."""
from compiler.prelude import i8, i16, i32, i64, u8, u16, u32, u64, u128, wrap_add, wrap_mul, wrap_neg, wrap_sub


def add8(a: u8, b: u8) -> u8:
    return a + b


def subtract8(a: u8, b: u8) -> u8:
    return a - b


def multiply16(a: i16, b: i16) -> i16:
    return a * b


def negate(a: i8) -> i8:
    return -a


def wraps(a: u8, b: u8) -> tuple[u8, u8]:
    return wrap_add(a, b), wrap_sub(a, b)


def wraps_product(a: i32, b: i32) -> i32:
    return wrap_mul(a, b)


def wraps_negation(a: u32) -> u32:
    return wrap_neg(a)


def left(a: u32, n: u32) -> u32:
    return a << n


def right(a: u32, n: u32) -> u32:
    return a >> n


def right_signed(a: i32, n: i32) -> i32:
    return a >> n


def left_signed(a: i8, n: i8) -> i8:
    return a << n


def narrows(a: u64) -> tuple[u8, i8]:
    return u8(a), i8(a)


def extends(a: i8) -> tuple[u64, i64]:
    return u64(a), i64(a)


def wide(a: u64, b: u64) -> u64:
    return u64(u128(a) * u128(b) >> 64)


def complements(a: u8, b: i8) -> tuple[u8, i8]:
    return ~a, ~b


def compares(a: i8, b: i8) -> tuple[bool, bool]:
    return a < b, u8(a) < u8(b)


#: add8(200, 55) == 255
#: add8(200, 56) traps overflow
#: subtract8(0, 1) traps overflow
#: multiply16(-200, 163) == -32600
#: multiply16(256, 128) traps overflow
#: negate(127) == -127
#: negate(-128) traps overflow
#: wraps(200, 100) == (44, 100)
#: wraps(0, 1) == (1, 255)
#: wraps_product(2147483647, 2) == -2
#: wraps_negation(1) == 4294967295
#: left(1, 31) == 2147483648
#: left(3, 31) == 2147483648
#: left(1, 32) == 0
#: left(1, 4000000000) == 0
#: right(2147483648, 31) == 1
#: right(2147483648, 32) == 0
#: right_signed(-8, 1) == -4
#: right_signed(-8, 40) == -1
#: right_signed(8, 40) == 0
#: left_signed(1, 7) == -128
#: left_signed(-1, 8) == 0
#: narrows(511) == (255, -1)
#: narrows(128) == (128, -128)
#: extends(-1) == (18446744073709551615, -1)
#: wide(18446744073709551615, 18446744073709551615) == 18446744073709551614
#: complements(5, 5) == (250, -6)
#: compares(-1, 1) == (True, False)
