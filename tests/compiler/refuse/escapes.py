"""Pointers to locals that outlive their function."""
from compiler.prelude import addr, array, copy, ptr, span, struct, u8, u32, u64, zeroed


@struct
class Holder:
    at: ptr[u32] | None
    data: span[u8]


@struct
class Inner:
    value: u32


kept: ptr[u32] | None = None
holder: Holder = zeroed()


def returned() -> ptr[u32]:
    x: u32 = 1
    return addr(x)
    #! escape: x => x ends with returned
    #: make it module data, or let the caller pass the place


def returned_field() -> ptr[u32]:
    inner = Inner(value=3)
    return addr(inner.value)
    #! escape: inner.value => inner ends with returned_field
    #: make it module data, or let the caller pass the place


def returned_through_local() -> ptr[u32]:
    x: u32 = 1
    p = addr(x)
    q = p
    return q
    #! escape: q => x ends with returned_through_local
    #: make it module data, or let the caller pass the place


def returned_slice() -> span[u8]:
    buffer: array[u8, 16] = zeroed()
    return buffer[2:4]
    #! escape: buffer[2:4] => buffer ends with returned_slice
    #: make it module data, or let the caller pass the place


def returned_parameter(n: u32) -> ptr[u32]:
    return addr(n)
    #! escape: n => n ends with returned_parameter
    #: make it module data, or let the caller pass the place


def returned_in_struct() -> Holder:
    x: u32 = 1
    return Holder(at=addr(x))
    #! escape: Holder(at=addr(x)) => x ends with returned_in_struct
    #: make it module data, or let the caller pass the place


def returned_pair() -> tuple[u32, ptr[u32]]:
    x: u32 = 1
    return 1, addr(x)
    #! escape: 1, addr(x) => x ends with returned_pair
    #: make it module data, or let the caller pass the place


def stored_in_data() -> None:
    global kept
    x: u32 = 1
    kept = addr(x)
    #! escape: x => x ends with stored_in_data; a pointer to it would stay behind
    #: make it module data, or let the caller pass the place


def stored_in_field_of_data() -> None:
    x: u32 = 1
    holder.at = addr(x)
    #! escape: x => x ends with stored_in_field_of_data; a pointer to it would stay behind
    #: make it module data, or let the caller pass the place


def stored_through_parameter(h: ptr[Holder]) -> None:
    buffer: array[u8, 16] = zeroed()
    h.data = buffer[:]
    #! escape: buffer => buffer ends with stored_through_parameter; a pointer to it would stay behind
    #: make it module data, or let the caller pass the place


def stored_copy(h: ptr[Holder]) -> None:
    x: u32 = 1
    mine: Holder = zeroed()
    mine.at = addr(x)
    h[0] = copy(mine)
    #! escape: copy(mine) => x ends with stored_copy; a pointer to it would stay behind
    #: make it module data, or let the caller pass the place


def chosen(flag: bool, other: ptr[u32]) -> ptr[u32]:
    x: u32 = 1
    return addr(x) if flag else other
    #! escape: addr(x) if flag else other => x ends with chosen
    #: make it module data, or let the caller pass the place


def keep(p: ptr[u32]) -> None:
    global kept
    kept = p


def keep_for(p: ptr[u32], times: u32) -> u32:
    for _ in range(times):
        keep(p)
    return times


def same(p: ptr[u32]) -> ptr[u32]:
    return p


def kept_by_callee() -> None:
    x: u32 = 1
    keep(addr(x))
    #! escape: x => x ends with kept_by_callee; keep keeps a pointer to it
    #: make it module data, or let the caller pass the place


def kept_further_down() -> u32:
    x: u32 = 1
    p = addr(x)
    return keep_for(p, 3)
    #! escape: p => x ends with kept_further_down; keep_for keeps a pointer to it
    #: make it module data, or let the caller pass the place


def handed_back() -> ptr[u32]:
    x: u32 = 1
    return same(addr(x))
    #! escape: same(addr(x)) => x ends with handed_back
    #: make it module data, or let the caller pass the place


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


chain: Chain = zeroed()


def on_longer_chain() -> None:
    node = Node(value=3)
    chain.add(addr(node))
    #! escape: node => node ends with on_longer_chain; add keeps a pointer to it
    #: make it module data, or let the caller pass the place


def on_callers_chain(nodes: ptr[Chain]) -> None:
    node = Node(value=3)
    nodes.add(addr(node))
    #! escape: node => node ends with on_callers_chain; add keeps a pointer to it
    #: make it module data, or let the caller pass the place


def chain_goes_out() -> Chain:
    mine: Chain = zeroed()
    node = Node(value=3)
    mine.add(addr(node))
    return copy(mine)
    #! escape: copy(mine) => node ends with chain_goes_out
    #: make it module data, or let the caller pass the place
