"""Mistakes in functions, their decorators and their calls."""
from compiler.prelude import array, bounded_recursion, cold, const, export, inline, interrupt, naked, noinline, option, panic_handler, ptr, requires, section, span, struct, u8, u16, u32, u64, zeroed
from typing import Generic, NoReturn, Protocol, TypeVar
from collections.abc import Callable
import functools
#! unknown-module: functools => there is no module functools
#: Python's libraries cannot be compiled; write what you need as a module

T = TypeVar("T")
N = TypeVar("N")


@struct
class Point:
    x: u32
    y: u32


@struct
class Pair(Generic[T]):
    first: T
    second: T


class Measured(Protocol):
    def size(self) -> u64: ...


@struct
class Box:
    wide: u64

    def size(self) -> u64:
        return self.wide


@functools.cache
#! decorator: functools.cache => @functools.cache is not a decorator of the language
def cached(a: u32) -> u32:
    return a


@staticmethod
#! decorator: staticmethod => @staticmethod is not a decorator of the language
#: write a function at module level
def static(a: u32) -> u32:
    return a


@struct
#! decorator: struct => @struct does not apply to a function
def decorated(a: u32) -> u32:
    return a


@unknown
#! decorator: unknown => @unknown is not a decorator of the language
def unknown_decorator(a: u32) -> u32:
    return a


def default_call(a: u32 = option("A", 1), b: u32 = functions()) -> u32:
#! unknown-name: functions => functions is not defined
#: did you mean returns_function?
    return a


def none_parameter(a: None) -> u32:
#! type: a: None => a parameter cannot be None
    return 0


def keyword_only(*, a: u32) -> u32:
#! unsupported: a: u32 => a keyword-only or positional-only parameter is not part of the language
#: leave out the * or / before it
    return a


def positional_only(a: u32, /) -> u32:
#! unsupported: a: u32 => a keyword-only or positional-only parameter is not part of the language
#: leave out the * or / before it
    return a


def many(**options: u32) -> u32:
#! unsupported: options: u32 => **options is not part of the language
#: list each parameter
    return 0


def two_defaults(a: u32, b: u32 = 3) -> u32:
    return a + b


def calls_too_few() -> u32:
    return two_defaults()
    #! arguments: two_defaults() => two_defaults takes (a: u32, b: u32), 0 given


def calls_twice() -> u32:
    return two_defaults(1, a=2)
    #! arguments: a=2 => a is given twice


def spreads(a: u32) -> u32:
    return two_defaults(*a)
    #! unsupported: *a => * is not part of the language
    #: write each element


def spreads_keywords(a: u32) -> u32:
    return two_defaults(**a)
    #! unsupported: two_defaults(**a) => ** in a call is not part of the language


def literal_for_pointer() -> u64:
    return measure(3)
    #! type-mismatch: 3 => this is an integer literal, but a ptr[Box] is needed


def measure(p: ptr[Box]) -> u64:
    return p.wide


def same(a: T, b: T) -> T:
    return a


def only_result(a: u32) -> T:
#! generic: T => no parameter of only_result tells what T is
    return a


def two_kinds(a: u32, b: u64) -> u64:
    return same(a, b)
    #! type-mismatch: b => this is a u64, but a u32 is needed for b of same
    #: write u32(b)


def generic_as_value() -> u64:
    f = same
    #! type: same => same is generic: call it, or name an instance by calling it in a function
    return 0


def repeat(count: const[int], a: u32) -> u32:
    return a * count


def not_constant(n: u32) -> u32:
    return repeat(n, 3)
    #! constant: n => n is a variable, but this must be known when compiling


def pair_without_type(a: u32) -> u32:
    p = Pair(a, a)
    #! type: Pair(a, a) => Pair needs its parameters here
    #: Pair[u64](...)
    return p.first


def pair_of_two(a: u32) -> u32:
    p = Pair[u32, u64](a, a)
    #! type: Pair[u32, u64] => Pair takes [T], not 2 parameters
    return p.first


def pair_parameter(p: ptr[Pair]) -> u32:
#! type: Pair => Pair needs its parameters: Pair[T]
    return 0


def protocol_parameter(p: Measured) -> u64:
#! type: Measured => Measured is a Protocol
#: use it as the bound of a TypeVar
    return 0


def add_all(a: T, b: T) -> T:
    return a + b
    #! operator: a + b => ptr[Point] has no +
    #: index the pointer, addr(p[i]), or compute with u64(p)


def adds_points(p: ptr[Point], q: ptr[Point]) -> None:
    _ = add_all(p, q)


def inner_function_value(a: u32) -> u32:
    f = cached_value
    #! unknown-name: cached_value => cached_value is not defined
    #: did you mean cached?
    return f(a)


def calls_type_with_keyword() -> u64:
    return u64(x=3)
    #! arguments: u64(x=3) => u64(x) converts one value


def recursion_is_fine_here(n: u32) -> u32:
    return recursion_is_fine_here(n - 1) if n > 0 else 0


def forgotten_parentheses() -> u64:
    return measure
    #! type-mismatch: measure => this is a Callable[[ptr[Box]], u64], but a u64 is needed
    #: call it: measure(...)


def ignores_pair() -> None:
    pair()
    #! unused: pair() => the result of pair is not used
    #: _ = pair() throws it away visibly


def pair() -> tuple[u32, u32]:
    return 1, 2


def named_return() -> u32 | u64:
#! type: u32 | u64 => u32 | u64 is not a type
#: a value has one type; @union holds one of several
    return 1


def returns_list() -> list[u32]:
#! type: list[u32] => list[u32] is not a type
#: write array[T, N]
    return 1


def text_type() -> "u33":
#! unknown-name: "u33" => u33 is not defined
#: did you mean u32?
    return 1


def expression_type(a: 3) -> u32:
#! type: 3 => 3 is not a type
    return 1


def call_type(a: u32()) -> u32:
#! type: u32() => u32() is not a type
    return 1


@export
def returns_function() -> Callable[[u32]]:
#! type: Callable[[u32]] => Callable[[u32]] is not a type
#: write Callable[[A, B], R]
    return 1
