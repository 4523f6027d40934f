"""What people who know Python write first: each mistake gives one error that says what to write instead."""

from compiler.prelude import array, const, ptr, span, struct, u8, u16, u32, u64, zeroed
from enum import IntEnum

import os
#! unknown-module: os => there is no module os
#: Python's libraries cannot be compiled; write what you need as a module

from typing import List
#! unknown-name: List => the language does not know List of typing
#: use array[T, N]

LIMIT = const(16)
SIZE = 4096
#! constant: SIZE = 4096 => SIZE is neither a constant nor typed data
#: SIZE = const(4096), or SIZE: u64 = 4096 for data
table: array[u32, 8] = zeroed()
counter: u64 = 0


class Color(IntEnum):
    RED = 0
    GREEN = 1


@struct
class Point:
    x: u32
    y: u32


def wrong_width(a: u32, b: u64) -> u64:
    return a + b
    #! width-mismatch: a => u32 and u64 do not mix in +
    #: write u64(a)


def missing_conversion(a: u8) -> u32:
    return a
    #! type-mismatch: a => this is a u8, but a u32 is needed
    #: write u32(a)


def takes_bytes(data: span[u8]) -> u64:
    return len(data)


def string_where_bytes() -> u64:
    return takes_bytes("hello")
    #! type-mismatch: "hello" => this is a str, but a span[u8] is needed for data of takes_bytes
    #: write b'hello'


def list_append() -> None:
    items = []
    #! type: [] => nothing tells the type of an empty list
    #: an array has a fixed length, as in: items: array[u32, 8] = zeroed()
    items.append(1)


def array_append() -> None:
    table.append(1)
    #! method: table.append => array[u32, 8] has no method append
    #: arrays and spans have a fixed length: assign by index


def missing_annotation(x) -> u32:
#! annotation: x => parameter x of missing_annotation needs a type
#: x: u64
    return x


def missing_result(x: u32):
#! annotation: def missing_result(x: u32): => missing_result needs a result type
#: write -> None or the result type before the colon
    return x


def exception(x: u32) -> u32:
    if x > 3:
        raise ValueError("too large")
        #! unsupported: raise ValueError("too large") => raise is not part of the language
        #: errors are values; panic("text") ends the program
    return x


def handler(x: u32) -> u32:
    try:
    #! unsupported: try: => try is not part of the language
    #: errors are values here: return a code and test it
        return x
    except ValueError:
        return 0


def closure(x: u32) -> u32:
    def inner() -> u32:
    #! unsupported: def inner() -> u32: => a function inside a function is not part of the language
    #: move it to module level and pass what it needs
        return x

    return inner()


def anonymous(x: u32) -> u32:
    f = lambda y: y + 1
    #! unsupported: lambda y: y + 1 => lambda is not part of the language
    #: write a function at module level
    return f(x)


def big_literal() -> u32:
    return 0x1_0000_0000
    #! literal-range: 0x1_0000_0000 => 4294967296 does not fit u32
    #: u64 would hold it


def float_number(x: u64) -> u64:
    return x * 1.5
    #! width-mismatch: x => u64 and f64 do not mix in *
    #: integers hold whole numbers: scale them, as in x * 3 // 2


def division(x: u64) -> u64:
    return x / 2
    #! operator: x / 2 => u64 has no /
    #: integers divide with //


def power(x: u64) -> u64:
    return x**2
    #! unsupported: x**2 => ** is not part of the language
    #: multiply, or shift: 1 << n


def writes_constant() -> None:
    LIMIT = 3
    #! constant: LIMIT => LIMIT is a constant
    #: a constant is never assigned again


def adds_to_constant() -> None:
    LIMIT += 3
    #! constant: LIMIT => LIMIT is a constant
    #: a constant is never assigned again


def writes_data() -> None:
    counter = 5
    #! shadowed: counter => counter is module data
    #: say `global counter` to assign it


def adds_to_data() -> None:
    counter += 1
    #! shadowed: counter => counter is module data
    #: say `global counter` to assign it


def truth(x: u64) -> u64:
    if x:
    #! condition: x => a condition is a bool, not u64
    #: write x != 0
        return 1
    return 0


