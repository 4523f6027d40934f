"""Mistakes in statements and in the flow of control."""
from compiler.prelude import array, panic, ptr, span, struct, u8, u32, u64, zeroed, const
from typing import NoReturn

table: array[u32, 8] = zeroed()


def on_one_path(a: u32) -> u32:
    if a > 1:
        b = a
    return b
    #! unassigned: b => b may not have a value here
    #: assign it on every path


def after_loop(a: u32) -> u32:
    while a > 1:
        c = a
        a -= 1
    return c
    #! unassigned: c => c may not have a value here
    #: assign it on every path


def loop_variable(a: u32) -> u32:
    for i in range(a):
        pass
    return i
    #! unassigned: i => i may not have a value here
    #: assign it on every path


def never_assigned() -> u32:
    n: u32
    return n
    #! unassigned: n => n may not have a value here
    #: assign it on every path


def after_return(a: u32) -> u32:
    return a
    a += 1
    #! unreachable: a += 1 => this is never reached


def after_panic(a: u32) -> u32:
    panic("stop")
    return a
    #! unreachable: return a => this is never reached


def after_break(a: u32) -> u32:
    while a > 1:
        break
        a -= 1
        #! unreachable: a -= 1 => this is never reached
    return a


def break_outside() -> None:
    break
    #! loop: break => break outside a loop


def continue_outside(a: u32) -> None:
    if a > 1:
        continue
        #! loop: continue => continue outside a loop


def returns_nothing(a: u32) -> None:
    return a
    #! return: a => returns_nothing returns nothing
    #: declare its result: -> u32


def returns_without_value(a: u32) -> u32:
    return
    #! return: return => returns_without_value returns u32


def never_returns(a: u32) -> NoReturn:
    return
    #! return: return => never_returns never returns


def end_is_reached(a: u32) -> NoReturn:
#! return: def end_is_reached(a: u32) -> NoReturn: => end_is_reached never returns, but its end is reached
    a += 1


def result_of_none(a: u32) -> u32:
    b = returns_nothing(a)
    #! type: returns_nothing(a) => this call has no result
    return b


def else_of_loop(a: u32) -> u32:
    for i in range(a):
        pass
    else:
        a = 3
        #! unsupported: a = 3 => else after a loop is not part of the language
        #: set a bool in the loop and test it after
    return a


def unpacks_in_loop() -> None:
    for a, b in table:
    #! unsupported: a, b => a loop has one variable
    #: unpack in the body
        pass


def loops_over_integer(a: u32) -> None:
    for i in a:
    #! type: a => u32 has no elements
        pass


def loops_over_text() -> None:
    for c in "text":
    #! type: "text" => str cannot be looped over
    #: loop over 'text'.encode()
        pass


def enumerates() -> None:
    for i, x in enumerate(table):
    #! unsupported: enumerate(table) => enumerate is not part of the language
    #: write for i in range(len(a))
        pass


def range_of_two_widths(a: u32, b: u64) -> None:
    for i in range(a, b):
    #! width-mismatch: a => u32 and u64 do not mix in range
    #: write u64(a)
        pass


def range_step(a: u32) -> None:
    for i in range(0, 8, a):
    #! constant: a => the step of a range is a constant other than 0
        pass


def range_falls(a: u32) -> None:
    for i in range(a, 0, -1):
    #! type: range(a, 0, -1) => a falling range of u32 cannot pass 0
    #: convert the ends to i64
        pass


def range_of_bools(a: bool) -> None:
    for i in range(a):
    #! type: a => range counts integers, not bool
        pass


def range_without_end() -> None:
    for i in range():
    #! arguments: range() => range takes (stop), (start, stop) or (start, stop, step)
        pass


def counts_with_other_type(a: u32) -> None:
    i: u64 = 0
    for i in range(a):
    #! type-mismatch: i => i is already u64, this loop counts u32
    #: choose another name
        pass


def range_as_value(a: u32) -> None:
    r = range(a)
    #! unsupported: range(a) => range stands only in for i in range(...)


def deletes(a: u32) -> None:
    del a
    #! unsupported: del a => del is not part of the language
    #: locals end with their function


def global_of_local(a: u32) -> None:
    global a_local
    #! unknown-name: global a_local => a_local is not defined
    #: did you mean global_of_local?
    a_local = a


def global_of_constant() -> None:
    global EIGHT
    #! type: global EIGHT => EIGHT is not module data
    #: a constant keeps its value; data are declared as EIGHT: T = value
    EIGHT += 9


EIGHT = const(8)


