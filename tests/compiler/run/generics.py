"""Generic functions and structs: type and constant parameters, Protocol bounds, inference through structs."""
from compiler.prelude import addr, array, const, ptr, span, struct, u8, u16, u32, u64, wrap_add, zeroed
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
N = TypeVar("N")


class Sized(Protocol):
    def size(self) -> u64: ...


S = TypeVar("S", bound=Sized)
W = TypeVar("W", u8, u16)


@struct
class Ring(Generic[T, N]):
    slots: array[T, N]
    head: u64
    tail: u64

    def push(self, value: T) -> bool:
        if self.head - self.tail == len(self.slots):
            return False
        self.slots[self.head % len(self.slots)] = value
        self.head += 1
        return True

    def pop(self) -> tuple[T, bool]:
        if self.head == self.tail:
            return 0, False
        self.tail += 1
        return self.slots[(self.tail - 1) % len(self.slots)], True


@struct
class Square:
    side: u64

    def size(self) -> u64:
        return self.side * self.side


@struct
class Cube:
    side: u64

    def size(self) -> u64:
        return self.side * self.side * self.side


def fill(ring: ptr[Ring[T, N]], value: T) -> u64:
    count: u64 = 0
    while ring.push(value):
        count += 1
    return count


def drain(ring: ptr[Ring[T, N]]) -> T:
    total: T = 0
    while True:
        value, found = ring.pop()
        if not found:
            return total
        total = wrap_add(total, value)


def total_size(first: ptr[S], second: ptr[S]) -> u64:
    return first.size() + second.size()


def widest(values: span[W]) -> W:
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best


def rings(value: u8) -> u64:
    small: Ring[u8, 3] = zeroed()
    large: Ring[u64, 5] = zeroed()
    pushed = fill(addr(small), value) * 10 + fill(addr(large), u64(value) + 1)
    return pushed * 10000 + u64(drain(addr(small))) * 10 + drain(addr(large))


def sizes(n: u64) -> u64:
    square = Square(side=n)
    cube = Cube(side=n)
    return total_size(addr(square), addr(square)) * 1000 + total_size(addr(cube), addr(cube))


def widths() -> u32:
    small: array[u8, 3] = array(3, 9, 4)
    large: array[u16, 3] = array(300, 900, 400)
    return u32(widest(small[:])) * 1000 + u32(widest(large[:]))


#: rings(7) == 350250
#: rings(100) == 350945
#: sizes(3) == 18054
#: widths() == 9900
