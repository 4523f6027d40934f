"""Mistakes in structs, unions and enums."""
from compiler.prelude import array, atomic, bits, const, copy, offsetof, ptr, sizeof, span, struct, u8, u16, u32, u64, union, zeroed, addr, i32, inline
from enum import IntEnum


class Plain:
#! class: class Plain: => class Plain is neither a struct nor an enum
#: put @struct above it
    x: u32


@struct
class Point:
    x: u32
    y: u32 = 7

    def sum(self) -> u32:
        return self.x + self.y

    def no_self() -> u32:
    #! method: def no_self() -> u32: => the first parameter of a method is self: def no_self(self, ...)
        return 0

    def misses_type(self, n) -> u32:
    #! annotation: n => parameter n of misses_type needs a type
    #: n: u64
        return 0


@struct
class Twice:
    a: u32
    a: u64
    #! redefined: a: u64 => field a is defined twice


@struct
class Recursive:
    value: u32
    next: Recursive
    #! struct: next: Recursive => Recursive contains itself
    #: use ptr[Recursive]


@struct
class WithoutType:
    a = 3
    #! struct: a = 3 => a struct holds fields (name: type) and methods


@struct(size=4)
class TooLarge:
#! struct: class TooLarge: => TooLarge has 8 bytes, more than size=4
    a: u64


@struct(pack=True)
#! decorator: pack=True => @struct takes packed, align and size, not pack
class WrongOption:
    a: u64


@struct
class Child(Point):
#! unsupported: Point => inheritance is not part of the language
#: hold the other struct in a field
    z: u32


@inline
#! decorator: inline => @inline does not apply to a class
#: use @struct
class Decorated:
    a: u32


@struct
class BitFields:
    too_wide: bits[u8, 4, 8]
    #! type: bits[u8, 4, 8] => bits 4..11 do not fit u8
    signed: bits[i32, 0, 4]
    #! type: i32 => a bit-field is stored in u8, u16, u32 or u64, not i32
    empty: bits[u32, 0, 0]
    #! type: 0 => a bit-field has at least one bit, not 0
    fine: bits[u32, 0, 4]


@struct
class VoidField:
    nothing: None
    #! struct: nothing: None => a field cannot be None


class Color(IntEnum):
    RED = 0
    GREEN = "green"
    #! constant: "green" => an enum's member must be an integer constant, not str


class Metal(IntEnum):
    IRON = 0
    GOLD = 1


class Shape(IntEnum):
    ROUND = 0
    SQUARE: int = 1
    #! enum: SQUARE: int = 1 => an enum holds NAME = value lines only

    def area(self) -> u32:
        return 0


@struct
class Locked:
    count: atomic[u32]
    flags: bits[u32, 0, 4]


locked: Locked = zeroed()


def unknown_field() -> None:
    p = Point(x=1, z=2)
    #! unknown-field: z=2 => Point has no field z
    #: its fields: x, y


def field_twice() -> None:
    p = Point(1, x=2)
    #! arguments: x=2 => x is given twice


def too_many_values() -> None:
    p = Point(1, 2, 3)
    #! arguments: Point(1, 2, 3) => Point has 2 fields, 3 values given


def wrong_type_of_field(n: u64) -> None:
    p = Point(x=n)
    #! type-mismatch: n => this is a u64, but a u32 is needed
    #: write u32(n)


def too_large_for_field() -> None:
    p = Point(x=-1)
    #! literal-range: -1 => -1 does not fit u32
    #: u32 has no negative values; use i32 where they can occur


def method_without_call(p: ptr[Point]) -> u32:
    return p.sum
    #! method: p.sum => sum is a method of Point
    #: call it: p.sum()


def unknown_method(p: ptr[Point]) -> u32:
    return p.total()
    #! method: p.total => Point has no method total
    #: its methods: sum


def wrong_arguments_of_method(p: ptr[Point]) -> u32:
    return p.sum(1)
    #! arguments: p.sum(1) => sum takes no arguments, 1 given


def field_of_integer(n: u32) -> u32:
    return n.x
    #! unknown-field: n.x => u32 has no attribute x


