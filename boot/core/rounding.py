"""Rounding to powers of two."""
from compiler.prelude import u64


def round_up(value: u64, alignment: u64) -> u64:
    return (value + alignment - 1) & ~(alignment - 1)


def round_down(value: u64, alignment: u64) -> u64:
    return value & ~(alignment - 1)
