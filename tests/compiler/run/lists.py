"""Displays are arrays of as many elements as they name; a starred parameter is a span of what the caller gives."""
from compiler.prelude import i32, u8, u32, u64


def of_three(a: u32, b: u32, c: u32) -> u64:
    values = [a, b, c]
    digits: u64 = 0
    for value in values:
        digits = digits * 10 + u64(value)
    return digits * 10 + u64(len(values))


def literals(index: u64) -> u8:
    small: u8 = 7
    values = [1, small, 3]
    return values[index]


def comprehension(factor: u32) -> u32:
    values = [factor * n for n in range(4) if n != 2]
    return values[0] + values[1] * 10 + values[2] * 100


def unpacked(a: i32, b: i32) -> i32:
    first, second = [b, a]
    return first * 100 + second


def total(*values: u32) -> u32:
    result: u32 = 0
    for value in values:
        result += value
    return result


def scaled(by: u32, *values: u32) -> u32:
    return by * total(*[value_of(n) for n in range(2)]) + u32(len(values))


def scaled_once(by: u32) -> u32:
    return scaled(by, 1)


def value_of(n: u32) -> u32:
    return n + 1


def starred(a: u32) -> u32:
    several = [a, a, a]
    return total() + total(a) * 10 + total(*several) * 100


#: of_three(1, 2, 3) == 1233
#: literals(1) == 7
#: literals(2) == 3
#: comprehension(2) == 620
#: unpacked(3, 4) == 403
#: scaled_once(5) == 16
#: starred(2) == 620
