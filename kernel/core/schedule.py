"""The scheduler: which thread each CPU runs.

A ready thread is in the queue of the CPU that it belongs to. A CPU runs the first thread of the highest priority in
its queue; threads of one priority take turns of SLICE_NS. A CPU without a thread takes one from another's queue
before it halts; at the end of a slice it takes one from a longer queue. The timer runs only while somebody waits for
the end of a slice.
Invariants: I-CORE-5: RunQueue.running changes under the queue's lock, or (direct switch, entry/direct.py) before a full
fence and a look at the queue: so a thread that is put into a queue is noticed by its CPU or by whoever puts it there.
I-CORE-10: a CPU says that it idles and then looks into all queues; whoever queues a thread behind another one looks for
idle CPUs after: so no CPU idles while a thread waits that it may run.
Locks: a run queue's (Rank.RUN_QUEUE), one at a time.
Not here: each CPU's queue and the time charged there (cpu_queue.py), registers, page tables, vector state (context.py),
what a thread waits for (wait.py), changes of priority and affinity (thread_changes.py).
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import inline, noinline, panic, ptr, requires, u32, u64
from kernel.arch.x86_64 import cpu, mailbox
from kernel.arch.x86_64.clock import now_ns
from kernel.arch.x86_64.registers import read_time_stamp
from kernel.core import alarm, context, grace, work
from kernel.core.cpu_queue import charge, charge_capped, is_first, least_loaded, note_cap, queue_of, this_queue
from kernel.core.idle import NO_CPU, are_some_idle, begin_idling, end_idling, halt, take_idle
from kernel.core.online import is_online, set_online
from kernel.core.run_queue import (
    IDLE,
    SLICE_NS,
    RunQueue,
    find_movable,
    level_in,
    note_slice,
    pop,
    push,
    push_first,
    remove,
    top_level,
)
from kernel.core.thread_block import STOPPING, Thread, cpu_of, current_thread, may_run_on, move, note_preempted
from kernel.core.timers import NEVER


def _no_stop(thread: ptr[Thread]) -> None:
    panic("a thread was stopped before there was anything to stop it")


stop: Callable[[ptr[Thread]], None] = _no_stop      # what is done with a thread that a condition stops (core/wait.py)


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
        level = level_in(queue, thread)
        # A direct switch notes a priority as the level, whether priorities count or not.
        running = min(queue.running.load("relaxed"), (queue.significant | queue.base) + 1)
        is_noticed = level < running or level == running and (queue.is_ticking or target == cpu.index)
        if level == running and is_noticed and not queue.is_ticking:
            # What a look would come to. Only the CPU itself may set its alarm.
            queue.is_ticking = True
            queue.slice_end_ns = max(queue.slice_end_ns, now_ns())
            alarm.set_slice_end(queue.slice_end_ns)
        # Behind another thread, it may be taken by a CPU that has become idle since a place was looked for (I-CORE-10).
        told = take_idle(thread) if is_noticed else target
    if told != NO_CPU:
        reschedule(told)


def reschedule(target: u32) -> None:
    """Makes a CPU compare the thread that it runs with its queue, and look at the thread's conditions."""
    if target == cpu.index:
        cpu.attention = 1
    else:
        mailbox.post(target, mailbox.Request.RESCHEDULE)


def look() -> None:
    """Returns if the current thread is to go on, which has entered the kernel and whose registers are complete."""
    cpu.attention = u32(grace.note_quiet())
    thread = current_thread()
    queue = this_queue()
    level = level_in(queue, thread)
    work.run_some(level)
    charge_capped(thread)
    now = now_ns()
    is_over = now >= queue.slice_end_ns
    if is_over and cpu.known_cpus > 1:
        _balance(queue)
    top = top_level(queue)
    if (top < level or top == level and not is_over) and _may_run(thread):
        context.do_what_is_due(thread)
        # What this CPU has noted is mostly true still. Whoever adds a thread sees the note and sends a request unless
        # it says that nothing is to be done; so only what would stop requests is changed under the lock.
        if queue.running.load("relaxed") != level or queue.is_ticking != (top == level):
            with queue.lock:
                _note_running(queue, level)
        _run_on(queue, thread, now + SLICE_NS if is_over else queue.slice_end_ns)
        return
    note_slice(queue, thread, now)
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
        cpu.attention = u32(grace.note_quiet())
        work.run_some(top_level(queue))
        if cpu.attention != 0:
            continue
        if not is_online(cpu.index):
            _give_away(queue)
            halt(queue)
            continue
        thread = _take(queue, None)
        if thread is None:
            begin_idling()
            stolen = _steal(0)
            if stolen is None:
                halt(queue)
            end_idling()
            thread = None if stolen is None else _take(queue, stolen)
        if thread is None:
            continue
        if thread.conditions.load("seq_cst") & STOPPING != 0:
            stop(thread)
            work.take_interrupts()      # the end of a thread is a slice of work
        else:
            queue.switches += 1
            left = thread.slice_left_ns
            _run_on(queue, thread, now_ns() + (left if left != 0 else SLICE_NS))
            context.enter(thread)


