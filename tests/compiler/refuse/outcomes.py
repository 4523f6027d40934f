"""Results or exceptions, and what may be done with them."""
from collections.abc import Awaitable
from typing import Generic, TypeVar

from compiler.prelude import frame_allocator, frame_release, ptr, struct, u8, u64, zeroed

T = TypeVar("T")


@struct
class Outcome:
    value: u64
    exception: u64
    message: str

    def __exception__(self) -> u64:
        return self.exception

    def __message__(self) -> str:
        return self.message

    def __value__(self) -> u64:
        return self.value


@frame_allocator
def allocate(size: u64) -> ptr[u8]:
    return ptr[u8](size)


@frame_release
def release(frame: ptr[u8], size: u64) -> None:
    pass


async def before_a_test(outcome: ptr[Outcome]) -> u64:
    return outcome
    #! exception: outcome => outcome may be a result or an exception here
    #: test it first: if isinstance(outcome, BaseException)


async def behind_a_test(outcome: ptr[Outcome]) -> u64:
    if isinstance(outcome, ValueError):
        return outcome
        #! type-mismatch: outcome => this is a str, but a u64 is needed
    if not isinstance(outcome, (ValueError, LookupError)):
        return outcome
        #! exception: outcome => outcome may be a result or an exception here
        #: test it first: if isinstance(outcome, BaseException)
    return len(outcome)


async def assigned_again(outcome: ptr[Outcome], other: ptr[Outcome]) -> u64:
    copied = Outcome(value=1)
    if isinstance(copied, BaseException):
        return 0
    total = copied
    while total < 10:
        total += copied
        #! exception: copied => copied may be a result or an exception here
        #: test it first: if isinstance(copied, BaseException)
        copied = Outcome(value=2)
    return total


async def of_what(number: u64, outcome: ptr[Outcome]) -> bool:
    if isinstance(outcome, u64):
    #! exception: u64 => u64 is not an exception
    #: class Mine(Exception): pass declares one
        return False
    return isinstance(number, ValueError)
    #! unsupported: isinstance => Python's isinstance is not part of the language
    #: every value has one type, known when the program is compiled


def outside(outcome: ptr[Outcome]) -> bool:
    return isinstance(outcome, ValueError)
    #! exception: isinstance(outcome, ValueError) => exceptions are told apart in async functions only
    #: write async def


@struct
class Kept(Generic[T]):
    value: T
    never: None
    #! struct: never: None => a field cannot be None


def keep(coroutine: Awaitable[T]) -> T:
    kept: Kept[T] = zeroed()
    kept.value = u64(3)
    #! type-mismatch: u64(3) => this is u64, but None is needed
    return kept.value


async def nothing() -> None:
    pass


async def keeps_nothing() -> None:
    keep(nothing())
