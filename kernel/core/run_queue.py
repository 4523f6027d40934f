"""The threads that are ready on one CPU: a ring of threads for each priority, and a word that tells which have any.

Pure: tested on the host.
Invariants: I-CORE-4: bit p of `ready` is set exactly when a thread of priority p is in the queue.
Locks: RunQueue.lock (Rank.RUN_QUEUE) guards all but the atomics, which others read for a hint.
"""
from compiler.prelude import array, atomic, const, count_zeros_left, guarded_by, inline, ptr, requires, struct, u32, u64
from kernel.abi.thread import DEFAULT_PRIORITY, PRIORITIES, SchedulingClass
from kernel.core.chain import append, unlink
from kernel.core.thread_block import Thread, may_run_on
from kernel.sync.spinlock import SpinLock

SLICE_NS = const(5_000_000)
_LEAST_SLICE_NS = const(SLICE_NS // 8)
_MOST_TURNS = const(8)                  # that a thread can owe
_LOOKED_AT = const(8)                   # threads of one priority that a thief tries before it goes on
IDLE = const(0)                         # as the level of what runs


@struct(align=64)
class RunQueue:
    lock: SpinLock
    ready: atomic[u64]
    length: atomic[u32]
    running: atomic[u32]                # level, that is, priority + 1, of the thread that runs; IDLE without one
    idle_time: atomic[u64]              # ticks
    with guarded_by("lock"):
        first: array[ptr[Thread] | None, PRIORITIES]
    with guarded_by("cpu"):
        is_ticking: bool = False        # the end of the slice is awaited
        slice_end_ns: u64 = 0
        since: u64 = 0                  # the tick up to which time has been charged to somebody
        switches: u64 = 0
        # Which bits of a thread's priority count here, and what is added: by priority, or all threads in one round.
        significant: u32 = PRIORITIES - 1
        base: u32 = 0


@inline
def level_in(queue: ptr[RunQueue], thread: ptr[Thread]) -> u32:
    """The level that a thread has on this queue's CPU: by its priority, or the same for all."""
    return (thread.priority & queue.significant | queue.base) + 1


@requires("queue.lock")
def use_class(queue: ptr[RunQueue], scheduling: SchedulingClass) -> None:
    """Lets priorities count, or not, and sorts the threads that are ready anew."""
    waiting: ptr[Thread] | None = None
    thread = pop(queue)
    while thread is not None:
        waiting = append(waiting, thread)
        thread = pop(queue)
    is_round_robin = scheduling == SchedulingClass.ROUND_ROBIN
    queue.significant = 0 if is_round_robin else u32(PRIORITIES - 1)
    queue.base = u32(DEFAULT_PRIORITY) if is_round_robin else 0
    first = waiting
    while first is not None:
        following = unlink(first, first)
        push(queue, first)
        first = following


@requires("queue.lock")
def push(queue: ptr[RunQueue], thread: ptr[Thread]) -> None:
    """Puts a thread behind those of its priority."""
    priority = (level_in(queue, thread) - 1) & (PRIORITIES - 1)
    queue.first[priority] = append(queue.first[priority], thread)
    thread.is_ready = True
    queue.length.store(queue.length.load("relaxed") + 1, "relaxed")
    # Full: pairs with the direct switch, which notes what runs and then looks here (I-CORE-5), and with a CPU that
    # begins to idle and then looks into this queue (I-CORE-10).
    _ = queue.ready.fetch_or(u64(1) << u64(priority), "seq_cst")


@requires("queue.lock")
def push_first(queue: ptr[RunQueue], thread: ptr[Thread]) -> None:
    """Puts a thread before those of its priority: it has not used up its slice."""
    push(queue, thread)
    queue.first[(level_in(queue, thread) - 1) & (PRIORITIES - 1)] = thread


@requires("queue.lock")
def remove(queue: ptr[RunQueue], thread: ptr[Thread]) -> None:
    priority = (level_in(queue, thread) - 1) & (PRIORITIES - 1)
    first = unlink(queue.first[priority], thread)
    queue.first[priority] = first
    thread.is_ready = False
    if first is None:
        _ = queue.ready.fetch_and(~(u64(1) << u64(priority)), "relaxed")
    queue.length.store(queue.length.load("relaxed") - 1, "relaxed")


def top_level(queue: ptr[RunQueue]) -> u32:
    """The priority of the first thread, plus 1; 0 when there is none."""
    return u32(64 - count_zeros_left(queue.ready.load("relaxed")))


@requires("queue.lock")
def pop(queue: ptr[RunQueue]) -> ptr[Thread] | None:
    level = top_level(queue)
    if level == IDLE:
        return None
    thread = queue.first[level - 1]
    assert thread is not None
    chosen = thread if thread.turns_owed == 0 else _let_others_first(queue, level, thread)
    remove(queue, chosen)
    return chosen


@requires("queue.lock")
def _let_others_first(queue: ptr[RunQueue], level: u32, first: ptr[Thread]) -> ptr[Thread]:
    """Deficit round robin (Shreedhar and Varghese, 1995): whoever owes turns gives them to its equals."""
    thread = first
    while thread.turns_owed != 0:
        following = thread.next
        if following is None or following == thread:
            thread.turns_owed = 0       # there is nobody to whom it owes them
        else:
            thread.turns_owed -= 1
            queue.first[level - 1] = following
            thread = following
    return thread


def note_slice(queue: ptr[RunQueue], thread: ptr[Thread], now_ns: u64) -> None:
    """Notes what is left of the slice of a thread that stops running; or what it ran beyond its end, because the alarm
    came late: it pays with its next turns."""
    if now_ns < queue.slice_end_ns:
        thread.slice_left_ns = queue.slice_end_ns - now_ns
        return
    # While nobody waited for the end of the slice the alarm was not late, it was not set.
    over_ns = now_ns - queue.slice_end_ns if queue.is_ticking else u64(0)
    thread.turns_owed = min(thread.turns_owed + u32(min(over_ns // SLICE_NS, _MOST_TURNS)), _MOST_TURNS)
    thread.slice_left_ns = max(SLICE_NS - over_ns % SLICE_NS, _LEAST_SLICE_NS)


@requires("queue.lock")
def find_movable(queue: ptr[RunQueue], index: u32) -> ptr[Thread] | None:
    """A thread, of a priority as high as can be, that may run on CPU `index`. It stays in the queue."""
    level = top_level(queue)
    while level != IDLE:
        thread = queue.first[level - 1]
        for _ in range(_LOOKED_AT):
            if thread is None:
                break
            if may_run_on(thread, index):
                return thread
            thread = thread.next
        level -= 1
    return None
