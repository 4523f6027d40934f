"""The trace: what each CPU did, newest last, while it was on. Programs read it by SYSTEM_READ_TRACE.

How long things took is counted by powers of two of nanoseconds: of the calls that were over before another call began
on their CPU, from the door to the way out, and of the interrupts of devices, from the vector to the end of interrupt.
A number from TRACE_TIMES on reads one such count: TRACE_TIMES + TraceTimes * TRACE_BUCKETS + bucket.
"""
from enum import IntEnum

from compiler.prelude import const, sizeof, struct, u32, u64

TRACE_RECORDS = const(2031)             # of each CPU that are kept
TRACE_TIMES = const(1 << 63)
TRACE_BUCKETS = const(32)               # the first is for less than 2 ns, each next for up to twice as much


class TraceTimes(IntEnum):
    CALLS = 0
    INTERRUPTS = 1


TRACE_TIME_KINDS = const(2)


class TraceEvent(IntEnum):
    NOTHING = 0
    CALL = 1                # a system call begins: number, first argument
    RETURN = 2              # a system call goes back to its program: status
    INTERRUPT = 3           # of a device: vector
    EXCEPTION = 4           # of a program: vector, address


@struct
class TraceRecord:
    time_ns: u64            # since the kernel began
    thread: u64             # which one runs: the same number for the same thread while it lives; 0: none
    event: u32
    number: u32
    value: u64              # of a count of times: the count; `number` is the bucket, and `event` CALL or INTERRUPT


assert sizeof(TraceRecord) == 32
