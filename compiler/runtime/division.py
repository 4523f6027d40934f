"""Division of 128-bit integers, which no machine instruction does; the emitter calls these for `//` and `%`.

The divisor is not zero: the check comes before the call, and names the place.
"""

from compiler.prelude import asm_x64, count_zeros_left, i128, u64, u128, wrap_neg
from compiler.prelude.x64 import *


@asm_x64
def _divide_words(high: u64, low: u64, divisor: u64) -> tuple[u64, u64]:
    """Quotient and remainder of a number of two words; high is less than the divisor (SDM vol 2, DIV)."""
    mov(rcx, rdx)
    mov(rdx, rdi)
    mov(rax, rsi)
    div(rcx)


def quotient(dividend: u128, divisor: u128) -> u128:
    if divisor >> 64 == 0:
        by, high = u64(divisor), u64(dividend >> 64)
        low, _ = _divide_words(high % by, u64(dividend), by)
        return u128(high // by) << 64 | u128(low)
    if dividend < divisor:
        return 0
    # The divisor has more than 64 bits, so the quotient has fewer: one step for each.
    bits = count_zeros_left(divisor) - count_zeros_left(dividend) + 1
    shifted = divisor << (bits - 1)
    result: u64 = 0
    for _ in range(bits):
        result <<= 1
        if dividend >= shifted:
            dividend -= shifted
            result |= 1
        shifted >>= 1
    return u128(result)


def floor_quotient(dividend: i128, divisor: i128) -> i128:
    """Rounded towards minus infinity; the least integer divided by -1 wraps."""
    size, by = _magnitude(dividend), _magnitude(divisor)
    whole = quotient(size, by)
    if (dividend < 0) == (divisor < 0):
        return i128(whole)
    if whole * by != size:
        whole += 1
    return wrap_neg(i128(whole))


def _magnitude(value: i128) -> u128:
    return u128(wrap_neg(value)) if value < 0 else u128(value)
