"""The kernel's log: every line goes into its CPU's ring, and to the console if its level is shown.

Lines are written whole: `log.warn(f"boot: cpu {number} does not answer")`. In an NMI, note() takes the place of the
others: it only fills the ring, and the CPU's next line brings it to the console.
Owns: the rings; what has been shown of each.
Invariants: I-LOG-2: a CPU's lines reach the console in order, one at a time, all of them unless more than a ring of
NMIs' lines came at once; how many were lost is told.
Locks: console_lock (Rank.CONSOLE) is held for the lines that a CPU has to show.
"""
from compiler.prelude import addr, array, atomic, const, fstring, option, percpu, ptr, span, u8, u32, u64, zeroed
from kernel.abi.log import LOG_RECORDS, Level, LogRecord
from kernel.arch.x86_64 import clock, cpu
from kernel.config import CPU_LIMIT
from kernel.core import console
from kernel.core.line import Line
from kernel.core.log_ring import LogRing, get, put
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

HAS_DEBUG = const(option("DEBUG", False))   # ask this before debug(): a release build then has not even its text

LEVEL_BITS = const(0xFF)                # of a record in a ring
_ALWAYS = const(0x100)                  # beside a level: shown whatever the command line says

console_lock: SpinLock = SpinLock(rank=Rank.CONSOLE)
rings: array[u64, CPU_LIMIT] = zeroed()         # addresses of every CPU's LogRing, by index; 0: none yet

_was_free: bool = False                 # the console, when a panic seized it
_shown_level: atomic[u32] = Level.INFO
_boot_ring: LogRing = LogRing()
_ring: percpu[ptr[LogRing] | None] = None
_shown: percpu[u64] = 0                 # the number of this CPU's first line that the console has not seen


def start() -> None:
    """Opens the console and the ring of the boot CPU."""
    console.start()
    use_ring(addr(_boot_ring))


def use_ring(ring: ptr[LogRing]) -> None:
    """Gives this CPU its ring, zeroed. Requires: it has none."""
    global _ring
    _ring = ring
    rings[cpu.index] = u64(ring)


def show_level(level: u32) -> None:
    """From here on the console shows lines of this level and of graver ones, from every CPU."""
    _shown_level.store(level, "relaxed")


def error(line: fstring[Line]) -> None:
    _write(Level.ERROR, line)


def warn(line: fstring[Line]) -> None:
    _write(Level.WARN, line)


def error_line(line: ptr[Line]) -> None:
    """For lines that f-strings cannot make, because they hold somebody else's text."""
    _write(Level.ERROR, line)


def warn_line(line: ptr[Line]) -> None:
    """Likewise."""
    _write(Level.WARN, line)


def info(line: fstring[Line]) -> None:
    _write(Level.INFO, line)


def debug(line: fstring[Line]) -> None:
    if HAS_DEBUG:
        _write(Level.DEBUG, line)


def write(line: ptr[Line]) -> None:
    """A line that is shown whatever the level: what programs say, and what others wait for."""
    _write(Level.INFO | _ALWAYS, line)


def write_text(text: span[u8]) -> None:
    """Bytes for the console that are no line of the log."""
    with console_lock:
        console.write_text(text)


def note(line: fstring[Line]) -> None:
    """Keeps a warning without showing it: for NMIs, which may have interrupted this CPU in the middle of a line."""
    ring = _ring
    if ring is not None:
        put(ring, Level.WARN, clock.now_ns(), line.written())


def seize() -> None:
    """Gives a panic the console whoever held it, at the beginning of a line. Requires: other CPUs have been stopped."""
    global _was_free
    _was_free = console_lock.seize()
    console.end_line()


def give_back() -> None:
    """After seize(), when the panic is survived. Who held the console goes on in the middle of its line."""
    if _was_free:
        console_lock.give_back()


def write_in_panic(line: ptr[Line]) -> None:
    """Requires: seize() was called, and by this CPU."""
    console.write_panic_line(line.written())


def _write(level: u32, line: ptr[Line]) -> None:
    ring = _ring
    assert ring is not None, "this CPU has no ring yet"
    put(ring, level, clock.now_ns(), line.written())
    with console_lock:
        _show(ring)


def _show(ring: ptr[LogRing]) -> None:
    global _shown
    end = ring.next.load("relaxed")
    record = LogRecord()
    lost: u64 = 0
    if end - _shown > LOG_RECORDS:
        lost = end - _shown - LOG_RECORDS
        _shown = end - LOG_RECORDS
    while _shown < end:
        is_there = get(ring, _shown, addr(record))
        _shown += 1
        if not is_there:
            lost += 1
        elif record.level & _ALWAYS != 0 or record.level <= _shown_level.load("relaxed"):
            console.write_line(record.level & LEVEL_BITS, record.text[0 : record.length])
    if lost != 0:
        line = Line()
        line.add(f"log: {lost} lines of cpu {cpu.index} were lost")
        console.write_line(Level.WARN, line.written())
