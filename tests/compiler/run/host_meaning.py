"""Functions whose meaning CPython alone would miss: each runs as it is, rewritten, and compiled."""

from compiler.prelude import (
    addr,
    array,
    atomic,
    bits,
    const,
    copy,
    offsetof,
    overflow_add,
    ptr,
    rotate_left,
    sizeof,
    span,
    struct,
    u8,
    u16,
    u32,
    u64,
    union,
    wrap_mul,
    zeroed,
)
from enum import IntEnum
from collections.abc import Callable

SLOTS = const(8)
MASKS = const([1 << n for n in range(8)])


class Color(IntEnum):
    RED = 1
    GREEN = 2


@struct
class Node:
    value: u32
    kind: Color
    present: bits[u16, 0, 1]
    weight: bits[u16, 4, 12]
    next: ptr[Node] | None

    def heavier(self, than: ptr[Node]) -> bool:
        return self.weight > than.weight

    def grow(self, by: u16) -> ptr[Node]:
        self.weight += by
        return self


@union
class Word:
    whole: u32
    parts: array[u16, 2]


nodes: array[Node, SLOTS] = zeroed()
calls: u64 = 0
ticket: atomic[u32] = 0
squares: array[u32, 4] = array(i * i for i in range(4))


def literals_take_widths(n: u64) -> u64:
    a: u8 = 200
    b = u16(a) + 100
    c = 7
    c = 9
    return u64(b) + u64(c) * n + MASKS[3]


def wraps(n: u64) -> u64:
    h: u32 = 0x811C9DC5
    for i in range(n):
        h = wrap_mul(h ^ u32(i), 0x01000193)
    return u64(rotate_left(h, 5))


def takes_address(n: u64) -> u64:
    global calls
    local = n
    count: u64 = n
    double(addr(count))
    calls = 5
    double(addr(calls))
    double(addr(calls))
    return count + calls + local


def double(p: ptr[u64]) -> None:
    p[0] = p[0] * 2


def lists(n: u64) -> u64:
    head: ptr[Node] | None = None
    for i in range(SLOTS):
        nodes[i].value = u32(i) * 3
        nodes[i].next = head
        head = addr(nodes[i])
    total: u32 = 0
    while head is not None:
        total += head.value
        head = head.next
    return u64(total) + n


def fields(n: u64) -> u64:
    a = Node(weight=5, kind=Color.GREEN)
    b = copy(a)
    b.grow(2).present = 1
    found: u64 = 0
    if b.heavier(addr(a)) and not a.heavier(addr(b)):
        found = 1000
    match b.kind:
        case Color.RED:
            found += 1
        case Color.GREEN:
            found += 2
    return found + u64(b.weight) * 10 + u64(b.present) + u64(a.present) + sizeof(Node) + offsetof(Node, "next") + n


def unions(n: u64) -> u64:
    word: Word = zeroed()
    word.whole = u32(n) | 0xABCD0000
    word.parts[0] += 1
    return u64(word.whole)


def sums(text: span[u8]) -> u64:
    total: u64 = len(text)
    for byte in text:
        total += u64(byte)
    if len(text) > 2:
        total += u64(text[1:3][1]) << 32
    return total


def passes_bytes(n: u64) -> u64:
    return sums(b"ringneck") + sums("kernel".encode()) + n


def two(n: u64) -> tuple[u32, bool]:
    return overflow_add(u32(n), 0xFFFF_FFF0)


def tuples(n: u64) -> u64:
    low, over = two(n)
    a, b = 1, u64(low)
    b = b + 1
    return b * 2 + (1 if over else 0) + u64(a)


def tables(n: u64) -> u64:
    steps: array[Callable[[u64], u64], 2] = array(wraps, lists)
    best: u64 = 0
    for step in steps:
        best = max(best, step(n % 8))
    for square in squares:
        best += u64(square)
    return min(best, 1 << 60)


def counts(n: u64) -> u64:
    before = ticket.load("relaxed")
    ticket.store(0)
    for _ in range(n % 100):
        _ = ticket.fetch_add(3, "acq_rel")
    swapped = ticket.cas(3, 77)
    return u64(ticket.load()) + (1000 if swapped else 0) + u64(before) * 0


def floors(n: u64) -> u64:
    x = -7 - i64_of(n)
    return u64(x // 2) + u64(x % 3) + (u64(1) << n) + (n >> 70)


def i64_of(n: u64) -> int:
    return int(n & 0xFF)


def traps(n: u64) -> u64:
    small: u8 = 250
    if n == 0:
        return u64(small + 10)
    if n == 1:
        return u64(small // u8(n - 1))
    if n == 2:
        return u64(squares[n + 2])
    if n == 3:
        assert n != 3, "three"
    return n - 5
