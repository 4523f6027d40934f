"""Counting: the time stamp counter, which under -icount counts instructions, and marks that a plugin sees.

A mark is a no-operation that no compiler makes: `nopl 0x5EAD0000 | operation << 8 | number (%rax)`. tools/
instruction_counter.c counts what runs between a start and a stop of the same number, user and kernel apart.
"""
from collections.abc import Callable

from compiler.prelude import array, asm_x64, const, span, u64, zeroed
from compiler.prelude.x64 import *

SAMPLES = const(16)
WARM_UP = const(64)


def measure(name: str, operation: Callable[[], None], rounds: u64, per_round: u64) -> None:
    """Prints the median and the extremes, over SAMPLES, of the instructions that one operation takes.

    `operation` does the thing `per_round` times; an empty one is measured by the caller and taken off by the tool.
    """
    for _ in range(WARM_UP):
        operation()
    samples: array[u64, SAMPLES] = zeroed()
    for sample in range(u64(SAMPLES)):
        start_mark()
        begin = time_stamp()
        for _ in range(rounds):
            operation()
        end = time_stamp()
        stop_mark()
        samples[sample] = (end - begin) * 100 // (rounds * per_round)
    report(name, rounds, per_round, samples[:])


def report(name: str, rounds: u64, per_round: u64, samples: span[u64]) -> None:
    """Samples are in hundredths of an instruction."""
    _sort(samples)
    print(f"bench: {name} rounds={rounds} per_round={per_round}", end=" ")
    print(f"low={samples[0]} median={samples[SAMPLES // 2]} high={samples[SAMPLES - 1]}")


def _sort(values: span[u64]) -> None:
    for place in range(u64(1), len(values)):
        value = values[place]
        hole = place
        while hole != 0 and values[hole - 1] > value:
            values[hole] = values[hole - 1]
            hole -= 1
        values[hole] = value


@asm_x64
def time_stamp() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)


@asm_x64
def start_mark() -> None:
    raw(".byte 0x0F, 0x1F, 0x80, 0x00, 0x01, 0xAD, 0x5E")


@asm_x64
def stop_mark() -> None:
    raw(".byte 0x0F, 0x1F, 0x80, 0x00, 0x02, 0xAD, 0x5E")
