"""Division and remainder round as Python's do; division by zero traps."""
from compiler.prelude import i8, i32, i64, u8, u64


def quotient(a: i64, b: i64) -> i64:
    return a // b


def remainder(a: i64, b: i64) -> i64:
    return a % b


def small_quotient(a: i8, b: i8) -> i8:
    return a // b


def small_remainder(a: i8, b: i8) -> i8:
    return a % b


def unsigned(a: u64, b: u64) -> tuple[u64, u64]:
    return a // b, a % b


def by_constant(a: i32) -> tuple[i32, i32]:
    return a // 8, a % 8


def by_negative(a: i32) -> tuple[i32, i32]:
    return a // -8, a % -8


#: quotient(7, 2) == 3
#: quotient(-7, 2) == -4
#: quotient(7, -2) == -4
#: quotient(-7, -2) == 3
#: quotient(0, -5) == 0
#: quotient(1, 0) traps division
#: remainder(7, 2) == 1
#: remainder(-7, 2) == 1
#: remainder(7, -2) == -1
#: remainder(-7, -2) == -1
#: remainder(-6, 3) == 0
#: remainder(1, 0) traps division
#: small_quotient(-128, -1) traps overflow
#: small_quotient(-128, 1) == -128
#: small_remainder(-128, -1) == 0
#: small_remainder(-128, 3) == 1
#: unsigned(18446744073709551615, 10) == (1844674407370955161, 5)
#: unsigned(1, 0) traps division
#: by_constant(-1) == (-1, 7)
#: by_constant(-2147483648) == (-268435456, 0)
#: by_negative(-9) == (1, -1)
#: by_negative(9) == (-2, -7)
