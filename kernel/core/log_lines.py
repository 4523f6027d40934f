"""The lines of the log that nobody has shown yet, of all CPUs, and where they go.

A line is shown on the screen and the serial line: by the kernel, or by the program that has the console (log.py). It
also goes to the debug port, by the kernel whoever shows it.
Owns: the rings; LogRing.shown, lost and told.
Locks: all of it requires console_lock (log.py); a panic has seized it.
"""
from compiler.prelude import addr, array, atomic, const, copy, ptr, u32, u64, zeroed
from kernel.abi.log import LOG_RECORDS, LOG_TEXT_BYTES, Level, LogRecord
from kernel.arch.x86_64 import cpu
from kernel.config import CPU_LIMIT
from kernel.core import console
from kernel.core.line import Line
from kernel.core.log_ring import LogRing, get

LEVEL_BITS = const(0xFF)                # of a record in a ring
ALWAYS = const(0x100)                   # beside a level: shown whatever the command line says
NO_LINE = const(CPU_LIMIT)

rings: array[u64, CPU_LIMIT] = zeroed()         # addresses of every CPU's LogRing, by index; 0: none yet
shown_level: atomic[u32] = Level.INFO


def find_oldest(record: ptr[LogRecord]) -> u64:
    """The oldest line that nobody has shown, copied. Returns its CPU, or NO_LINE."""
    oldest: u64 = NO_LINE
    candidate = LogRecord()
    for index in range(max(u64(cpu.known_cpus), 1)):
        if rings[index] != 0 and find_first(index, addr(candidate)):
            if oldest == NO_LINE or candidate.time_ns < record.time_ns:
                oldest = index
                record[0] = copy(candidate)
    return oldest


def find_first(index: u64, record: ptr[LogRecord]) -> bool:
    """The same of one CPU. What is not to be shown is passed; how many lines were lost is told in a line."""
    ring = ptr[LogRing](rings[index])
    end = ring.next.load("acquire")
    number = ring.shown.load("relaxed")
    oldest = end - min(end, LOG_RECORDS)
    if number < oldest:
        ring.lost += oldest - number
        number = oldest
    is_found = False
    while number < end and not is_found:
        is_there = get(ring, number, record)
        if not is_there and ring.next.load("acquire") - number <= LOG_RECORDS:
            break                       # it is still being written
        is_found = is_there and _is_wanted(record)
        if not is_there:
            ring.lost += 1
        if not is_found:
            number += 1
    ring.shown.store(number, "relaxed")
    if ring.lost != 0:
        _write_loss(index, ring.lost, record)
        return True
    return is_found


def pass_first(index: u64) -> None:
    """Counts as shown what find_first() found."""
    ring = ptr[LogRing](rings[index])
    if ring.lost != 0:
        ring.lost = 0
    else:
        ring.shown.store(ring.shown.load("relaxed") + 1, "relaxed")


def show_first(index: u64) -> None:
    """Shows all of one CPU."""
    record = LogRecord()
    while find_first(index, addr(record)):
        pass_first(index)
        _show(addr(record))


def show_all() -> None:
    record = LogRecord()
    while True:
        index = find_oldest(addr(record))
        if index == NO_LINE:
            return
        pass_first(index)
        _show(addr(record))


def tell(ring: ptr[LogRing]) -> None:
    """Writes to the debug port what has not been there."""
    end = ring.next.load("relaxed")
    record = LogRecord()
    for number in range(max(ring.told, end - min(end, LOG_RECORDS)), end):
        if get(ring, number, addr(record)) and _is_wanted(addr(record)):
            console.write_debug_line(record.level & LEVEL_BITS, record.text[0 : record.length])
    ring.told = end


def _is_wanted(record: ptr[LogRecord]) -> bool:
    return record.level & ALWAYS != 0 or record.level <= shown_level.load("relaxed")


def _show(record: ptr[LogRecord]) -> None:
    console.write_line(record.level & LEVEL_BITS, record.text[0 : record.length])


def _write_loss(index: u64, lost: u64, record: ptr[LogRecord]) -> None:
    line = Line()
    line.add(f"log: {lost} lines of cpu {index} were lost")
    record.time_ns = 0                  # older than whatever is left
    record.level = Level.WARN
    record.length = line.length
    for place in range(u64(LOG_TEXT_BYTES)):
        record.text[place] = line.characters[place]
