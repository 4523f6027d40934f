"""Numbers with a point: arithmetic, comparisons, conversions, and what IEEE 754 says about the ends."""
from compiler.prelude import f32, f64, float_bits, i32, i64, struct, u8, u32, u64


@struct
class Point:
    x: f64
    y: f32 = 0.1


def area(a: f64, b: f64) -> f64:
    return a * b + 0.5


def quotient(a: f64, b: f64) -> f64:
    return a / b


def third() -> f64:
    return 1 / 3


def single(a: f32, b: f32) -> f32:
    return (a - b) / 3.0


def tenth() -> f64:
    p = Point(x=2)
    p.x /= 4
    return f64(p.y) + p.x


def mixed(n: u64, x: f64, flag: bool) -> tuple[f64, u64]:
    return f64(n) * x if flag else -x, n + 1


def both(x: f64, y: f32) -> tuple[f64, f32]:
    return x + f64(y), f32(x)


def to_u8(x: f64) -> u8:
    return u8(x)


def to_i32(x: f64) -> i32:
    return i32(x)


def to_single(n: u64) -> f32:
    return f32(n)


def back(n: i64) -> i64:
    return i64(f64(n))


def ordered(a: f64, b: f64) -> tuple[bool, bool]:
    return a < b, a != b


def smaller(a: f64, b: f64) -> f64:
    return min(a, b, 100.0)


def larger(a: f64, b: f64) -> f64:
    return max(a, b)


def size(a: f64) -> f64:
    return abs(a)


def bits(a: f64) -> u64:
    return float_bits(a)


def mean(count: u32) -> f64:
    total = 0.0
    for i in range(count):
        total += f64(i)
    return total / f64(count)


#: area(2.0, 3.25) == 7.0
#: quotient(1.0, 3.0) == 0.3333333333333333
#: quotient(1.0, 0.0) == 1e999
#: quotient(-1.0, 0.0) == -1e999
#: third() == 0.3333333333333333
#: single(1.0, 0.5) == 0.1666666716337204
#: tenth() == 0.6000000014901161
#: mixed(3, 1.5, True) == (4.5, 4)
#: mixed(3, 1.5, False) == (-1.5, 4)
#: both(0.1, 0.5) == (0.6, 0.10000000149011612)
#: to_u8(255.9) == 255
#: to_u8(300.0) == 255
#: to_u8(-3.0) == 0
#: to_i32(-2.9) == -2
#: to_i32(1e300) == 2147483647
#: to_i32(-1e999) == -2147483648
#: to_single(16777217) == 16777216.0
#: to_single(9007199791611905) == 9007200328482816.0
#: back(-9007199254740993) == -9007199254740992
#: ordered(1.0, 2.0) == (True, True)
#: smaller(2.0, 1.0) == 1.0
#: smaller(200.0, 300.0) == 100.0
#: larger(-0.5, 0.25) == 0.25
#: size(-2.5) == 2.5
#: size(-0.0) == 0.0
#: bits(1.0) == 4607182418800017408
#: mean(4) == 1.5
