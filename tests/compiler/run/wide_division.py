"""Division of 128-bit integers, which calls a function of the compiler's run-time library."""

from compiler.prelude import i128, u64, u128


def joined(high: u64, low: u64) -> u128:
    return u128(high) << 64 | u128(low)


def quotient(high: u64, low: u64, by_high: u64, by_low: u64) -> tuple[u64, u64]:
    result = joined(high, low) // joined(by_high, by_low)
    return u64(result >> 64), u64(result)


def remainder(high: u64, low: u64, by_high: u64, by_low: u64) -> tuple[u64, u64]:
    result = joined(high, low) % joined(by_high, by_low)
    return u64(result >> 64), u64(result)


def by_constants(high: u64, low: u64) -> tuple[u64, u64]:
    value = joined(high, low)
    return u64(value // 1000000007), u64(value // 16 + value % 16)


def floored(high: u64, low: u64, by_high: u64, by_low: u64) -> tuple[u64, u64]:
    left, right = i128(joined(high, low)), i128(joined(by_high, by_low))
    return u64(left // right), u64(left % right)


def least(by: u64) -> u64:
    return u64(i128(joined(1 << 63, 0)) // i128(by) >> 64)


def least_by_minus_one() -> u64:
    return u64(i128(joined(1 << 63, 0)) // -1)


#: quotient(0, 7, 0, 2) == (0, 3)
#: quotient(5, 0, 0, 7) == (0, 13176245766935394011)
#: quotient(18446744073709551615, 18446744073709551615, 0, 1) == (18446744073709551615, 18446744073709551615)
#: quotient(18446744073709551615, 18446744073709551615, 1, 0) == (0, 18446744073709551615)
#: quotient(18446744073709551615, 18446744073709551615, 9223372036854775808, 0) == (0, 1)
#: quotient(3, 5, 3, 6) == (0, 0)
#: quotient(3, 6, 3, 6) == (0, 1)
#: quotient(1, 1, 0, 0) traps division
#: remainder(1, 1, 0, 0) traps division
#: remainder(5, 1, 0, 7) == (0, 4)
#: remainder(18446744073709551615, 12345, 1, 99) == (0, 22245)
#: by_constants(12, 34) == (221360927334, 13835058055282163716)
#: floored(18446744073709551615, 18446744073709551609, 0, 2) == (18446744073709551612, 1)
#: floored(0, 7, 18446744073709551615, 18446744073709551614) == (18446744073709551612, 18446744073709551615)
#: floored(18446744073709551615, 18446744073709551609, 18446744073709551615, 18446744073709551614) == (3, 18446744073709551615)
#: least(2) == 13835058055282163712
#: least(18446744073709551615) == 18446744073709551615
#: least_by_minus_one() traps overflow
