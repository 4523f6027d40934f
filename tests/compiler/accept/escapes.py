"""Pointers to locals that stay within their function."""
from compiler.prelude import addr, array, copy, ptr, span, struct, u8, u32, u64, zeroed


@struct
class Holder:
    at: ptr[u32] | None
    count: u32


table: array[u32, 4] = zeroed()
total: u64 = 0


def add(p: ptr[u32]) -> u32:
    return p[0] + 1


def passes() -> u32:
    x: u32 = 1
    return add(addr(x))


def keeps_in_local() -> u32:
    x: u32 = 1
    holder = Holder(at=addr(x))
    holder.count = 3
    p = holder.at
    return p[0] + holder.count if p is not None else 0


def element_of_data(i: u64) -> ptr[u32]:
    return addr(table[i])


def field_of_parameter(h: ptr[Holder]) -> ptr[u32]:
    return addr(h.count)


def part_of_parameter(data: span[u8]) -> span[u8]:
    return data[1:]


def as_number() -> None:
    global total
    x: u32 = 1
    total = u64(addr(x))


@struct
class Node:
    value: u32
    next: ptr[Node] | None


@struct
class Chain:
    first: ptr[Node] | None

    def add(self, node: ptr[Node]) -> None:
        node.next = self.first
        self.first = node

    def total(self) -> u32:
        result: u32 = 0
        node = self.first
        while node is not None:
            result += node.value
            node = node.next
        return result


def chain_of_locals() -> u32:
    chain: Chain = zeroed()
    one = Node(value=1)
    two = Node(value=2)
    chain.add(addr(one))
    chain.add(addr(two))
    return chain.total()


def larger(a: ptr[u32], b: ptr[u32]) -> ptr[u32]:
    return a if a[0] > b[0] else b


def result_that_stays() -> u32:
    x: u32 = 1
    y: u32 = 2
    return larger(addr(x), addr(y))[0]
