"""What a release build does where a debug build traps: overflow wraps. Bounds, division and assertions still trap."""
# profile: release
from compiler.prelude import array, i8, u8, u64, zeroed

table: array[u8, 4] = zeroed()


def add(a: u8, b: u8) -> u8:
    return a + b


def negate(a: i8) -> i8:
    return -a


def quotient(a: i8, b: i8) -> i8:
    return a // b


def element(i: u64) -> u8:
    return table[i]


def asserts(a: u8) -> u8:
    assert a < 5, "too large"
    return a


#: add(200, 100) == 44
#: negate(-128) == -128
#: quotient(-128, -1) == -128
#: quotient(1, 0) traps division
#: element(3) == 0
#: element(4) traps bounds
#: asserts(4) == 4
#: asserts(5) traps assertion
