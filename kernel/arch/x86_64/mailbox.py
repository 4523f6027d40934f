"""Requests between CPUs: one word of pending bits for each CPU, and one interrupt vector that says "look".

A request is a bit, so posting never waits, never allocates and never loses one: what is asked twice before the target
looks is done once. The interrupt is sent only when the word was empty, because otherwise one is under way.
Invariants: I-ARCH-4: whoever spins for a lock or an acknowledgement calls poll(), so that a CPU with interrupts off
still answers TLB_FLUSH; the other requests wait until it leaves what it is doing.
Not here: what is done about a request (each has one handler, set at start by the module that owns the work); the stop
of all CPUs for a panic, which is an NMI (core/panic.py).
"""
from collections.abc import Callable
from enum import IntEnum

from compiler.prelude import array, atomic, const, count_zeros_right, spin_hint, struct, u32, u64, zeroed
from kernel.arch.x86_64 import apic, cpu
from kernel.arch.x86_64.traps import REQUEST
from kernel.config import CPU_LIMIT
from kernel.sync import spinlock


class Request(IntEnum):
    """In the order in which they are handled."""
    TLB_FLUSH = 0           # arch/x86_64/tlb.py
    FLUSHED = 1             # arch/x86_64/tlb.py: look whether others have all their answers
    GRACE = 2               # core/grace.py: tell that this CPU has been seen outside the kernel
    WORK = 3                # core/work.py: the work queue has become non-empty
    RESCHEDULE = 4          # core/schedule.py: compare the running thread with the queue
    TRACE = 5               # core/trace.py: tracing has been turned on or off
    TIMERS = 6              # core/alarm.py: this CPU has been given timers


REQUESTS = const(7)
_IN_SPIN_LOOPS = const(1 << Request.TLB_FLUSH)


@struct(size=64)
class Box:
    pending: atomic[u64]


def _ignore() -> None:
    pass


handlers: array[Callable[[], None], REQUESTS] = array(_ignore for _ in range(REQUESTS))

_boxes: array[Box, CPU_LIMIT] = zeroed(align=64)


def open_for_spinning() -> None:
    """From here on whoever waits for a lock answers requests. Requires: this CPU's index is set."""
    spinlock.while_spinning = _poll_and_pause


def post(target: u32, request: Request) -> None:
    """Asks a CPU for something; it looks at once unless its interrupts are off. All that was stored is seen there."""
    if _boxes[target].pending.fetch_or(u64(1) << u64(request), "seq_cst") == 0:
        apic.send(target, REQUEST)


def take_all() -> None:
    """Handles every request to this CPU. Requires: no lock is held."""
    _handle(_boxes[cpu.index].pending.exchange(0, "seq_cst"))


def poll() -> None:
    """Handles what may not wait for this CPU to stop spinning. Locks may be held: these handlers take none."""
    if _boxes[cpu.index].pending.load("relaxed") & _IN_SPIN_LOOPS != 0:
        _handle(_boxes[cpu.index].pending.fetch_and(~u64(_IN_SPIN_LOOPS), "seq_cst") & _IN_SPIN_LOOPS)


def _poll_and_pause() -> None:
    poll()
    spin_hint()


def _handle(requests: u64) -> None:
    left = requests
    while left != 0:
        handlers[count_zeros_right(left)]()
        left &= left - 1
