"""Walks a linked list and reverses it."""

from compiler.prelude import addr, array, const, ptr, struct, u64, zeroed

SIZE = const(1000)


@struct
class Node:
    value: u64
    next: "ptr[Node] | None"


nodes: array[Node, SIZE] = zeroed()


def run(count: u64) -> u64:
    head: ptr[Node] | None = None
    for i in range(u64(SIZE)):
        node = addr(nodes[i * 7 % SIZE])
        node.value = i
        node.next = head
        head = node
    total: u64 = 0
    for i in range(count):
        total = total * 3 + _walk(head, i)
        head = _reverse(head)
    return total


def _walk(head: ptr[Node] | None, extra: u64) -> u64:
    total: u64 = 0
    node = head
    while node is not None:
        total += node.value ^ extra
        node.value += 1
        node = node.next
    return total


def _reverse(head: ptr[Node] | None) -> ptr[Node] | None:
    before: ptr[Node] | None = None
    node = head
    while node is not None:
        following = node.next
        node.next = before
        before = node
        node = following
    return before
