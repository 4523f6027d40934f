"""Structs, bit-fields, unions, defaults, methods, pointers to structs."""
from compiler.prelude import addr, array, bits, copy, offsetof, ptr, sizeof, struct, u8, u16, u32, u64, union, zeroed


@struct
class Point:
    x: u32
    y: u32 = 7

    def sum(self) -> u32:
        return self.x + self.y

    def move(self, by: u32) -> None:
        self.x += by


@struct
class Entry:
    present: bits[u64, 0, 1]
    kind: bits[u64, 1, 3]
    frame: bits[u64, 12, 40]
    other: u16


@struct(packed=True)
class Packed:
    a: u8
    b: u32
    c: u16


@union
class Number:
    whole: u32
    bytes: array[u8, 4]


@struct
class Node:
    value: u32
    next: ptr[Node] | None


assert sizeof(Packed) == 7 and offsetof(Packed, "c") == 5
assert sizeof(Entry) == 16 and offsetof(Entry, "other") == 8


def defaults(x: u32) -> u32:
    p = Point(x=x)
    return p.sum()


def positional(x: u32, y: u32) -> u32:
    p = Point(x, y)
    p.move(10)
    return p.sum()


def by_pointer(p: ptr[Point]) -> u32:
    p.move(1)
    return p.x


def through_pointer(x: u32) -> u32:
    p = Point(x=x)
    return by_pointer(addr(p)) + p.x


def returns(x: u32) -> Point:
    return Point(x=x, y=x)


def uses_returned(x: u32) -> u32:
    p = returns(x)
    q = copy(p)
    q.x = 100
    return p.sum() + q.sum()


def fields(kind: u64, frame: u64) -> u64:
    e: Entry = zeroed()
    e.present = 1
    e.kind = kind
    e.frame = frame
    e.present = 0
    return e.kind << 48 | e.frame


def packed(b: u32) -> u32:
    p = Packed(a=1, b=b, c=2)
    p.b += 1
    return p.b + u32(p.a) + u32(p.c)


def overlay(n: u32) -> u8:
    v: Number = zeroed()
    v.whole = n
    return v.bytes[1]


def chain(count: u32) -> u32:
    nodes: array[Node, 4] = zeroed()
    for i in range(count):
        nodes[i].value = i + 1
        nodes[i].next = addr(nodes[i + 1])
    total: u32 = 0
    at: ptr[Node] | None = addr(nodes[0])
    while at is not None:
        total = total * 10 + at.value
        at = at.next
    return total


#: defaults(1) == 8
#: positional(1, 2) == 13
#: through_pointer(5) == 12
#: uses_returned(3) == 109
#: fields(5, 99) == 1407374883553379
#: fields(8, 0) traps overflow
#: packed(5) == 9
#: overlay(4660) == 18
#: chain(3) == 1230
#: chain(4) traps bounds
