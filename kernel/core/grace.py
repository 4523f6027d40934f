"""Grace periods: the time in which every CPU has been seen outside the kernel's handlers once.

The kernel does not preempt itself, so what a handler found by a lookup without lock or reference is not used any more
when its CPU has left the handler: is in user mode, idle, or between slices of work. A period asks every CPU; each says
so at its next such moment (not from a spin loop), and the last one ends the period. One period runs at a time; what is
wanted meanwhile waits for the next.
Locks: _lock (Rank.GRACE); `begun` and `ended` are called without it.
"""

from collections.abc import Callable

from compiler.prelude import atomic, bounded_recursion, count_ones, count_zeros_right, inline, percpu, u32
from kernel.arch.x86_64 import cpu, mailbox
from kernel.core.online import started
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock


def _nothing() -> None:
    pass


begun: Callable[[], None] = _nothing  # what is wanted up to here can be had when this period has ended
ended: Callable[[], None] = _nothing

_lock: SpinLock = SpinLock(rank=Rank.GRACE)
_is_running: bool = False
_is_wanted: bool = False
_silent: atomic[u32] = 0  # CPUs that have not been seen yet
_is_asked: percpu[bool] = False


def start() -> None:
    mailbox.handlers[mailbox.Request.GRACE] = _note_question


def want() -> None:
    """Begins a period, or asks for another one after that which runs."""
    global _is_running, _is_wanted
    with _lock:
        if _is_running:
            _is_wanted = True
            return
        _is_running = True
    _begin()


@inline
def note_quiet() -> bool:
    """This CPU uses nothing that it found by a lookup. Called on the way out of the kernel and before idling.

    Returns whether it has been asked again meanwhile, by a period that began when this answer ended another.
    """
    if _is_asked:
        _answer()
    return _is_asked


def _answer() -> None:
    global _is_asked
    _is_asked = False
    if _silent.fetch_sub(1, "acq_rel") == 1:
        _end()


@bounded_recursion(2)
def _begin() -> None:
    begun()
    words = (cpu.known_cpus + 63) // 64
    count: u32 = 0
    for word in range(words):
        count += u32(count_ones(started[word].load("seq_cst")))
    # One more for the loop below, so that the period does not end before every CPU has been asked.
    _silent.store(count + 1, "seq_cst")
    asked: u32 = 0
    for word in range(words):
        left = started[word].load("seq_cst")
        while left != 0:
            asked += 1
            _ask(word * 64 + u32(count_zeros_right(left)))
            left &= left - 1
    if _silent.fetch_sub(count + 1 - asked, "acq_rel") == count + 1 - asked:
        _end()


def _ask(index: u32) -> None:
    if index == cpu.index:
        _note_question()
    else:
        mailbox.post(index, mailbox.Request.GRACE)


def _note_question() -> None:
    global _is_asked
    _is_asked = True
    cpu.attention = 1


def _end() -> None:
    global _is_running, _is_wanted
    ended()
    with _lock:
        goes_on = _is_wanted
        _is_wanted = False
        _is_running = goes_on
    if goes_on:
        _begin()
