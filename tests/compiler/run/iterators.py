"""Loops over structs with `next()`."""
from compiler.prelude import addr, array, ptr, struct, u32, u64, zeroed


@struct
class Node:
    value: u32
    next: ptr[Node] | None


@struct
class Nodes:
    at: ptr[Node] | None

    def next(self) -> ptr[Node] | None:
        found = self.at
        if found is not None:
            self.at = found.next
        return found


@struct
class Bits:
    left: u64

    def next(self) -> tuple[u64, bool]:
        if self.left == 0:
            return 0, False
        lowest = self.left & (~self.left + 1)
        self.left ^= lowest
        return lowest, True


def sum_of_list(count: u32) -> u32:
    nodes: array[Node, 4] = zeroed()
    for i in range(count):
        nodes[i].value = i + 1
        if i > 0:
            nodes[i - 1].next = addr(nodes[i])
    total: u32 = 0
    for node in Nodes(at=addr(nodes[0])):
        total = total * 10 + node.value
    return total


def bits(mask: u64) -> u64:
    found: u64 = 0
    for bit in Bits(left=mask):
        if bit == 2:
            continue
        if bit > 64:
            break
        found = found * 100 + bit
    return found


def in_place(mask: u64) -> u64:
    left = Bits(left=mask)
    for bit in left:
        if bit >= 4:
            break
    return left.left


def by_pointer(mask: u64) -> u64:
    iterator = Bits(left=mask)
    return count(addr(iterator))


def count(iterator: ptr[Bits]) -> u64:
    total: u64 = 0
    for _ in iterator:
        total += 1
    return total


#: sum_of_list(3) == 123
#: sum_of_list(4) == 1234
#: bits(15) == 10408
#: bits(0) == 0
#: bits(1023) == 10408163264
#: in_place(14) == 8
#: by_pointer(255) == 8