def switch_to(thread: ptr[Thread]) -> NoReturn:
    """Runs a thread on this CPU, which runs none any more, for the rest of the slice; or another one that goes first.

    Requires: as for make_ready().
    """
    this_queue().running.store(level_in(this_queue(), thread), "seq_cst")
    if cpu.attention != 0 or not is_first(thread.priority) or not _may_run(thread):
        make_ready(thread)
        leave()
    move(thread, cpu.index)
    context.enter(thread)


def _may_run(thread: ptr[Thread]) -> bool:
    """Whether it may run here and now."""
    return thread.conditions.load("seq_cst") & STOPPING == 0 and may_run_on(thread, cpu.index) and is_online(cpu.index)


@requires("queue.lock")
def _note_running(queue: ptr[RunQueue], level: u32) -> None:
    queue.running.store(level, "relaxed")
    queue.is_ticking = top_level(queue) == level


def _run_on(queue: ptr[RunQueue], thread: ptr[Thread], slice_end_ns: u64) -> None:
    """Sets the alarm if somebody waits for the end of the slice of the thread that runs from here on."""
    queue.slice_end_ns = slice_end_ns
    if note_cap(thread) or work.top_level() == level_in(queue, thread):
        alarm.set_slice_end(min(slice_end_ns, now_ns() + work.QUANTUM_NS))
    else:
        alarm.set_slice_end(slice_end_ns if queue.is_ticking else NEVER)


def _put_back(thread: ptr[Thread], is_over: bool) -> None:
    """Makes a thread ready that was preempted: before its equals unless its slice is over."""
    note_preempted(thread)
    target = _place(thread)
    move(thread, target)
    queue = queue_of(target)
    with queue.lock:
        if is_over:
            push(queue, thread)
        else:
            push_first(queue, thread)
        told = take_idle(thread) if target == cpu.index else target
    if told != NO_CPU:
        reschedule(told)


def _give_away(queue: ptr[RunQueue]) -> None:
    """This CPU is off line: its threads go elsewhere, and so does one that is put here by somebody who does not know
    yet, since it is noted that nothing runs: a request comes with it. Ends when the CPU is on line again: from then on
    it may be where its threads and timers would go."""
    while not is_online(cpu.index):
        with queue.lock:
            thread = pop(queue)
            _note_running(queue, IDLE)
        if thread is None:
            alarm.give_timers_away()
            return
        make_ready(thread)


@inline
def _take(queue: ptr[RunQueue], stolen: ptr[Thread] | None) -> ptr[Thread] | None:
    """The thread that runs next. One that was stolen is among them, and nobody can steal it back before."""
    with queue.lock:
        if stolen is not None:
            push(queue, stolen)
        thread = pop(queue)
        _note_running(queue, IDLE if thread is None else level_in(queue, thread))
        return thread


def _steal(at_least: u32) -> ptr[Thread] | None:
    """Takes a thread that may run here from the first other CPU with more than `at_least` threads in its queue."""
    for step in range(u32(1), cpu.known_cpus):
        other = (cpu.index + step) % cpu.known_cpus
        if not is_online(other) or queue_of(other).length.load("relaxed") <= at_least:
            continue
        victim = queue_of(other)
        with victim.lock:
            thread = find_movable(victim, cpu.index)
            if thread is not None:
                remove(victim, thread)
                move(thread, cpu.index)
                return thread
    return None


def _balance(queue: ptr[RunQueue]) -> None:
    """At the end of a slice: takes a thread from a longer queue, or makes a CPU with a shorter one do so."""
    length = queue.length.load("relaxed")
    stolen = _steal(length)
    if stolen is not None:
        with queue.lock:
            push(queue, stolen)
        return
    for step in range(u32(1), cpu.known_cpus):
        other = (cpu.index + step) % cpu.known_cpus
        if is_online(other) and queue_of(other).length.load("relaxed") < length:
            reschedule(other)
            return


@inline
def _place(thread: ptr[Thread]) -> u32:
    """Where it was, if that CPU is idle; else an idle CPU; else where it was; at first the one with the least to do."""
    home = cpu_of(thread)
    stays = may_run_on(thread, home) and is_online(home)
    # Mostly no CPU is idle.
    return home if stays and thread.cpu_time != 0 and not are_some_idle() else _find_place(thread, home, stays)


@noinline
def _find_place(thread: ptr[Thread], home: u32, stays: bool) -> u32:
    if stays and queue_of(home).running.load("relaxed") == IDLE:
        return home
    other = take_idle(thread)
    if other != NO_CPU:
        return other
    return home if stays and thread.cpu_time != 0 else least_loaded(thread)
