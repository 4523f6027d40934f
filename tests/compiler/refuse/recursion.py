"""Recursion where the stack has a fixed size."""
# target: kernel
from compiler.prelude import bounded_recursion, u64


def factorial(n: u64) -> u64:
    return 1 if n == 0 else n * factorial(n - 1)
    #! recursion: factorial(n - 1) => the stack has a fixed size, and this may not end: factorial -> factorial
    #: write a loop, or mark one of them @bounded_recursion(n) where n is the deepest nesting


def is_even(n: u64) -> bool:
    return n == 0 or is_odd(n - 1)
    #! recursion: is_odd(n - 1) => the stack has a fixed size, and this may not end: is_even -> is_odd -> is_even
    #: write a loop, or mark one of them @bounded_recursion(n) where n is the deepest nesting


def is_odd(n: u64) -> bool:
    return n != 0 and is_even(n - 1)


@bounded_recursion(64)
def halves(n: u64) -> u64:
    return 0 if n == 0 else 1 + halves(n >> 1)
