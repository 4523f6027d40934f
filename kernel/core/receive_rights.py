"""Who can receive from a channel, and what follows when nobody is left who could.

A channel counts the capabilities from which calls can be received, and adds up a mark of the process of each. The sum
tells whether all of them are one process's: marks are mixed addresses, so other processes' marks do not add up to the
same but by a chance in 2^64.
A thread whose exception only its own process can answer is counted there (asking_itself); when no other thread of the
process is left that does not wait like that, the exception is refused, and the process ends.
Locks: Channel.lock guards the count's changes and the sum.
"""
from compiler.prelude import const, ptr, requires, u64, wrap_add, wrap_mul, wrap_sub
from kernel.abi.errors import Status
from kernel.core import calls
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.process_block import Process
from kernel.core.thread_block import WAIT_KIND, Thread, Wait

_MIXER = const(0xBF58_476D_1CE4_E5B9)   # of splitmix64
_HIGHEST = const(LEVELS - 1)            # exceptions are queued there


def take(channel: ptr[Channel], process: ptr[Process]) -> None:
    """One more capability from which calls can be received."""
    with channel.lock:
        _note(channel, process)
        _ = channel.receive_rights.fetch_add(1, "relaxed")


def move(channel: ptr[Channel], source: ptr[Process], to: ptr[Process]) -> None:
    with channel.lock:
        channel.holders = wrap_sub(channel.holders, _mark(source))
        _note(channel, to)
    calls.dismiss(channel, source)
    _refuse_orphan(channel)


def drop(channel: ptr[Channel], process: ptr[Process]) -> None:
    """A capability is gone from which calls could be received; after the last one nobody will answer any."""
    with channel.lock:
        left = channel.receive_rights.load("relaxed")
        if left == 0:
            return                      # destroyed
        channel.holders = wrap_sub(channel.holders, _mark(process))
        left -= 1
        channel.receive_rights.store(left, "seq_cst")
    if left == 0:
        calls.close(channel, Status.PEER_CLOSED)
    else:
        calls.dismiss(channel, process)
        _refuse_orphan(channel)


def only_holder(channel: ptr[Channel]) -> ptr[Process] | None:
    """The process that holds every right to receive; None when several do, or nobody."""
    with channel.lock:
        holder = channel.last_holder
        rights = channel.receive_rights.load("relaxed")
        if holder is None or rights == 0 or channel.holders != wrap_mul(u64(rights), _mark(holder)):
            return None
        return holder


def has_other_threads(process: ptr[Process]) -> bool:
    """Whether a thread of the process is left that does not wait for a verdict of its own process.

    Requires: the process has not begun to end.
    """
    return process.holds.load("seq_cst") > process.asking_itself.load("seq_cst") + 1


def refuse_orphans(process: ptr[Process]) -> None:
    """A thread has ended: those that are left may all wait for one another."""
    if process.asking_itself.load("seq_cst") == 0 or has_other_threads(process):
        return
    found: ptr[Thread] | None = None
    with process.lock:
        first = process.first_thread
        thread = None if first is None else ptr[Thread](first)
        while thread is not None and found is None:
            if thread.wait.load("seq_cst") & WAIT_KIND == Wait.FAULT:
                found = thread
            thread = thread.sibling
    if found is not None:
        calls.refuse_question(found)


def _refuse_orphan(channel: ptr[Channel]) -> None:
    """The rights have changed hands: perhaps the only thread of their only holder waits in the channel itself."""
    holder = only_holder(channel)
    if holder is None:
        return
    with channel.lock:
        asking = channel.callers[_HIGHEST]
        if asking is None or asking.process != holder or holder.holds.load("relaxed") != 2:
            return
    calls.refuse_question(asking)


@requires("channel.lock")
def _note(channel: ptr[Channel], process: ptr[Process]) -> None:
    channel.holders = wrap_add(channel.holders, _mark(process))
    channel.last_holder = process


def _mark(process: ptr[Process]) -> u64:
    address = u64(process)
    mixed = wrap_mul(address ^ (address >> 30), _MIXER)
    return mixed ^ (mixed >> 31)
