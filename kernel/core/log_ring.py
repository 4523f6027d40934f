"""The newest lines of one CPU, kept in memory.

Pure: tested on the host.
Only its own CPU writes to a ring, but an NMI may interrupt it anywhere and write as well: each writer first takes a
number, and with it a slot of its own. Any CPU reads.
Invariants: I-LOG-1: `stamp` of a slot is the number of the line in it plus one, and 0 while the line is written.
"""
from compiler.prelude import array, atomic, copy, fence, ptr, span, struct, u8, u32, u64
from kernel.abi.log import LOG_RECORDS, LOG_TEXT_BYTES, LogRecord


@struct
class Slot:
    stamp: atomic[u64]
    record: LogRecord


@struct
class LogRing:
    next: atomic[u64]                   # the number of the next line
    shown: atomic[u64]                  # of the first line that nobody has shown (log_lines.py)
    lost: u64                           # lines before that one that nobody could show, not told yet
    told: u64                           # the number of the first line that has not gone to the debug port
    slots: array[Slot, LOG_RECORDS]


def put(ring: ptr[LogRing], level: u32, time_ns: u64, text: span[u8]) -> None:
    """Keeps a line; what is longer than LOG_TEXT_BYTES is cut off."""
    number = ring.next.fetch_add(1, "relaxed")
    place = number % LOG_RECORDS
    ring.slots[place].stamp.store(0, "relaxed")
    fence("seq_cst")                    # nobody takes what follows for the old line
    length = min(u64(len(text)), LOG_TEXT_BYTES)
    ring.slots[place].record.time_ns = time_ns
    ring.slots[place].record.level = level
    ring.slots[place].record.length = u32(length)
    for index in range(length):
        ring.slots[place].record.text[index] = text[index]
    ring.slots[place].stamp.store(number + 1, "release")


def get(ring: ptr[LogRing], number: u64, record: ptr[LogRecord]) -> bool:
    """Copies a line. Returns False when it has been overwritten, or is not complete yet."""
    place = number % LOG_RECORDS
    if ring.slots[place].stamp.load("acquire") != number + 1:
        return False
    record[0] = copy(ring.slots[place].record)
    fence("seq_cst")
    return ring.slots[place].stamp.load("relaxed") == number + 1
