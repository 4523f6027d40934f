"""The method table as arrays that a test can walk, by method number."""
from compiler.prelude import array, const, u8, u32, u64
from kernel.abi.methods import ARGUMENT_KINDS, ARGUMENT_RULES, MAX_ARGUMENTS, METHOD_NUMBERS, METHODS

_KNOWN = const([sum(row[0] == number for row in METHODS) for number in range(METHOD_NUMBERS)])
_KINDS = const([sum(row[1] for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_RIGHTS = const([sum(row[2] for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_COUNTS = const([sum(len(row[3]) for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_ERRORS = const([
    sum(sum(1 << error for error in row[4]) for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)
])
_ARGUMENTS = const([
    sum(row[3][place][1] for row in METHODS if row[0] == number and place < len(row[3]))
    for number in range(METHOD_NUMBERS) for place in range(MAX_ARGUMENTS)
])

known: array[bool, METHOD_NUMBERS] = array(count == 1 for count in _KNOWN)
kinds: array[u8, METHOD_NUMBERS] = array(kind for kind in _KINDS)
rights: array[u32, METHOD_NUMBERS] = array(right for right in _RIGHTS)
counts: array[u8, METHOD_NUMBERS] = array(count for count in _COUNTS)
errors: array[u64, METHOD_NUMBERS] = array(error for error in _ERRORS)     # bit n: status n
_arguments: array[u8, METHOD_NUMBERS * MAX_ARGUMENTS] = array(argument for argument in _ARGUMENTS)
argument_kinds: array[u8, ARGUMENT_KINDS] = array(rule[0] for rule in ARGUMENT_RULES)
argument_rights: array[u32, ARGUMENT_KINDS] = array(rule[1] for rule in ARGUMENT_RULES)
may_be_zero: array[bool, ARGUMENT_KINDS] = array(rule[2] for rule in ARGUMENT_RULES)


def argument(method: u64, place: u64) -> u8:
    """The kind of an argument (abi Argument)."""
    return _arguments[method * MAX_ARGUMENTS + place]
