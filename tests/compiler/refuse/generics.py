"""Mistakes with type parameters and their bounds, and with structs that are looped over."""
from compiler.prelude import addr, ptr, span, struct, u8, u16, u32, u64
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    def size(self) -> u64: ...


T = TypeVar("T")
S = TypeVar("S", bound=Sized)
W = TypeVar("W", u8, u16)
B = TypeVar("B", bound=u64)
#! generic: u64 => the bound of a TypeVar is a Protocol


@struct
class Square:
    side: u64

    def size(self) -> u64:
        return self.side


@struct
class Narrow:
    side: u32

    def size(self) -> u32:
        return self.side


@struct
class Plain:
    side: u32


@struct
class Holder(Generic[S]):
    value: ptr[S]


@struct
class Endless:
    at: u32

    def next(self) -> u32:
        return self.at


@struct
class Growing(Generic[T]):
    value: T
    child: ptr[Growing[ptr[T]]] | None
    #! generic: Growing[ptr[T]] => Growing asks for instances without end


def size_of(value: ptr[S]) -> u64:
    return value.size()


def wide(value: W) -> u64:
    return u64(value)


def bounded(value: B) -> B:
    return value


def calls_unbounded(value: ptr[T]) -> u64:
    return value.size()
    #! method: value.size => Plain has no method size


def fine(p: ptr[Square]) -> u64:
    return size_of(p)


def no_method(p: ptr[Plain]) -> u64:
    return size_of(p)
    #! generic: size_of(p) => S is Plain here, which has no method size
    #: Sized asks for: def size(self) -> u64


def integer(p: ptr[u32]) -> u64:
    return size_of(p)
    #! generic: size_of(p) => S is u32 here, which has no method size
    #: Sized asks for: def size(self) -> u64


def other_type(p: ptr[Narrow]) -> u64:
    return size_of(p)
    #! generic: size_of(p) => S is Narrow here, whose size is not as Sized asks for
    #: write def size(self) -> u64


def not_listed(n: u32) -> u64:
    return wide(n)
    #! generic: wide(n) => W may be u8 or u16, not u32


def bound_is_no_protocol(n: u64) -> u64:
    return bounded(n)


def no_bound(p: ptr[Plain]) -> u64:
    return calls_unbounded(p)


def generic_struct(p: ptr[Plain]) -> None:
    h = Holder[Plain](p)
    #! generic: Holder[Plain] => S is Plain here, which has no method size
    #: Sized asks for: def size(self) -> u64


def loops_over_plain(p: ptr[Plain]) -> None:
    for x in p:
    #! method: p => Plain has no method next
    #: a struct that is looped over has next()
        pass


def loops_without_end() -> None:
    for x in Endless(at=1):
    #! type: Endless(at=1) => next() of Endless gives u32
    #: it gives ptr[T] | None, or tuple[T, bool] with whether there is a value
        pass


def grows(value: ptr[T]) -> u64:
    q = value
    return grows(addr(q))
    #! generic: grows(addr(q)) => grows asks for instances without end


def starts_growing(value: ptr[u64]) -> u64:
    return grows(value)


def uses_growing(value: ptr[Growing[u64]]) -> u64:
    return value.value


def nobody_calls_it(value: T, count: u32) -> T:
    total = count + missing
    #! unknown-name: missing => missing is not defined
    return other(value, total)
    #! unknown-name: other => other is not defined
    #: did you mean other_type?


def nobody_calls_it_either(value: W) -> u64:
    return value
    #! type-mismatch: value => this is a u8, but a u64 is needed
    #: write u64(value)


@struct
class Unused(Generic[T]):
    value: T

    def get(self) -> T:
        return absent(self.value)
        #! unknown-name: absent => absent is not defined


@struct
class Repeated(Generic[T]):
    value: T
    value: u32
#! redefined: value: u32 => field value is defined twice


def by_pointers_only(first: ptr[Repeated[u8]], second: ptr[Repeated[u16]]) -> bool:
    return u64(first) == u64(second)


def first_of(values: span[T]) -> T:
    return values[0]


def of_an_unknown_name() -> None:
    values = nowhere[:]
    #! unknown-name: nowhere => nowhere is not defined
    _ = first_of(values)
