"""The trace: what each CPU did, newest last, while it was on. Programs read it by SYSTEM_READ_TRACE."""
from enum import IntEnum

from compiler.prelude import const, sizeof, struct, u32, u64

TRACE_RECORDS = const(2047)             # of each CPU that are kept


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
    value: u64


assert sizeof(TraceRecord) == 32
