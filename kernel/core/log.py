"""The kernel's log: every line goes into its CPU's ring, and to the console if its level is shown.

Lines are written whole: `log.warn(f"boot: cpu {number} does not answer")`. In an NMI, note() takes the place of the
others: it only fills the ring, and the CPU's next line brings it to the console.
A program may take the console: then it reads the lines and shows them. What it has not shown the kernel shows when the
program lets go, when it shows nothing for PATIENCE_NS while there is no room, in a panic, and when the machine ends.
Owns: each CPU's ring, and who has the console.
Invariants: I-LOG-2: a CPU's lines reach the console in order, one at a time, all of them unless more than a ring of
NMIs' lines came at once, or more of the kernel's own than the ring has room for while a program has the console; how
many were lost is told. Lines of programs wait for room (has_room).
Locks: console_lock (Rank.CONSOLE) is held for the lines that a CPU has to show.
"""
from collections.abc import Callable

from compiler.prelude import addr, const, fstring, option, percpu, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.log import LOG_RECORDS, Level, LogRecord
from kernel.arch.x86_64 import clock, cpu
from kernel.core import console, log_lines
from kernel.core.line import Line
from kernel.core.log_lines import ALWAYS, NO_LINE
from kernel.core.log_ring import LogRing, get, put
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

HAS_DEBUG = const(option("DEBUG", False))   # ask this before debug(): a release build then has not even its text

_RESERVED_RECORDS = const(7)            # of a ring, for lines of the kernel itself
PATIENCE_NS = const(5_000_000_000)
_NOBODY = const(0)


def _stay_silent() -> None:
    pass


console_lock: SpinLock = SpinLock(rank=Rank.CONSOLE)
holder: u64 = _NOBODY                   # the Console object (objects/console.py) of the program that has the console
holder_has_lines: Callable[[], None] = _stay_silent     # tells it. Set while booting

_is_borrowed: bool = False              # the kernel shows the lines although somebody has the console
_times_borrowed: u64 = 0
_read: u64 = NO_LINE                    # the CPU whose first line the holder has read
_was_free: bool = False                 # the console, when a panic seized it
_boot_ring: LogRing = LogRing()
_ring: percpu[ptr[LogRing] | None] = None


def start() -> None:
    """Opens the console and the ring of the boot CPU."""
    console.start()
    use_ring(addr(_boot_ring))


def use_ring(ring: ptr[LogRing]) -> None:
    """Gives this CPU its ring, zeroed. Requires: it has none."""
    global _ring
    _ring = ring
    log_lines.rings[cpu.index] = u64(ring)


def show_level(level: u32) -> None:
    """From here on the console shows lines of this level and of graver ones, from every CPU."""
    log_lines.shown_level.store(level, "relaxed")


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
    _write(Level.INFO | ALWAYS, line)


def note(line: fstring[Line]) -> None:
    """Keeps a warning without showing it: for NMIs, which may have interrupted this CPU in the middle of a line."""
    ring = _ring
    if ring is not None:
        put(ring, Level.WARN, clock.now_ns(), line.written())


def seize() -> None:
    """Gives a panic the console whoever had it, at the beginning of a line. What nobody has shown comes first.

    Requires: other CPUs have been stopped.
    """
    global _was_free
    _was_free = console_lock.seize()
    if is_away():
        _borrow()
    else:
        console.end_line()


def seize_to_end() -> None:
    """The same for the machine's end, which has no more to say: what is on the console stays if there is no more."""
    _ = console_lock.seize()
    record = LogRecord()
    if log_lines.find_oldest(addr(record)) != NO_LINE:
        _borrow()


def give_back() -> None:
    """After seize(), when the panic is survived. Who held the console goes on in the middle of its line."""
    if _was_free:
        console_lock.give_back()


def write_in_panic(line: ptr[Line]) -> None:
    """Requires: seize() was called, and by this CPU."""
    console.write_panic_line(line.written())


def is_away() -> bool:
    """Whether a program shows the lines."""
    return holder != _NOBODY and not _is_borrowed


def hand_over(to: u64) -> None:
    """A program has the console from here on; whoever had it has it no more."""
    global holder, _is_borrowed, _times_borrowed, _read
    with console_lock:
        holder = to
        _is_borrowed = False
        _times_borrowed = 0
        _read = NO_LINE


def take_back(given: u64) -> None:
    """The program to which it was handed over is gone. Nothing happens when somebody else has it."""
    global holder
    with console_lock:
        if holder == given:
            if is_away():
                _borrow()
            holder = _NOBODY


def read_line(reader: u64, record: ptr[LogRecord]) -> tuple[Status, u64]:
    """The oldest line that nobody has shown; the one before counts as shown. See CONSOLE_READ_LINE (abi/methods.py).

    Errors: WOULD_BLOCK, DESTROYED when somebody else has the console.
    """
    global _is_borrowed, _read
    with console_lock:
        if holder != reader:
            return Status.DESTROYED, 0
        _is_borrowed = False
        if _read != NO_LINE:
            log_lines.pass_first(_read)
        _read = log_lines.find_oldest(record)
        return Status.WOULD_BLOCK if _read == NO_LINE else Status.OK, _times_borrowed


def unread_line(reader: u64) -> None:
    """What was read last has not come to the holder."""
    global _read
    with console_lock:
        if holder == reader:
            _read = NO_LINE


def has_room() -> bool:
    """Whether a line of a program can be taken now and not be lost."""
    ring = _ring
    assert ring is not None, "this CPU has no ring yet"
    if ring.next.load("relaxed") - ring.shown.load("relaxed") < LOG_RECORDS - _RESERVED_RECORDS:
        return True
    with console_lock:
        if is_away():
            oldest = LogRecord()
            is_there = get(ring, ring.shown.load("relaxed"), addr(oldest))
            if is_there and clock.now_ns() < oldest.time_ns + PATIENCE_NS:
                return False
            _borrow()
    return True


def _borrow() -> None:
    global _is_borrowed, _times_borrowed, _read
    _is_borrowed = True
    _times_borrowed += 1
    _read = NO_LINE
    console.take_back()
    log_lines.show_all()


def _write(level: u32, line: ptr[Line]) -> None:
    ring = _ring
    assert ring is not None, "this CPU has no ring yet"
    put(ring, level, clock.now_ns(), line.written())
    with console_lock:
        log_lines.tell(ring)
        if not is_away():
            log_lines.show_first(u64(cpu.index))
    if holder != _NOBODY:
        holder_has_lines()
