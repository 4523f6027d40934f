"""Evaluation happens in Python's order, and once."""
from compiler.prelude import addr, array, ptr, struct, u32, u64, zeroed
from collections.abc import Callable

trace: u64 = 0
table: array[u64, 10] = zeroed()


@struct
class Pair:
    first: u64
    second: u64

    def at(self, digit: u64) -> ptr[Pair]:
        _ = note(digit)
        return self


pair: Pair = zeroed()


def note(digit: u64) -> u64:
    global trace
    trace = trace * 10 + digit
    return digit


def begin() -> None:
    global trace
    trace = 0
    for i in range(10):
        table[i] = 0


def three(a: u64, b: u64, c: u64) -> u64:
    return a * 100 + b * 10 + c


def arguments() -> u64:
    begin()
    _ = three(note(1), note(2), note(3))
    return trace


def keywords() -> u64:
    begin()
    result = three(c=note(1), a=note(2), b=note(3))
    return trace * 1000 + result


def operands() -> u64:
    begin()
    _ = note(1) + note(2) * note(3)
    return trace


def comparison() -> u64:
    begin()
    _ = note(1) < note(2)
    return trace


def assignment() -> u64:
    begin()
    table[note(1)] = note(2)
    return trace


def augmented() -> u64:
    begin()
    table[note(1)] += note(2)
    table[note(3)] -= 0
    return trace * 10 + table[1]


def augmented_field() -> u64:
    begin()
    pair.first = 0
    pair.at(1).first += note(2)
    return trace * 10 + pair.first


def struct_values() -> u64:
    begin()
    made = Pair(second=note(1), first=note(2))
    return trace * 100 + made.first * 10 + made.second


def tuple_values() -> u64:
    begin()
    a, b = note(1), note(2)
    a, b = b, a
    return trace * 100 + a * 10 + b


def choice() -> u64:
    begin()
    _ = note(1) if note(2) == 2 else note(3)
    return trace


def swap_elements() -> u64:
    begin()
    table[0] = 4
    table[1] = 5
    table[0], table[1] = table[1], table[0]
    return table[0] * 10 + table[1]


def range_ends() -> u64:
    begin()
    for i in range(note(1), note(3)):
        _ = note(i + 5)
    return trace


def method_receiver() -> u64:
    begin()
    _ = pair.at(1).at(note(2)).at(note(3))
    return trace


def plus(n: u64) -> u64:
    return n + 1


OPERATIONS: array[Callable[[u64], u64], 3] = array(plus, plus, plus)


def table_call() -> u64:
    begin()
    _ = OPERATIONS[note(1)](note(2))
    return trace


def condition() -> u64:
    begin()
    while note(1) == 1 and trace < 1000:
        pass
    return trace


#: arguments() == 123
#: keywords() == 123231
#: operands() == 123
#: comparison() == 12
#: assignment() == 21
#: augmented() == 1232
#: augmented_field() == 122
#: struct_values() == 1221
#: tuple_values() == 1221
#: choice() == 21
#: swap_elements() == 54
#: range_ends() == 1367
#: method_receiver() == 12233
#: table_call() == 12
#: condition() == 1111
