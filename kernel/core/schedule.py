"""The scheduler: which thread each CPU runs.

A ready thread is in the queue of the CPU that it belongs to. A CPU runs the first thread of the highest priority in
its queue; threads of one priority take turns of SLICE_NS. A CPU without a thread takes one from another's queue
before it halts; at the end of a slice it takes one from a longer queue. The timer runs only while somebody waits for
the end of a slice.
Invariants: I-CORE-5: RunQueue.running changes under the queue's lock, or (direct switch, entry/direct.py) before a full
fence and a look at the queue: so a thread that is put into a queue is noticed by its CPU or by whoever puts it there.
Locks: a run queue's (Rank.RUN_QUEUE), one at a time.
Not here: each CPU's queue and the time charged there (cpu_queue.py), registers, page tables, vector state (context.py),
what a thread waits for (wait.py), changes of priority and affinity (thread_changes.py).
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import (
    addr,
    array,
    atomic,
    const,
    count_zeros_right,
    panic,
    ptr,
    requires,
    u32,
    u64,
    wrap_neg,
    zeroed,
)
from kernel.arch.x86_64 import cpu, mailbox
from kernel.arch.x86_64.clock import now_ns
from kernel.arch.x86_64.registers import read_time_stamp, wait_for_interrupt
from kernel.core import alarm, context, grace, work
from kernel.core.cpu_queue import charge, charge_capped, note_cap, queue_of, this_queue
from kernel.core.online import ONLINE_WORDS, first_online, is_online, online, set_online
from kernel.core.run_queue import IDLE, RunQueue, pop, push, push_first, remove, top_level
from kernel.core.thread_block import STOPPING, UPCALL_DUE, Thread, cpu_of, current_thread, may_run_on, move
from kernel.core.timers import NEVER

SLICE_NS = const(5_000_000)
_MOST_OVER = const(SLICE_NS * 7 // 8)
_LOOKED_AT = const(8)                   # threads of one priority that a thief tries before it goes on


def _no_stop(thread: ptr[Thread]) -> None:
    panic("a thread was stopped before there was anything to stop it")


stop: Callable[[ptr[Thread]], None] = _no_stop      # what is done with a thread that a condition stops (core/wait.py)

_idle: array[atomic[u64], ONLINE_WORDS] = zeroed()


def run() -> NoReturn:
    """This CPU begins to take part."""
    this_queue().since = read_time_stamp()
    set_online(cpu.index)
    leave()


def make_ready(thread: ptr[Thread]) -> None:
    """Lets a thread run when its turn comes. Requires: the caller owns it; its registers are complete."""
    target = _place(thread)
    move(thread, target)
    queue = queue_of(target)
    with queue.lock:
        push(queue, thread)
        level = thread.priority + 1
        running = queue.running.load("relaxed")
        is_noticed = level < running or (level == running and queue.is_ticking)
    if not is_noticed:
        reschedule(target)


def reschedule(target: u32) -> None:
    """Makes a CPU compare the thread that it runs with its queue, and look at the thread's conditions."""
    if target == cpu.index:
        cpu.attention = 1
    else:
        mailbox.post(target, mailbox.Request.RESCHEDULE)


def note_request() -> None:
    """The mailbox's handler for RESCHEDULE, and the end of an alarm: whoever leaves the kernel next looks."""
    cpu.attention = 1


def look() -> None:
    """Returns if the current thread is to go on, which has entered the kernel and whose registers are complete."""
    cpu.attention = 0
    grace.note_quiet()
    thread = current_thread()
    queue = this_queue()
    level = thread.priority + 1
    work.run_some(level)
    charge_capped(thread)
    now = now_ns()
    is_over = now >= queue.slice_end_ns
    if is_over:
        _balance(queue)
    top = top_level(queue)
    goes_on = thread.conditions.load("seq_cst") & STOPPING == 0 and may_run_on(thread, cpu.index)
    goes_on = goes_on and is_online(cpu.index)
    if goes_on and (top < level or (top == level and not is_over)):
        if thread.conditions.load("relaxed") & UPCALL_DUE != 0:
            context.deliver_upcall(thread)
        _run_on(queue, level, now + SLICE_NS if is_over else queue.slice_end_ns, note_cap(thread))
        return
    # What a thread ran over the end of its slice is taken off its next one.
    thread.slice_left_ns = SLICE_NS - min(now - queue.slice_end_ns, _MOST_OVER) if is_over else queue.slice_end_ns - now
    context.save(thread)
    charge(thread)
    if thread.conditions.load("relaxed") & STOPPING != 0:
        stop(thread)
    else:
        _put_back(thread, is_over)
    leave()


def yield_now() -> None:
    """As look(), but gives up the rest of the slice."""
    this_queue().slice_end_ns = now_ns()
    work.give_turn()
    look()


def leave() -> NoReturn:
    """Gives this CPU, which runs no thread any more, to the one whose turn it is."""
    queue = this_queue()
    while True:
        cpu.attention = 0
        grace.note_quiet()
        work.run_some(top_level(queue))
        if cpu.attention != 0:
            continue
        if not is_online(cpu.index):
            _give_away(queue)
            _halt(queue)
            continue
        thread = _take(queue)
        if thread is None:
            _halt(queue)
        elif thread.conditions.load("seq_cst") & STOPPING != 0:
            stop(thread)
        else:
            queue.switches += 1
            left = thread.slice_left_ns
            _run_on(queue, thread.priority + 1, now_ns() + (left if left != 0 else SLICE_NS), note_cap(thread))
            context.enter(thread)


