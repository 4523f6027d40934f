"""Mistakes with numbers, operators and conversions."""
from compiler.prelude import byte_swap, count_ones, f64, i8, i16, i32, i64, overflow_add, rotate_left, u8, u16, u32, u64, u128, wrap_add


def signed_and_unsigned(a: i32, b: u32) -> bool:
    return a < b
    #! width-mismatch: a => i32 and u32 do not mix in <
    #: write i32(b)


def widths_in_comparison(a: u8, b: u16) -> bool:
    return a == b
    #! width-mismatch: a => u8 and u16 do not mix in ==
    #: write u16(a)


def widths_in_min(a: u8, b: u16) -> u16:
    return min(a, b)
    #! width-mismatch: a => u8 and u16 do not mix in min
    #: write u16(a)


def widths_in_select(c: bool, a: u8, b: u16) -> u16:
    return a if c else b
    #! type-mismatch: a => this is a u8, but a u16 is needed
    #: write u16(a)


def widths_in_shift(a: u64, b: u8) -> u64:
    return a << b
    #! width-mismatch: a => u64 and u8 do not mix in <<
    #: write u64(b)


def widths_in_wrap(a: u64, b: u8) -> u64:
    return wrap_add(a, b)
    #! width-mismatch: a => u64 and u8 do not mix in wrap_add
    #: write u64(b)


def literal_too_wide(a: u8) -> u8:
    return a + 256
    #! literal-range: 256 => 256 does not fit u8
    #: u16 would hold it


def negative_literal(a: u32) -> bool:
    return a > -1
    #! literal-range: -1 => -1 does not fit u32
    #: u32 has no negative values; use i32 where they can occur


def negates_unsigned(a: u32) -> u32:
    return -a
    #! operator: -a => u32 has no negative values
    #: wrap_neg(a), or i64(a) first


def inverts_float(a: f64) -> f64:
    return ~a
    #! operator: ~a => f64 has no such operator


def not_integer(a: u32) -> bool:
    return not a
    #! condition: a => a condition is a bool, not u32
    #: write a != 0


def and_of_integers(a: u32, b: u32) -> u32:
    return a and b
    #! condition: a => a condition is a bool, not u32
    #: write a != 0


def adds_bools(a: bool, b: bool) -> bool:
    return a + b
    #! operator: a + b => bool has no +


def bool_plus_integer(a: bool, b: u32) -> u32:
    return a + b
    #! width-mismatch: a => bool and u32 do not mix in +
    #: write u32(a)


def divides_by_zero(a: u32) -> u32:
    return a // 0
    #! division: a // 0 => division by zero


def remainder_of_zero(a: u32) -> u32:
    return a % 0
    #! division: a % 0 => division by zero


def folded_division() -> u32:
    return 1 // 0
    #! division: 1 // 0 => division by zero


def negative_shift() -> u32:
    return 1 << -1
    #! constant: 1 << -1 => negative shift count


def large_shift() -> u32:
    return 1 << 5000
    #! constant: 1 << 5000 => a constant may not be shifted that far


def to_bool(a: u32) -> bool:
    return bool(a)
    #! conversion: bool(a) => u32 does not convert to bool
    #: write a != 0


def from_text() -> u32:
    return u32("12")
    #! conversion: u32("12") => str does not convert to u32
    #: read the digits in a loop


def to_text(a: u32) -> str:
    return str(a)
    #! unsupported: str(a) => str() is not a function of the language here


def two_values(a: u32) -> u32:
    return u32(a, 16)
    #! arguments: u32(a, 16) => u32(x) converts one value


def conversion_range() -> u8:
    return u8(256)
    #! literal-range: 256 => 256 does not fit u8
    #: u16 would hold it


def to_int(a: u32) -> u32:
    return int(a)
    #! type-mismatch: int(a) => this is an i64, but a u32 is needed
    #: write u32(int(a))


def absolute(a: u32) -> u32:
    return abs(a)
    #! type: abs(a) => abs needs a signed integer, not u32


