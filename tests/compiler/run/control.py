"""Loops, match, conditional expressions, short circuits, with blocks and early exits."""
from compiler.prelude import array, const, i32, panic, ptr, struct, u8, u32, u64, unreachable, zeroed
from enum import IntEnum

trace: u64 = 0


class Kind(IntEnum):
    EMPTY = 0
    SMALL = 1
    LARGE = 7


def note(digit: u64) -> bool:
    global trace
    trace = trace * 10 + digit
    return True


@struct
class Guard:
    name: u64

    def __enter__(self) -> u64:
        _ = note(self.name)
        return self.name

    def __exit__(self) -> None:
        _ = note(self.name + 1)


def nested_with(leave: u32) -> u64:
    global trace
    trace = 0
    for i in range(2):
        with Guard(name=1) as a, Guard(name=3):
            _ = note(a + 8)
            if leave == 0:
                break
            if leave == 1:
                continue
            if leave == 2:
                return trace
    return trace


def after_return(leave: u32) -> u64:
    _ = nested_with(leave)
    return trace


def classify(n: u32) -> u32:
    match n:
        case 0:
            return 100
        case 1 | 2 | 3:
            return 200
        case 4 if n > 10:
            return 300
        case other:
            return other + 1


def by_kind(n: u8) -> u32:
    match Kind(n):
        case Kind.EMPTY:
            return 1
        case Kind.LARGE:
            return 2
        case _:
            return 3


def by_pair(a: u32, flag: bool) -> u32:
    match (a, flag):
        case (0, True):
            return 1
        case (n, False):
            return n * 10
        case _:
            return 9


def short_circuit(a: bool) -> u64:
    global trace
    trace = 0
    if a and note(1) or note(2):
        _ = note(3)
    return trace


def chooses(a: u32) -> u32:
    return 1 if a == 0 else 2 if a == 1 else 3


def between(a: i32) -> bool:
    return -3 <= a < 4


def steps(low: i32, high: i32) -> i32:
    total: i32 = 0
    for i in range(low, high, 3):
        total += i
    for i in range(high, low, -2):
        total -= i
    return total


def to_the_end(start: u8) -> u32:
    count: u32 = 0
    for i in range(start, 255):
        count += u32(i)
    return count


def loop_variable_is_a_copy() -> u32:
    count: u32 = 0
    for i in range(u32(4)):
        i += 10
        count += 1
    return count


def panics(a: u32) -> u32:
    if a == 1:
        panic("one")
    if a == 2:
        unreachable()
    assert a != 3, "three"
    return a


def recursive(n: u64) -> u64:
    return 1 if n < 2 else recursive(n - 1) + recursive(n - 2)


#: nested_with(0) == 13942
#: nested_with(1) == 1394213942
#: nested_with(2) == 139
#: after_return(2) == 13942
#: classify(0) == 100
#: classify(3) == 200
#: classify(4) == 5
#: by_kind(0) == 1
#: by_kind(7) == 2
#: by_kind(1) == 3
#: by_pair(0, True) == 1
#: by_pair(5, False) == 50
#: by_pair(5, True) == 9
#: short_circuit(True) == 13
#: short_circuit(False) == 23
#: chooses(0) == 1
#: chooses(1) == 2
#: chooses(9) == 3
#: between(-3) == True
#: between(4) == False
#: steps(-5, 5) == -7
#: to_the_end(250) == 1260
#: loop_variable_is_a_copy() == 4
#: panics(1) traps panic
#: panics(2) traps unreachable
#: panics(3) traps assertion
#: panics(4) == 4
#: recursive(15) == 987
