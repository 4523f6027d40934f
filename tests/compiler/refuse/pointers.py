"""Mistakes with pointers, arrays and spans."""
from compiler.prelude import addr, array, const, copy, mem32, memory_copy, memory_fill, ptr, span, struct, u8, u16, u32, u64, unchecked, zeroed
from collections.abc import Callable


@struct
class Node:
    value: u32
    next: ptr[Node] | None


table: array[u32, 8] = zeroed()
head: ptr[Node] | None = None


def dereferences_optional() -> u32:
    return head.value
    #! optional: head => head may be None here
    #: test it first: if head is not None (in a local, so that the test counts)


def tested_data_is_not_kept() -> u32:
    if head is not None:
        return head.value
        #! optional: head => head may be None here
        #: test it first: if head is not None (in a local, so that the test counts)
    return 0


def returns_optional(p: ptr[Node] | None) -> ptr[Node]:
    return p
    #! type-mismatch: p => this is a ptr[Node] | None, but a ptr[Node] is needed
    #: test it with `is not None` first; keep it in a local so that the test counts


def passes_optional(p: ptr[Node] | None) -> u32:
    return takes(p)
    #! type-mismatch: p => this is a ptr[Node] | None, but a ptr[Node] is needed for p of takes
    #: test it with `is not None` first; keep it in a local so that the test counts


def takes(p: ptr[Node]) -> u32:
    return p.value


def compares_with_equals(p: ptr[Node] | None) -> bool:
    return p == None
    #! operator: p == None => compare with None by `is`
    #: p is None


def never_none(p: ptr[Node]) -> bool:
    return p is None
    #! condition: p is None => ptr[Node] is never None
    #: only ptr[T] | None can be None


def integer_is_none(n: u32) -> bool:
    return n is None
    #! condition: n is None => u32 is never None
    #: only ptr[T] | None can be None


def identity(p: ptr[Node], q: ptr[Node]) -> bool:
    return p is q
    #! operator: p is q => `is` compares with None only
    #: compare values and addresses with ==


def pointer_as_condition(p: ptr[Node] | None) -> u32:
    if p:
    #! condition: p => a condition is a bool, not ptr[Node] | None
    #: write p is not None
        return 1
    return 0


def pointer_arithmetic(p: ptr[u32]) -> ptr[u32]:
    return p + 1
    #! operator: p + 1 => ptr[u32] has no +
    #: index the pointer, addr(p[i]), or compute with u64(p)


def other_pointer(p: ptr[u32]) -> ptr[u64]:
    return p
    #! type-mismatch: p => this is a ptr[u32], but a ptr[u64] is needed
    #: write ptr[u64](p) if the memory really holds that


def integer_for_pointer(n: u64) -> ptr[u32]:
    return n
    #! type-mismatch: n => this is a u64, but a ptr[u32] is needed
    #: write ptr[u32](n) if it is an address


def pointer_of_32_bits(n: u32) -> ptr[u32]:
    return ptr[u32](n)
    #! conversion: ptr[u32](n) => u32 does not convert to ptr[u32]
    #: an address is a u64: write ptr[u32](u64(n))


def zero_pointer() -> ptr[u32]:
    return ptr[u32](0)
    #! null: ptr[u32](0) => a pointer is never 0
    #: use ptr[T] | None, and None


def pointer_for_integer(p: ptr[u32]) -> u64:
    return p
    #! type-mismatch: p => this is a ptr[u32], but a u64 is needed
    #: write u64(p) for its address


def narrow_address(p: ptr[u32]) -> u32:
    return u32(p)
    #! conversion: u32(p) => ptr[u32] does not convert to u32
    #: an address is a u64: write u32(u64(p))


def address_of_value() -> ptr[u32]:
    return addr(3)
    #! address: 3 => this value has no address
    #: give it a name first


def address_of_sum(n: u32) -> ptr[u32]:
    return addr(n + 1)
    #! address: n + 1 => this value has no address
    #: give it a name first


def index_by_bool(flag: bool) -> u32:
    return table[flag]
    #! type: flag => an index is an integer, not bool