def assigns_twice() -> None:
    n: u32 = 0
    n: u64 = 1
    #! type-mismatch: n: u64 = 1 => n is already u32
    #: choose another name


def annotates_field(p: ptr[u32]) -> None:
    p[0]: u32 = 3
    #! unsupported: p[0] => only a local is annotated here


def assert_of_integer(a: u32) -> None:
    assert a
    #! condition: a => a condition is a bool, not u32
    #: write a != 0


def assert_message(a: u32) -> None:
    assert a > 1, a
    #! unsupported: a => the message of an assert is a plain string


def unpacks_integer(a: u32) -> None:
    b, c = a
    #! type: a => u32 has no parts to unpack


def unpacks_too_few() -> None:
    b, c = pair()
    #! arguments: b, c = pair() => 3 values for 2 names


def pair() -> tuple[u32, u32, u32]:
    return 1, 2, 3


def returns_wrong_pair() -> tuple[u32, u8]:
    return 1, 300
    #! literal-range: 300 => 300 does not fit u8
    #: u16 would hold it


def returns_short_pair() -> tuple[u32, u32]:
    return 1, 2, 3
    #! type-mismatch: 1, 2, 3 => 3 values, but 2 are needed


def yields(a: u32) -> u32:
    yield a
    #! unsupported: yield a => yield is not part of the language
    #: fill an array, or write a struct with a next() method


def asynchronous_with() -> None:
    async with table:
    #! type: table => array[u32, 8] cannot be used by with
    #: a struct with __enter__ and __exit__
        pass


def global_star() -> None:
    a, *b = pair()
    #! unsupported: *b => * is not part of the language
    #: write each element


def useless_sum(a: u32) -> None:
    a + 1
    #! unused: a + 1 => this value is not used
    #: _ = a + 1 throws it away visibly


def useless_comparison(a: u32) -> None:
    a == 1
    #! unused: a == 1 => this value is not used
    #: _ = a == 1 throws it away visibly


def nested_class() -> None:
    class Inner:
    #! unsupported: class Inner: => a class inside a function is not part of the language
    #: move it to module level
        x: u32


def list_in_function(a: u32) -> None:
    b = [i for i in range(a)]
    #! constant: a => a is a variable, but this must be known when compiling


def nonlocal_name() -> None:
    nonlocal EIGHT
    #! unsupported: nonlocal EIGHT => nonlocal is not part of the language
    #: pass what the function needs as an argument


def match_text(text: str) -> u32:
    match text:
    #! type: text => match works on integers, enums and tuples, not str
        case "a":
            return 1
    return 0


def match_after_all(a: u32) -> u32:
    match a:
        case _:
            pass
        case 2:
        #! unreachable: 2 => no value is left for this case
            pass
    return 0


def match_variable(a: u32, b: u32) -> u32:
    match a:
        case b:
        #! shadowed: b => case b would assign b, not compare with it
        #: write case _ if ... == b, or a dotted name
            return 1
    return 0


def match_large(a: u8) -> u32:
    match a:
        case 300:
        #! literal-range: 300 => 300 does not fit u8
        #: u16 would hold it
            return 1
    return 0


def match_class(a: u32) -> u32:
    match a:
        case u32(b):
        #! unsupported: u32(b) => class pattern is not part of the language
        #: match on integers, enums and tuples
            return 1
    return 0


def match_mapping(a: u32) -> u32:
    match a:
        case {"x": 1}:
        #! unsupported: {"x": 1} => mapping pattern is not part of the language
        #: match on integers, enums and tuples
            return 1
    return 0


def match_short(a: u32) -> u32:
    match (a, a):
        case (1,):
        #! type: (1,) => 1 patterns for a tuple of 2
            return 1
    return 0


def match_sequence_of_integer(a: u32) -> u32:
    match a:
        case (1, 2):
        #! unsupported: (1, 2) => this pattern is not part of the language
        #: use constants, |, names, tuples and _
            return 1
    return 0


def match_not_constant(a: u32, p: ptr[Pair]) -> u32:
    match a:
        case p.x:
        #! constant: p.x => a case names constants
            return 1
    return 0


@struct
class Pair:
    x: u32
    y: u32


def with_integer(a: u32) -> None:
    with a:
    #! type: a => u32 cannot be used by with
    #: a struct with __enter__ and __exit__
        pass


def with_list(a: u32) -> None:
    with open("file") as f:
    #! unsupported: open => Python's open is not part of the language
    #: read through the program's library
        pass


def nested_unpacking(a: u32) -> u32:
    b, (c, d) = a, (a, a)
    #! unsupported: (c, d) => a tuple is unpacked one level at a time
    #: give it a name first
    return b
