"""Whether the time stamp counters of all CPUs are in step: does any CPU read less than another one has read before?

While a CPU starts, it and the boot CPU look at the same time.
"""
from compiler.prelude import atomic, const, u64
from kernel.arch.x86_64.registers import read_ordered_time_stamp

LOOKS = const(500)
TOLERATED = const(2000)                 # ticks: less than it takes to tell another CPU the time

_newest: atomic[u64] = 0
_largest_step: atomic[u64] = 0


def look() -> None:
    before = _newest.load("seq_cst")
    now = read_ordered_time_stamp()
    if now < before:
        _note(before - now)
        return
    while True:
        found, is_done = _newest.compare_exchange(before, now, "seq_cst")
        if is_done or found >= now:
            break
        before = found


def largest() -> u64:
    """The largest step backwards that any CPU has seen, in ticks."""
    return _largest_step.load("relaxed")


def _note(step: u64) -> None:
    largest_yet = _largest_step.load("relaxed")
    while step > largest_yet:
        largest_yet, is_done = _largest_step.compare_exchange(largest_yet, step, "relaxed")
        if is_done:
            break
