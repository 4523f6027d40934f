"""How a thread stops running and comes back: waiting, being stopped by a condition, and the end.

Publishing a wait gives the thread away: from that moment another CPU may run it, so its block is complete before and
not touched after. Whoever claims the wait by compare-exchange owns the thread.
Invariants: I-CORE-6: a condition is set before the wait is read, and a wait is published before the conditions are
read, with a full fence between, so that one of the two sides acts.
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import panic, ptr, u64
from kernel.core import context, schedule
from kernel.core.cpu_queue import charge
from kernel.core.thread_block import HELD, KILLED, STOPPING, WAIT_KIND, Thread, Wait, cpu_of


def _no_end(thread: ptr[Thread]) -> None:
    panic("a thread ended before there was anything to end it")


def _no_withdrawal(thread: ptr[Thread], word: u64) -> None:
    pass


def _no_refusal(thread: ptr[Thread]) -> None:
    panic("an exception was refused before there was anything to refuse it")


end: Callable[[ptr[Thread]], None] = _no_end            # what is done with a killed thread (objects/thread.py)
withdraw: Callable[[ptr[Thread], u64], None] = _no_withdrawal   # takes a thread out of what it waited for
refuse_fault: Callable[[ptr[Thread]], None] = _no_refusal       # ends the process of a thread whose exception no one
#                                                                 answers (entry/fault.py); the caller makes it ready


def start() -> None:
    schedule.stop = _stop


def publish(thread: ptr[Thread], word: u64) -> None:
    """Ends the run of this CPU's thread: from here on whoever claims `word` owns it."""
    prepare(thread)
    # Full: the block is complete, and what the caller reads next is read after.
    thread.wait.store(word, "seq_cst")


def prepare(thread: ptr[Thread]) -> None:
    """Completes the block of this CPU's thread, except for its wait."""
    context.save(thread)
    charge(thread)


def wait(thread: ptr[Thread], word: u64) -> NoReturn:
    publish(thread, word)
    schedule.leave()


def claim(thread: ptr[Thread], word: u64) -> bool:
    """Returns True for the one who from now on owns the thread."""
    return thread.wait.cas(word, Wait.NONE, "seq_cst")


def set_condition(thread: ptr[Thread], condition: u64) -> bool:
    """Stops a thread in any state, on any CPU. Returns False when it had the condition already.

    It runs no user instruction after its CPU has noticed; a thread that waits is stopped when its wait has ended.
    """
    if thread.conditions.fetch_or(condition, "seq_cst") & condition != 0:
        return False
    if thread.wait.load("seq_cst") == Wait.NONE:
        schedule.reschedule(cpu_of(thread))
    return True


def clear_condition(thread: ptr[Thread], condition: u64) -> None:
    """Lets a thread go on that no other condition stops."""
    if thread.conditions.fetch_and(~condition, "seq_cst") & condition != 0:
        _unpark(thread)


def hold(thread: ptr[Thread]) -> bool:
    """Keeps a thread that does not run, and whose registers nobody fills in, from running or ending until let_go().

    Returns False for any other thread, and for one that is held already.
    """
    if not _keeps_still(thread) or thread.conditions.fetch_or(HELD, "seq_cst") & HELD != 0:
        return False
    # Whoever has made it ready meanwhile had done so before the condition was set; from here on it parks (I-CORE-6).
    if _keeps_still(thread):
        return True
    let_go(thread)
    return False


def let_go(thread: ptr[Thread]) -> None:
    clear_condition(thread, HELD)


def _keeps_still(thread: ptr[Thread]) -> bool:
    """Registers of a thread that waits belong to whoever ends the wait, but for an exception."""
    kind = thread.wait.load("seq_cst") & WAIT_KIND
    return kind == Wait.NEW or kind == Wait.PARKED or kind == Wait.FAULT


def kill(thread: ptr[Thread]) -> bool:
    """Ends a thread in any state, on any CPU, at the latest when its turn comes. Returns False if that had begun."""
    if not set_condition(thread, KILLED):
        return False
    while True:
        word = thread.wait.load("seq_cst")
        if word & WAIT_KIND == Wait.NONE or word & WAIT_KIND == Wait.DEAD:
            return True
        if claim(thread, word):
            withdraw(thread, word)
            schedule.make_ready(thread)
            return True


def is_stopped(thread: ptr[Thread]) -> bool:
    """Whether it does not run and will not before a condition is cleared."""
    kind = thread.wait.load("seq_cst") & WAIT_KIND
    return kind == Wait.PARKED or kind == Wait.NEW


def _stop(thread: ptr[Thread]) -> None:
    """Takes a thread off this CPU that owns it and that a condition stops."""
    if thread.conditions.load("relaxed") & (KILLED | HELD) == KILLED:
        end(thread)
        return
    thread.wait.store(Wait.PARKED, "seq_cst")
    _unpark(thread)


def _unpark(thread: ptr[Thread]) -> None:
    conditions = thread.conditions.load("seq_cst")
    goes_on = conditions & STOPPING == 0 or conditions & (KILLED | HELD) == KILLED
    if goes_on and claim(thread, Wait.PARKED):
        schedule.make_ready(thread)
