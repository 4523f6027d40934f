"""More of what people write from habit; what has no expectation below it is accepted."""
from compiler.prelude import addr, array, atomic, bits, const, copy, ptr, span, struct, u8, u16, u32, u64, volatile, zeroed, i32, i64, percpu
from collections.abc import Callable


@struct
class P:
    x: u32
    lock: atomic[u32]
    b: bits[u8, 0, 3]
    s: span[u8]
    t: str


data: P = zeroed()
words: array[P, 3] = zeroed()


def a1(p: ptr[P]) -> bool:
    return p == addr(data)


def a2() -> u64:
    return len(data.t) + len(data.s)


def a3(p: ptr[P]) -> None:
    p[0] = copy(words[1])


def a4() -> None:
    for w in words:
        w.b = 3
        w.x += 1


def a5() -> u32:
    x = y = 3
    #! unsupported: y => a = b = c is not part of the language
    #: use one assignment for each
    return x


def a6(f: Callable[[u32], None]) -> None:
    f(3)


def a7() -> None:
    a6(lambda x: None)
    #! unsupported: lambda x: None => lambda is not part of the language
    #: write a function at module level


def a8(n: u32) -> u32:
    match n:
        case 1:
            r = 3
        case 2:
            r = 4
    return r
    #! unassigned: r => r may not have a value here
    #: assign it on every path


def a9(n: u32) -> u32:
#! return: def a9(n: u32) -> u32: => a9 does not return u32 on every path
    if n == 1:
        pass
    elif n == 2:
        return 1
    else:
        return 2


def b1(p: ptr[P] | None) -> u32:
    while p is None:
        p = addr(data)
    return p.x


def b2(p: ptr[P] | None) -> u32:
    assert p is not None, "no p"
    return p.x


def b3() -> i64:
    x = 5
    x = x - 10
    return x


def b4(x: u8) -> u32:
    return x << 8
    #! type-mismatch: x << 8 => this is a u8, but a u32 is needed
    #: convert before computing: u32(x)


def b5(x: u64) -> u64:
    return x & ~0xFFF


def b6(x: u32) -> u32:
    return x & ~(1 << 31)


def b7(x: i32) -> i32:
    return -x if x < 0 else x


def b8(x: u64) -> None:
    if x > 5: return
    print(x)
    #! format: print(x) => this program has no function marked @printer
    #: import the module that has it, or write it: def show(line: fstring[S], end: str) -> None
    return None


def b9(a: str) -> bool:
    return a is "x"
    #! operator: a is "x" => `is` compares with None only
    #: compare values and addresses with ==


def c1(x: u32) -> u32:
    """Doc."""
    return x if x > 0 else "none"
    #! type-mismatch: "none" => this is a str, but a u32 is needed


def c2(a: span[u8]) -> span[u8]:
    return a[1:-1]
    #! bounds: -1 => an index counts from the start
    #: write len(a) - 1


def c3(a: span[u8]) -> u8:
    return a[len(a)]


def c4(n: u64) -> array[u8, 4]:
    return zeroed()


def c5(n: int) -> int:
    return n ** 2
    #! unsupported: n ** 2 => ** is not part of the language
    #: multiply, or shift: 1 << n


def c6() -> str:
    return "a" "b"


def c7(x: u32) -> u32:
    return x.value
    #! unknown-field: x.value => u32 has no attribute value


def c8(x: bool) -> u32:
    return int(x)
    #! type-mismatch: int(x) => this is an i64, but a u32 is needed
    #: write u32(int(x))


def c9(s: str) -> str:
    return s.upper()
    #! method: s.upper => str has no method upper


def d1(x: u32) -> None:
    assert isinstance(x, u32)
    #! unsupported: isinstance => Python's isinstance is not part of the language
    #: every value has one type, known when the program is compiled


def d2() -> None:
    global data
    data = P(x=1)


def d3(p: ptr[P]) -> P:
    return copy(p[0])


def d4(p: ptr[P]) -> u32:
    return d3(p).x


def d5() -> None:
    words.sort()
    #! method: words.sort => array[P, 3] has no method sort
    #: arrays and spans have a fixed length: assign by index


def d6(x: u32) -> u32:
    return {"a": x}["a"]
    #! unsupported: {"a": x} => dict is not part of the language
    #: use an array, or a match on constants


def d7(x: u32) -> u32:
    try:
    #! unsupported: try: => try is not part of the language
    #: errors are values here: return a code and test it
        return x
    except:
        return 0


def d7_star(x: u32) -> u32:
    try:
    #! unsupported: try: => except* is not part of the language
    #: in async functions: except ExceptionGroup as text
        return x
    except* ValueError:
        pass


def d8(x: u32) -> u32:
    return max(x, 3, 9)


def d9(*, x: u32 = 3) -> u32:
#! unsupported: x: u32 => a keyword-only or positional-only parameter is not part of the language
#: leave out the * or / before it
    return x


def e1(x: u32) -> u32:
    y: u32 = None
    #! type-mismatch: None => this is None, but a u32 is needed
    #: only pointers can be None
    return y


def e2(x: u32) -> u32:
    while True:
        x += 1


def e3(x: u32, x2: u32) -> bool:
    return not x == x2


def e4(x: u32) -> bool:
    return x in (1, 2, 3)
    #! unsupported: x in (1, 2, 3) => in is not part of the language
    #: write a loop or comparisons


def e5(x: u32) -> u32:
    return (lambda: x)()
    #! unsupported: lambda: x => lambda is not part of the language
    #: write a function at module level


def e6(x: u32) -> u32:
    with open("a"):
    #! unsupported: open => Python's open is not part of the language
    #: read through the program's library
        return 1


def e7(x) -> None:
#! annotation: x => parameter x of e7 needs a type
#: x: u64
    self.x = 3


def e8(x: u32) -> "u32":
    yield x
    #! unsupported: yield x => yield is not part of the language
    #: fill an array, or write a struct with a next() method


def untyped_total(values: span[u32]) -> u32:
    total = 0
    for value in values:
        total += value
        #! width-mismatch: total => i64 and u32 do not mix in +
        #: total: u32 = ... where it begins
    return total
