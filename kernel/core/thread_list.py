"""The threads of a process that have not ended, and what is done to all of them, in slices.

Each holds a reference on the process, which therefore outlives its handles while a thread is left.
Locks: Process.lock (Rank.PROCESS).
"""
from compiler.prelude import addr, const, offsetof, ptr, requires, u32, u64
from kernel.abi.thread import DEFAULT_PRIORITY
from kernel.caps import reference
from kernel.caps.object import State
from kernel.core import work
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.core.thread_block import FROZEN, Thread
from kernel.core.thread_changes import update_priority
from kernel.core.wait import clear_condition, kill, set_condition
from kernel.core.work_block import Work

_UNITS = const(64)                      # threads in a slice
_SWEEP = const(offsetof(Process, "sweep"))


def enlist(thread: ptr[Thread]) -> bool:
    """Returns False when the process has begun to end."""
    process = thread.process
    with process.lock:
        if process.header.state.load("relaxed") != State.ALIVE:
            return False
        _ = process.holds.fetch_add(1, "relaxed")
        _ = reference.take(addr(process.header))
        following = _first(process)
        thread.sibling = following
        if following is not None:
            following.elder = thread
        process.first_thread = addr(thread.header)
        if process.is_frozen.load("relaxed") != 0:
            _ = set_condition(thread, FROZEN)
    return True


def delist(thread: ptr[Thread]) -> bool:
    """Returns True for the last thread of the process."""
    process = thread.process
    with process.lock:
        following = thread.sibling
        elder = thread.elder
        if following is not None:
            following.elder = elder
        if elder is not None:
            elder.sibling = following
        else:
            process.first_thread = None if following is None else addr(following.header)
        if process.next_swept == addr(thread.header):
            process.next_swept = None if following is None else addr(following.header)
        return process.first_thread is None


def sweep(process: ptr[Process]) -> None:
    """Does to every thread what the process's state asks for: kills it, freezes it, or lets it go on.

    The first threads have it done at once, the others in slices of work on this CPU; a thread that is added meanwhile
    begins in the state that is asked for. A sweep that is under way begins again.
    """
    with process.lock:
        process.next_swept = process.first_thread
        is_done = _sweep_slice(process)
        if is_done or process.is_sweeping or not reference.take(addr(process.header)):
            return
        process.is_sweeping = True
        # Its own threads must not hold it up for ever.
        process.sweep.priority = max(process.highest_priority, DEFAULT_PRIORITY)
    process.sweep.run = _run_slice
    work.add(addr(process.sweep))


def freeze(process: ptr[Process]) -> None:
    process.is_frozen.store(1, "seq_cst")
    sweep(process)


def thaw(process: ptr[Process]) -> None:
    process.is_frozen.store(0, "seq_cst")
    sweep(process)


def note_priority(process: ptr[Process], priority: u32) -> None:
    """A sweep is to have at least this priority."""
    with process.lock:
        process.highest_priority = max(process.highest_priority, priority)


def kill_one(thread: ptr[Thread]) -> None:
    """At a priority at which threads of higher ones do not hold up the end for ever."""
    thread.own_priority = max(thread.priority, DEFAULT_PRIORITY)
    update_priority(thread)
    _ = kill(thread)


def _run_slice(record: ptr[Work]) -> bool:
    process = ptr[Process](u64(record) - _SWEEP)
    with process.lock:
        if not _sweep_slice(process):
            return False
        process.is_sweeping = False
    release(addr(process.header))
    return True


@requires("process.lock")
def _sweep_slice(process: ptr[Process]) -> bool:
    """Returns True when no thread is left."""
    for _ in range(_UNITS):
        header = process.next_swept
        if header is None:
            return True
        thread = ptr[Thread](header)
        following = thread.sibling
        process.next_swept = None if following is None else addr(following.header)
        if process.header.state.load("relaxed") != State.ALIVE:
            kill_one(thread)
        elif process.is_frozen.load("relaxed") != 0:
            _ = set_condition(thread, FROZEN)
        else:
            clear_condition(thread, FROZEN)
    return False


@requires("process.lock")
def _first(process: ptr[Process]) -> ptr[Thread] | None:
    first = process.first_thread
    return None if first is None else ptr[Thread](first)
