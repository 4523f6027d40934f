"""Mistakes at module level."""
from compiler.prelude import array, const, option, ptr, struct, u8, u32, u64, zeroed, placed, span, export, inline

LIMIT = 4
#! constant: LIMIT = 4 => LIMIT is neither a constant nor typed data
#: LIMIT = const(4), or LIMIT: u64 = 4 for data
SIZES = [1, 2, 3]
#! constant: SIZES = [1, 2, 3] => SIZES is neither a constant nor typed data
#: SIZES = const([1, 2, 3]), or SIZES: array[u64, 3] = array(1, 2, 3) for data
TEXT = "text"
#! constant: TEXT = "text" => TEXT is neither a constant nor typed data
#: TEXT = const('text'), or TEXT: str = 'text' for data
total: u64
#! data: total: u64 => total has no value
#: total: u64 = zeroed()
wrong: u8 = 300
#! literal-range: 300 => 300 does not fit u8
#: u16 would hold it
text_number: u64 = "five"
#! type-mismatch: "five" => this is a str, but a u64 is needed
same: u64 = 0
same: u64 = 1
#! redefined: same: u64 = 1 => same is defined twice
#: rename one of them
loop = const(loop + 1)
#! circular-definition: loop = const(loop + 1) => loop is defined in terms of itself
first = const(second)
#! circular-definition: first = const(second) => first is defined in terms of itself
second = const(first)
unknown = const(MISSING * 2)
#! unknown-name: MISSING => MISSING is not defined
not_constant = const(total_of(3))
#! constant: total_of(3) => total_of() cannot be called at compile time
divided = const(1 // 0)
#! constant: 1 // 0 => cannot evaluate at compile time: integer division or modulo by zero
huge = const(1 << 100000000)
#! constant: 100000000 => a constant may not be that large: 100000000 is above 65536
words = const("a" + 1)
#! constant: "a" + 1 => cannot evaluate at compile time: can only concatenate str (not "int") to str
misplaced: u64 = zeroed(alignment=8)
#! data: alignment=8 => data can be placed by align, section, keep, not alignment
odd: u64 = zeroed(align=3)
#! data: odd: u64 = zeroed(align=3) => an alignment is a power of two, not 3
pointer: ptr[u64] = None
#! type-mismatch: None => this is None, but a ptr[u64] is needed
#: only ptr[u64] | None can be None
null: ptr[u64] = zeroed()
#! null: zeroed() => ptr[u64] is never null
#: use ptr[u64] | None
bare: array = zeroed()
#! type: array => array alone is not a type
#: write array[T, N]
raw: ptr = None
#! type: ptr => ptr alone is not a type
#: write ptr[T]
too_few: array[u8, 4] = array(1, 2, 3)
#! arguments: array(1, 2, 3) => array[u8, 4] has 4 elements, 3 given
too_many: array[u8, 2] = array(1, 2, 3)
#! arguments: array(1, 2, 3) => array[u8, 2] has 2 elements, 3 given
elements: array[u8, 2] = array(1, 256)
#! literal-range: 256 => 256 does not fit u8
#: u16 would hold it
computed: u64 = total_of(3)
#! constant: total_of(3) => module data starts with a value that is known at compile time
#: start with zeroed() and assign it in a function that runs first
late: u64 = total
nothing: None = None
#! data: None => data cannot be None
negative: array[u8, -1] = zeroed()
#! type: -1 => an array cannot have -1 elements
fraction: array[u8, 1.5] = zeroed()
#! constant: 1.5 => the number of elements must be an integer constant, not float
two_arguments = const(1, 2)
#! constant: const(1, 2) => const takes one expression

assert LIMIT_OF == 3
#! unknown-name: LIMIT_OF => LIMIT_OF is not defined
#: did you mean LIMIT?
assert 2 + 2 == 5
#! assertion: assert 2 + 2 == 5 => this does not hold: 2 + 2 == 5
assert 2 + 2 == 5, "arithmetic has changed"
#! assertion: assert 2 + 2 == 5, "arithmetic has changed" => this does not hold: arithmetic has changed

total + 1
#! unsupported: total + 1 => an expression at module level has no effect

for i in range(3):
#! unsupported: for i in range(3): => a for loop at module level is not part of the language
#: put it into a function
    pass

while True:
#! unsupported: while True: => a while loop at module level is not part of the language
#: put it into a function
    pass

with total:
#! unsupported: with total: => with at module level is not part of the language
#: put it into a function
    pass

x, y = 1, 2


def total_of(n: u64) -> u64:
    return n


def total_of(n: u32) -> u32:
#! redefined: def total_of(n: u32) -> u32: => total_of is defined twice
#: rename one of them
    return n


