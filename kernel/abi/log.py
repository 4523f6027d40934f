"""The log as programs see it: levels, and one record for each line.

A CPU's lines are numbered from 0. The kernel keeps the newest LOG_RECORDS of each CPU; older ones are lost to whoever
has not read them.
"""
from enum import IntEnum

from compiler.prelude import array, const, sizeof, struct, u8, u32, u64

LOG_RECORDS = const(23)
LOG_TEXT_BYTES = const(320)


class Level(IntEnum):
    ERROR = 0               # something does not work
    WARN = 1                # something works in a lesser way than it should
    INFO = 2
    DEBUG = 3               # in debug builds only


@struct
class LogRecord:
    time_ns: u64            # since the boot
    level: u32              # Level
    length: u32
    text: array[u8, LOG_TEXT_BYTES]


assert sizeof(LogRecord) == 336
