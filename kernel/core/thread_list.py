"""The threads of a process that have not ended, and what is done to all of them.

Each holds a reference on the process, which therefore outlives its handles while a thread is left.
Locks: Process.lock (Rank.PROCESS).
"""
from compiler.prelude import addr, ptr
from kernel.abi.thread import DEFAULT_PRIORITY
from kernel.caps import reference
from kernel.caps.object import State
from kernel.core.process_block import Process
from kernel.core.thread_block import FROZEN, Thread
from kernel.core.thread_changes import set_priority
from kernel.core.wait import clear_condition, kill, set_condition


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
        return process.first_thread is None


def kill_all(process: ptr[Process]) -> None:
    """Requires: the process has begun to end, so that no thread is added."""
    with process.lock:
        thread = _first(process)
        while thread is not None:
            # Threads of higher priority must not hold up the end for ever.
            set_priority(thread, max(thread.priority, DEFAULT_PRIORITY))
            _ = kill(thread)
            thread = thread.sibling


def freeze_all(process: ptr[Process]) -> None:
    with process.lock:
        process.is_frozen.store(1, "seq_cst")
        thread = _first(process)
        while thread is not None:
            _ = set_condition(thread, FROZEN)
            thread = thread.sibling


def thaw_all(process: ptr[Process]) -> None:
    with process.lock:
        process.is_frozen.store(0, "seq_cst")
        thread = _first(process)
        while thread is not None:
            clear_condition(thread, FROZEN)
            thread = thread.sibling


def _first(process: ptr[Process]) -> ptr[Thread] | None:
    first = process.first_thread
    return None if first is None else ptr[Thread](first)