def index_by_text() -> u32:
    return table["a"]
    #! type: "a" => an index is an integer, not str


def slice_of_pointer(p: ptr[u32]) -> u64:
    return len(p[0:4])
    #! type: p[0:4] => a raw pointer has no length
    #: make a span first: span(p, n)


def stepped_slice() -> u64:
    return len(table[0:8:2])
    #! unsupported: table[0:8:2] => a slice with a step is not part of the language


def assigns_slice(data: span[u32]) -> None:
    table[0:4] = data
    #! unsupported: table[0:4] => a slice cannot be assigned
    #: memory_copy(addr(a[0]), addr(b[0]), bytes)


def length_of_integer(n: u32) -> u64:
    return len(n)
    #! type: n => u32 has no length


def length_of_pointer(p: ptr[u32]) -> u64:
    return len(p)
    #! type: p => ptr[u32] has no length


def indexes_integer(n: u32) -> u32:
    return n[0]
    #! type: n[0] => u32 cannot be indexed


def indexes_text(text: str) -> u8:
    return text[0]
    #! type: text[0] => a str has no elements here
    #: use .encode() to get its bytes


def pointer_for_span(p: ptr[u32]) -> u64:
    return takes_span(p)
    #! type-mismatch: p => a raw pointer has no length
    #: span(p, n)


def takes_span(data: span[u32]) -> u64:
    return len(data)


def array_for_span() -> u64:
    return takes_span(table)
    #! type-mismatch: table => this is an array[u32, 8], but a span[u32] is needed
    #: write table[:]


def wrong_span(data: span[u8]) -> u64:
    return takes_span(data)
    #! type-mismatch: data => this is a span[u8], but a span[u32] is needed for data of takes_span


def span_of_integer(n: u64) -> u64:
    return len(span(n, 4))
    #! type: n => span(p, n) needs a ptr[T], not u64


def array_without_type() -> u64:
    a = array(1, 2, 3)
    #! type: array(1, 2, 3) => array(...) needs to know its type
    #: annotate the variable: a: array[u64, 3] = array(1, 2, 3)
    return len(a)


def memory_of_integer(n: u64) -> None:
    memory_copy(n, n, 8)
    #! type: n => this needs a pointer, not u64


def memory_fill_with_text(p: ptr[u8]) -> None:
    memory_fill(p, "a", 4)
    #! type-mismatch: "a" => this is a str, but a u8 is needed


def unchecked_of_integer(n: u32) -> u32:
    return unchecked(n, 0)
    #! type: unchecked(n, 0) => u32 cannot be indexed


def address_by_u32(a: u32) -> u32:
    return mem32[a]
    #! type-mismatch: a => this is a u32, but a u64 is needed
    #: write u64(a)


def copies_array() -> None:
    b = table
    #! implicit-copy: table => array[u32, 8] is not copied silently
    #: copy(table) copies it, table[:] refers to it


def text_index() -> u32:
    first = ("a", "b")
    return first[2]
    #! bounds: 2 => a tuple of 2 is indexed by a constant below 2


def optional_integer(n: u32 | None) -> u32:
#! type: u32 | None => only a pointer can be None, not u32
#: use ptr[T] | None
    return 0


def none_variable() -> None:
    p = None
    #! type: None => None alone does not tell the type
    #: annotate it: p: ptr[T] | None = None


def wrong_callback() -> u64:
    f: Callable[[u32], u32] = takes_span
    #! type-mismatch: takes_span => this is a Callable[[span[u32]], u64], but a Callable[[u32], u32] is needed
    return 0


def calls_integer(n: u32) -> u32:
    return n()
    #! type: n => u32 cannot be called


def callback_with_keyword(f: Callable[[u32], u32]) -> u32:
    return f(n=1)
    #! arguments: f(n=1) => Callable[[u32], u32] takes 1 arguments by position


def callback_with_too_many(f: Callable[[u32], u32]) -> u32:
    return f(1, 2)
    #! arguments: f(1, 2) => Callable[[u32], u32] takes 1 arguments by position