def _run_on(queue: ptr[RunQueue], level: u32, slice_end_ns: u64, is_capped: bool) -> None:
    """Notes what runs from here on, and sets the alarm if somebody waits for the end of its slice."""
    queue.slice_end_ns = slice_end_ns
    with queue.lock:
        queue.running.store(level, "relaxed")
        queue.is_ticking = top_level(queue) == level
    alarm.set_slice_end(slice_end_ns if queue.is_ticking else NEVER)
    if work.top_level() == level or is_capped:
        alarm.set_slice_end(min(slice_end_ns, now_ns() + work.QUANTUM_NS))


def _put_back(thread: ptr[Thread], is_over: bool) -> None:
    """Makes a thread ready that was preempted: before its equals unless its slice is over."""
    target = _place(thread)
    move(thread, target)
    queue = queue_of(target)
    with queue.lock:
        if is_over:
            push(queue, thread)
        else:
            push_first(queue, thread)
    if target != cpu.index:
        reschedule(target)


def _give_away(queue: ptr[RunQueue]) -> None:
    """This CPU is off line: its threads go elsewhere. What its timers and interrupts wake does so by itself."""
    while queue.length.load("relaxed") != 0:
        with queue.lock:
            thread = pop(queue)
            queue.running.store(IDLE, "relaxed")
        if thread is not None:
            make_ready(thread)


def _take(queue: ptr[RunQueue]) -> ptr[Thread] | None:
    with queue.lock:
        thread = pop(queue)
        if thread is not None:
            queue.running.store(thread.priority + 1, "relaxed")
            return thread
        queue.running.store(IDLE, "relaxed")
    return _steal(0)


def _steal(at_least: u32) -> ptr[Thread] | None:
    """Takes a thread that may run here from the first other queue with more than `at_least` threads."""
    for step in range(u32(1), cpu.known_cpus):
        other = (cpu.index + step) % cpu.known_cpus
        if not is_online(other) or queue_of(other).length.load("relaxed") <= at_least:
            continue
        victim = queue_of(other)
        with victim.lock:
            thread = _find_movable(victim)
            if thread is not None:
                remove(victim, thread)
                move(thread, cpu.index)
                return thread
    return None


@requires("queue.lock")
def _find_movable(queue: ptr[RunQueue]) -> ptr[Thread] | None:
    level = top_level(queue)
    while level != IDLE:
        thread = queue.first[level - 1]
        for _ in range(_LOOKED_AT):
            if thread is None:
                break
            if may_run_on(thread, cpu.index):
                return thread
            thread = thread.next
        level -= 1
    return None


def _balance(queue: ptr[RunQueue]) -> None:
    """At the end of a slice: takes a thread from a longer queue, or makes a CPU with a shorter one do so."""
    length = queue.length.load("relaxed")
    thread = _steal(length)
    if thread is not None:
        with queue.lock:
            push(queue, thread)
        return
    for step in range(u32(1), cpu.known_cpus):
        other = (cpu.index + step) % cpu.known_cpus
        if is_online(other) and queue_of(other).length.load("relaxed") < length:
            reschedule(other)
            return


def _place(thread: ptr[Thread]) -> u32:
    """Where it was, if that CPU is idle; else an idle CPU; else where it was; at first the one with the least to do."""
    home = cpu_of(thread)
    stays = may_run_on(thread, home) and is_online(home)
    if stays and queue_of(home).running.load("relaxed") == IDLE:
        return home
    for word in range(ONLINE_WORDS):
        candidates = _idle[word].load("relaxed") & thread.affinity[word].load("relaxed") & online[word].load("relaxed")
        if candidates != 0:
            # It is not idle to whoever looks next.
            _ = _idle[word].fetch_and(~(candidates & wrap_neg(candidates)), "relaxed")
            return u32(word) * 64 + u32(count_zeros_right(candidates))
    return home if stays and thread.cpu_time != 0 else _least_loaded(thread)


def _least_loaded(thread: ptr[Thread]) -> u32:
    best = first_online()
    least: u32 = 0xFFFF_FFFF
    for index in range(cpu.known_cpus):
        if is_online(index) and may_run_on(thread, index):
            queue = queue_of(index)
            load = queue.length.load("relaxed") + u32(queue.running.load("relaxed") != IDLE)
            if load < least:
                best = index
                least = load
    return best


def _halt(queue: ptr[RunQueue]) -> None:
    """Halts until an interrupt, unless a thread has come meanwhile."""
    context.unload()
    mine = addr(_idle[cpu.index // 64])
    _ = mine.fetch_or(u64(1) << u64(cpu.index % 64), "seq_cst")
    if queue.length.load("relaxed") == 0 and cpu.attention == 0:
        wait_for_interrupt()
    cpu.attention = 0
    _ = mine.fetch_and(~(u64(1) << u64(cpu.index % 64)), "seq_cst")
    now = read_time_stamp()
    _ = queue.idle_time.fetch_add(now - queue.since, "relaxed")
    queue.since = now
