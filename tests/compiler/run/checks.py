"""Every check of compiled code, each seen to let a good value pass and to fire (test_checks.py knows the messages)."""
from enum import IntEnum

from compiler.prelude import array, bits, i16, panic, ptr, span, struct, u8, u32, u64, unreachable


class Kind(IntEnum):
    EMPTY = 0
    FILE = 5


@struct
class Entry:
    low: bits[u32, 0, 4]


def add(a: u8, b: u8) -> u8:
    return a + b


def subtract(a: u8, b: u8) -> u8:
    return a - b


def multiply(a: i16, b: i16) -> i16:
    return a * b


def negate(a: i16) -> i16:
    return -a


def floor(a: i16, b: i16) -> i16:
    return a // b


def modulo(a: i16, b: i16) -> i16:
    return a % b


def element(i: u64) -> u32:
    values: array[u32, 3] = array(1, 2, 3)
    return values[i]


def item(data: span[u8], i: u64) -> u8:
    return data[i]


def part(data: span[u8], low: u64, high: u64) -> u64:
    return len(data[low:high])


def bit_field(value: u32) -> u32:
    entry = Entry()
    entry.low = value
    return entry.low


def pointer(address: u64) -> u64:
    return u64(ptr[u8](address))


def member(n: u32) -> u8:
    return u8(Kind(n))


def asserted(a: u32) -> u32:
    assert a < 3, "too many"
    return a


def gives_up(a: u32) -> u32:
    if a == 0:
        panic("nothing left")
    return a


def never(a: u32) -> u32:
    if a == 0:
        unreachable()
    return a


#: add(200, 55) == 255
#: add(200, 56) traps overflow
#: subtract(5, 5) == 0
#: subtract(5, 6) traps overflow
#: multiply(-128, 256) == -32768
#: multiply(128, 256) traps overflow
#: negate(32767) == -32767
#: negate(-32768) traps overflow
#: floor(-32768, 1) == -32768
#: floor(-32768, -1) traps overflow
#: floor(1, 0) traps division
#: modulo(-7, 3) == 2
#: modulo(1, 0) traps division
#: element(2) == 3
#: element(3) traps bounds
#: item(b"ab", 1) == 98
#: item(b"ab", 2) traps bounds
#: item(b"ab", 18446744073709551615) traps bounds
#: part(b"abc", 1, 3) == 2
#: part(b"abc", 1, 4) traps bounds
#: part(b"abc", 2, 1) traps bounds
#: bit_field(15) == 15
#: bit_field(16) traps overflow
#: pointer(0) traps null
#: member(5) == 5
#: member(1) traps member
#: asserted(2) == 2
#: asserted(3) traps assertion
#: gives_up(1) == 1
#: gives_up(0) traps panic
#: never(1) == 1
#: never(0) traps unreachable