def swaps_byte(a: u8) -> u8:
    return byte_swap(a)
    #! type: byte_swap(a) => a single byte cannot be swapped


def counts_bool(a: bool) -> u32:
    return count_ones(a)
    #! type: count_ones(a) => count_ones needs an integer, not bool


def sum_of_array(a: u32) -> u32:
    return sum(a)
    #! unsupported: sum(a) => sum() is not a function of the language here
    #: add in a loop; const(sum(...)) works at compile time


def sorts(a: u32) -> u32:
    return sorted(a)
    #! unsupported: sorted(a) => sorted() is not a function of the language here
    #: sort an array in place with a function of your own


def rounds(a: f64) -> u32:
    return round(a)
    #! unsupported: round => Python's round is not part of the language
    #: integers divide with //, towards minus infinity


def three_in_min(a: u32) -> u32:
    return min(a, a, a)


def uses_overflow(a: u32) -> u32:
    return overflow_add(a, 1)
    #! type-mismatch: overflow_add(a, 1) => this is a tuple[u32, bool], but a u32 is needed
    #: unpack it first: a, b = ...


def matrix(a: u32) -> u32:
    return a @ a
    #! unsupported: a @ a => @ is not part of the language
    #: call a function


def float_is_not_integer() -> u32:
    return 1.5
    #! type-mismatch: 1.5 => this is an f64, but a u32 is needed
    #: write u32(1.5), which cuts it off


def float_to_integer(a: f64) -> u32:
    return a
    #! type-mismatch: a => this is an f64, but a u32 is needed
    #: write u32(a), which cuts it off


def complex_number() -> u32:
    return 3j
    #! unsupported: 3j => a complex number is not part of the language
    #: use two integers


def compares_text_and_integer(a: u32) -> bool:
    return a == "a"
    #! width-mismatch: a => u32 and str do not mix in ==


def augments_width(a: u32, b: u64) -> u32:
    a += b
    #! width-mismatch: a => u32 and u64 do not mix in +
    #: write u64(a)
    return a


def augments_literal(a: u8) -> u8:
    a += 300
    #! literal-range: 300 => 300 does not fit u8
    #: u16 would hold it
    return a


def augments_unknown(a: u8) -> u8:
    b += a
    #! unassigned: b => b has no value yet
    return a


def chained(a: u32) -> bool:
    return 0 < side_effect(a) < 5
    #! unsupported: side_effect(a) => the middle of a chained comparison is evaluated twice
    #: give it a name first


def side_effect(a: u32) -> u32:
    return a


def tuple_plus(a: u32) -> u32:
    return (a, a) + (a, a)
    #! operator: (a, a) + (a, a) => tuple[u32, u32] has no +


def ellipsis() -> u32:
    return ...
    #! unsupported: ... => ... is not a value


def condition_of_assignment(a: u32) -> u32:
    while a - 1:
    #! condition: a - 1 => a condition is a bool, not u32
    #: write a - 1 != 0
        a -= 1
    return a


def compares_bools(a: bool, b: bool) -> bool:
    return a < b
    #! operator: a < b => bool has no <



def half() -> u32:
    return 7 / 2
    #! type-mismatch: 7 / 2 => this is an f64, but a u32 is needed
    #: integers divide with //


def cut_off(x: f64) -> u32:
    return x * 2.5
    #! type-mismatch: x * 2.5 => this is an f64, but a u32 is needed
    #: write u32(x * 2.5), which cuts it off


def floors_float(x: f64) -> f64:
    return x // 2.0
    #! operator: x // 2.0 => f64 has no //
    #: numbers with a point have + - * / alone


def wide_float(x: u128) -> f64:
    return f64(x)
    #! conversion: f64(x) => u128 does not convert to f64
    #: by way of 64 bits


def divides_by_nothing() -> f64:
    return 1 / 0
    #! division: 1 / 0 => division by zero