def truth_of_array() -> u64:
    while table:
    #! condition: table => a condition is a bool, not array[u32, 8]
    #: write len(table) != 0
        return 1
    return 0


def shadowed(x: u32) -> u32:
    Point = x
    #! shadowed: Point => Point already names something in this module
    #: choose another name
    return Point


def negative_index() -> u32:
    return table[-1]
    #! bounds: -1 => an index counts from the start
    #: write len(a) - 1


def beyond() -> u32:
    return table[8]
    #! bounds: 8 => index 8 is outside array[u32, 8]
    #: the last index is 7


def member(x: u32) -> bool:
    return x in table
    #! unsupported: x in table => in is not part of the language
    #: write a loop or comparisons


def both_types(x: u32) -> u64:
    n = x
    n = u64(5)
    #! type-mismatch: u64(5) => this is a u64, but a u32 is needed
    #: write u32(u64(5))
    return n


def prints(x: u32) -> None:
    print(x)
    #! format: print(x) => this program has no function marked @printer
    #: import the module that has it, or write it: def show(line: fstring[S], end: str) -> None


def misspelt(point: ptr[Point]) -> u32:
    return point.z
    #! unknown-field: point.z => Point has no field z
    #: its fields: x, y


def misspelt_name(length: u32) -> u32:
    return lenght
    #! unknown-name: lenght => lenght is not defined
    #: did you mean length?


def copies_struct(p: ptr[Point]) -> None:
    q = p[0]
    #! implicit-copy: p[0] => Point is not copied silently
    #: copy(p[0]) copies it, addr(p[0]) points at it


def passes_struct() -> u32:
    p = Point(x=1, y=2)
    return misspelt(p)
    #! implicit-copy: p => Point is not copied silently
    #: copy(p) copies it, addr(p) points at it


def may_be_none(p: ptr[Point] | None) -> u32:
    return p.x
    #! optional: p => p may be None here
    #: test it first: if p is not None (in a local, so that the test counts)


def keyword(p: ptr[Point]) -> u32:
    return misspelt(pt=p)
    #! arguments: pt=p => misspelt has no parameter pt
    #: its parameters: point


def too_many(p: ptr[Point]) -> u32:
    return misspelt(p, p)
    #! arguments: misspelt(p, p) => misspelt takes (point: ptr[Point]), 2 given


def unused_result() -> None:
    missing_conversion(1)
    #! unused: missing_conversion(1) => the result of missing_conversion is not used
    #: _ = missing_conversion(1) throws it away visibly


def no_return(x: u32) -> u32:
#! return: def no_return(x: u32) -> u32: => no_return does not return u32 on every path
    if x > 1:
        return x


def default_list(items: list = []) -> None:
#! type: list => list alone is not a type
#: write array[T, N]
    pass


def string_equal(a: str, b: str) -> bool:
    return a == b
    #! operator: a == b => str has no ==
    #: compare length and bytes in a loop


def concatenates(a: str, b: str) -> str:
    return a + b
    #! operator: a + b => str has no +
    #: copy the parts into an array


def formats(x: u32) -> str:
    return f"{x}"
    #! unsupported: f"{x}" => an f-string needs a function that formats
    #: pass the parts one by one


def dictionary() -> u32:
    d = {1: 2}
    #! unsupported: {1: 2} => dict is not part of the language
    #: use an array, or a match on constants
    return d[1]


def uses_enum(c: Color) -> bool:
    return c == 1


def two_at_once() -> u32:
    a = b = 3
    #! unsupported: b => a = b = c is not part of the language
    #: use one assignment for each
    return 0


def walrus(x: u32) -> u32:
    if (y := x) > 3:
    #! unsupported: y := x => := is not part of the language
    #: assign on a line of its own
        return y
    return 0


def unpacks() -> u32:
    a, b = 1, 2, 3
    #! arguments: a, b = 1, 2, 3 => 3 values for 2 names
    return 0


def star(*values: u32) -> u32:
    return values[0]


def no_such_color() -> Color:
    return Color(7)
    #! literal-range: 7 => 7 is no member of Color
    #: write Color.NAME
