"""CPUs that have nothing to do: which they are, and how one waits until there is something.

Not here: who gives them threads (schedule.py).
"""
from compiler.prelude import array, atomic, const, count_zeros_right, inline, noinline, ptr, u32, u64, wrap_neg, zeroed
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.registers import read_time_stamp, wait_for_interrupt
from kernel.config import CPU_LIMIT
from kernel.core import context, work
from kernel.core.online import ONLINE_WORDS, online
from kernel.core.run_queue import RunQueue
from kernel.core.thread_block import Thread

NO_CPU = const(CPU_LIMIT)

_idle: array[atomic[u64], ONLINE_WORDS] = zeroed()      # bit i of word w: CPU 64 w + i
_count: atomic[u32] = 0                 # of CPUs that say so: mostly none, so that nobody looks at the words in vain


@inline
def are_some_idle() -> bool:
    return _count.load("relaxed") != 0


@inline
def take_idle(thread: ptr[Thread]) -> u32:
    """An idle CPU on which the thread may run, or NO_CPU. It is not idle to whoever asks next."""
    return _take_idle(thread) if are_some_idle() else NO_CPU


@noinline
def _take_idle(thread: ptr[Thread]) -> u32:
    for word in range((cpu.known_cpus + 63) // 64):
        candidates = _idle[word].load("relaxed") & thread.affinity[word].load("relaxed") & online[word].load("relaxed")
        if candidates != 0:
            _ = _idle[word].fetch_and(~(candidates & wrap_neg(candidates)), "relaxed")
            return word * 64 + u32(count_zeros_right(candidates))
    return NO_CPU


def begin_idling() -> None:
    """Before a last look for threads elsewhere: whoever queues one behind another looks here after (I-CORE-10)."""
    _ = _idle[cpu.index // 64].fetch_or(u64(1) << u64(cpu.index % 64), "relaxed")
    _ = _count.fetch_add(1, "seq_cst")


def end_idling() -> None:
    _ = _count.fetch_sub(1, "relaxed")
    _ = _idle[cpu.index // 64].fetch_and(~(u64(1) << u64(cpu.index % 64)), "relaxed")


def halt(queue: ptr[RunQueue]) -> None:
    """Halts this CPU until an interrupt, unless a thread has come meanwhile, or work is left: it may have been put off
    for the turn of a thread that another CPU has taken since."""
    context.unload()
    if queue.length.load("relaxed") == 0 and cpu.attention == 0 and work.top_level() == 0:
        wait_for_interrupt()
    cpu.attention = 0
    now = read_time_stamp()
    _ = queue.idle_time.fetch_add(now - queue.since, "relaxed")
    queue.since = now
