"""Mistakes in what is evaluated at compile time."""
from compiler.prelude import array, const, offsetof, option, sizeof, struct, u8, u32, u64, zeroed

A = const([1, 2, 3])
B = const(A[5])
#! constant: A[5] => cannot evaluate at compile time: list index out of range
C = const({1: 2})
#! unsupported: {1: 2} => dict is not part of the language
#: use an array, or a match on constants
D = const(int("x"))
#! constant: int("x") => cannot evaluate at compile time: invalid literal for int() with base 10: 'x'
E = const(u8(300))
#! literal-range: u8(300) => 300 does not fit u8
F = const(open("file"))
#! constant: open("file") => open() cannot be called at compile time
G = const(A.append(4))
#! constant: A.append(4) => A.append() cannot be called at compile time
H = const(sizeof(Missing))
#! unknown-name: Missing => Missing is not defined
I = const(offsetof(Point, "z"))
#! unknown-field: "z" => Point has no field z
J = const(offsetof(Point))
#! constant: offsetof(Point) => offsetof takes a struct and a field: offsetof(S, "field")
K = const(lambda x: x)
#! unsupported: lambda x: x => lambda is not part of the language
#: write a function at module level
L = const([i for i in range(4) if i > A])
#! constant: [i for i in range(4) if i > A] => cannot evaluate at compile time: '>' not supported between instances of 'int' and 'list'
M = const(undefined[0])
#! unknown-name: undefined => undefined is not defined
N = const(3).bits
#! constant: N = const(3).bits => N is neither a constant nor typed data
#: N = const(const(3).bits), or N: u64 = const(3).bits for data
O = const(f"{A}")
#! constant: f"{A}" => this is not known at compile time
P = const("abc".upper())
#! constant: "abc".upper() => 'abc'.upper() cannot be called at compile time
Q = const(1 if True else 2)
R = const(2**70000)
#! constant: 70000 => a constant may not be that large: 70000 is above 65536
S = const(option("S"))
#! constant: option("S") => option takes a name and a default: option("NAME", 0)
T = const(u8(1) + "x")
#! constant: u8(1) + "x" => cannot evaluate at compile time: unsupported operand type(s) for +: 'int' and 'str'


@struct
class Point:
    x: u32


table: array[u8, 4] = array(i * 100 for i in range(4))
#! literal-range: i * 100 => 300 does not fit u8
#: u16 would hold it
text_table: array[u8, 2] = array("a", "b")
#! type-mismatch: "a" => this is a str, but a u8 is needed
other: array[u64, 3] = A
#! constant: A => a list constant cannot be used as a value
#: index it at compile time


def uses_list() -> u64:
    return A
    #! constant: A => a list constant cannot be used as a value
    #: index it at compile time


def uses_element(i: u64) -> u64:
    return A[i]
    #! constant: i => i is a variable, but this must be known when compiling


def uses_beyond() -> u64:
    return A[7]
    #! constant: A[7] => cannot evaluate at compile time: list index out of range


def const_in_function() -> u64:
    N2 = const(3)
    #! unsupported: const(3) => const stands only in NAME = const(...) at module level
    return N2


def size_of_value(a: u32) -> u64:
    return sizeof(a)
    #! constant: a => a is a variable, but this must be known when compiling


def option_in_function() -> u64:
    return option("NAME")
    #! arguments: option("NAME") => option takes 2 arguments


def sizes() -> u64:
    return U2


U2 = const(sizeof())
#! constant: sizeof() => sizeof takes one type: sizeof(S)


seats: u64 = 5


def one_for_each() -> None:
    places: array[u8, 5] = array(0 for _ in range(seats))
    #! constant: seats => seats is not a constant
    #: declare it so: seats: Final = 5
