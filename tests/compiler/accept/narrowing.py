"""Optional pointers: every form of test that narrows."""
from compiler.prelude import ptr, struct, u32


@struct
class Node:
    value: u32
    next: ptr[Node] | None


def early_return(p: ptr[Node] | None) -> u32:
    if p is None:
        return 0
    return p.value


def in_condition(p: ptr[Node] | None) -> bool:
    return p is not None and p.value > 3


def either(p: ptr[Node] | None) -> bool:
    return p is None or p.value > 3


def negated(p: ptr[Node] | None) -> u32:
    if not (p is None):
        return p.value
    return 0


def loop(first: ptr[Node] | None) -> u32:
    total: u32 = 0
    p = first
    while p is not None:
        total += p.value
        p = p.next
    return total


def selected(p: ptr[Node] | None) -> u32:
    return p.value if p is not None else 0


def asserted(p: ptr[Node] | None) -> u32:
    assert p is not None
    return p.value


def conjunction(p: ptr[Node] | None, q: ptr[Node] | None) -> u32:
    if p is None or q is None:
        return 0
    return p.value + q.value