def method_of_integer(n: u32) -> u32:
    return n.bit_length()
    #! method: n.bit_length => u32 has no method bit_length


def reads_atomic() -> u32:
    return locked.count
    #! atomic: locked.count => an atomic is read with its order in sight
    #: write locked.count.load("acquire")


def writes_atomic() -> None:
    locked.count = 3
    #! atomic: locked.count => an atomic is written with its order in sight
    #: locked.count.store(v, "release")


def adds_atomic() -> None:
    locked.count += 3
    #! atomic: locked.count => an atomic is written with its order in sight
    #: locked.count.store(v, "release")


def address_of_bits() -> ptr[u32]:
    return addr(locked.flags)
    #! address: addr(locked.flags) => a bit-field has no address


def unknown_order() -> u32:
    return locked.count.load("loose")
    #! atomic: locked.count.load("loose") => load has no order 'loose'
    #: one of relaxed, acquire, seq_cst


def wrong_order() -> u32:
    return locked.count.load("release")
    #! atomic: locked.count.load("release") => load has no order 'release'
    #: one of relaxed, acquire, seq_cst


def unknown_atomic() -> u32:
    return locked.count.increment()
    #! atomic: locked.count.increment => an atomic has no increment
    #: it has load, store, exchange, cas, compare_exchange, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor


def few_values() -> bool:
    return locked.count.cas(1)
    #! arguments: locked.count.cas(1) => cas takes 2 values and an order


def copies_integer(n: u32) -> u32:
    return copy(n)
    #! type: copy(n) => copy is for structs and arrays; a u32 is copied by assignment


def returns_struct(p: ptr[Point]) -> Point:
    return p
    #! type-mismatch: p => this is ptr[Point], but Point is needed


def array_parameter(a: array[u8, 4]) -> u8:
#! type: a: array[u8, 4] => array[u8, 4] is passed by address
#: a: ptr[array[u8, 4]], called with addr(...)
    return a[0]


def field_offset() -> u64:
    return offsetof(Point, "z")
    #! unknown-field: "z" => Point has no field z


def compares_structs(p: ptr[Point], q: ptr[Point]) -> bool:
    return copy(p[0]) == copy(q[0])
    #! operator: copy(p[0]) == copy(q[0]) => Point has no ==


def member_missing() -> u32:
    return Metal.TIN
    #! unknown-name: Metal.TIN => Metal has no member TIN
    #: its members: IRON, GOLD


def enum_as_value() -> u32:
    return Metal
    #! type: Metal => Metal is a type, not a value
    #: its members: IRON, GOLD


def enum_arithmetic(s: Metal) -> Metal:
    return s + 1
    #! operator: s + 1 => Metal has no +
    #: compute with u8(...) and convert back with Metal(...)


def enum_from_wrong(p: ptr[Point]) -> Metal:
    return Metal(p)
    #! conversion: Metal(p) => ptr[Point] does not convert to Metal


def with_without_enter(p: ptr[Point]) -> None:
    with p:
    #! method: p => Point has no method __enter__
    #: a struct used by with has __enter__ and __exit__
        pass


def type_as_value() -> u32:
    return Point
    #! type: Point => Point is a type, not a value


def unknown_in_zeroed() -> None:
    p = zeroed()
    #! type: zeroed() => zeroed() needs to know the type
    #: annotate the variable: x: array[u8, 64] = zeroed()


def structs_in_tuple() -> None:
    a, b = Point(1, 2), Point(3, 4)
    #! type: Point(1, 2) => Point cannot be part of a tuple
    #: assign one by one, or pass its address


def returns_structs() -> tuple[Point, u32]:
#! type: Point => Point cannot be part of a tuple
#: use ptr[Point]
    return Point(1, 2), 3


class Negative(IntEnum):
#! enum: class Negative(IntEnum): => LOSS is -1: members are from 0 to 18446744073709551615
    LOSS = -1


class Large(IntEnum):
#! enum: class Large(IntEnum): => HUGE is 18446744073709551616: members are from 0 to 18446744073709551615
    HUGE = 1 << 64
