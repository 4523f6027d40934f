"""Function tables, tuples, generics, atomics, constants."""
from compiler.prelude import addr, array, atomic, byte_swap, const, count_ones, count_zeros_left, count_zeros_right, overflow_add, overflow_mul, overflow_sub, ptr, rotate_left, rotate_right, span, struct, u8, u16, u32, u64, zeroed
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
POWERS = const([2**n for n in range(8)])
TOTAL = const(sum(POWERS))
NAME = const("kernel")


def double(x: u32) -> u32:
    return x * 2


def square(x: u32) -> u32:
    return x * x


OPERATIONS: array[Callable[[u32], u32], 2] = array(double, square)


@struct
class Pair(Generic[T]):
    first: T
    second: T

    def larger(self) -> T:
        return self.first if self.first > self.second else self.second


@struct
class Counter:
    value: atomic[u32]


counter: Counter = zeroed()


def dispatch(i: u64, x: u32) -> u32:
    return OPERATIONS[i](x)


def apply(f: Callable[[u32], u32], x: u32) -> u32:
    return f(f(x))


def applies(x: u32) -> u32:
    return apply(square, x) + apply(double, x)


def divide(a: u32, b: u32) -> tuple[u32, bool]:
    if b == 0:
        return 0, False
    return a // b, True


def unpacks(a: u32, b: u32) -> u32:
    value, fine = divide(a, b)
    return value if fine else 999


def swap(a: u32, b: u32) -> u32:
    a, b = b, a
    return a * 10 + b


def largest(a: T, b: T) -> T:
    return a if a > b else b


def generic(a: u8, b: u64) -> u64:
    return u64(largest(a, 9)) * 100 + largest(b, 9)


def generic_struct(a: u16) -> u64:
    p = Pair[u16](a, 5)
    q = Pair[u64](first=1, second=2)
    return u64(p.larger()) + q.larger()


def fill(count: const[int], value: u32) -> u32:
    values: array[u32, 8] = zeroed()
    for i in range(count):
        values[i] = value
    return values[0] + values[count - 1]


def const_parameter(value: u32) -> u32:
    return fill(3, value)


def atomics(n: u32) -> u32:
    counter.value.store(n, "release")
    before = counter.value.fetch_add(5, "acq_rel")
    swapped = counter.value.cas(n + 5, 100, "seq_cst")
    old, again = counter.value.compare_exchange(1, 2)
    assert swapped and not again and old == 100
    return before + counter.value.exchange(0, "relaxed")


def bit_operations(n: u32) -> u32:
    return count_ones(n) + count_zeros_left(n) * 100 + count_zeros_right(n) * 10000


def rotations(n: u8) -> tuple[u8, u8]:
    return rotate_left(n, 3), rotate_right(n, 1)


def swaps(n: u16) -> u16:
    return byte_swap(n)


def overflows(a: u8, b: u8) -> u32:
    total, carried = overflow_add(a, b)
    difference, borrowed = overflow_sub(a, b)
    product, large = overflow_mul(a, b)
    return u32(total) + u32(carried) * 1000 + u32(difference) + u32(borrowed) * 2000 + u32(product) + u32(large) * 4000


def constants() -> u64:
    return TOTAL * 10 + len(NAME)


def smallest(a: u32, b: u32) -> tuple[u32, u32]:
    return min(a, b), max(a, b)


#: dispatch(0, 7) == 14
#: dispatch(1, 7) == 49
#: dispatch(2, 7) traps bounds
#: applies(3) == 93
#: unpacks(7, 2) == 3
#: unpacks(7, 0) == 999
#: swap(1, 2) == 21
#: generic(200, 3) == 20009
#: generic_struct(4) == 7
#: const_parameter(4) == 8
#: atomics(7) == 107
#: bit_operations(40) == 32602
#: bit_operations(0) == 323200
#: rotations(129) == (12, 192)
#: swaps(4660) == 13330
#: overflows(200, 100) == 5176
#: overflows(1, 2) == 2260
#: constants() == 2556
#: smallest(3, 2) == (2, 3)
