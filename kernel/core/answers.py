"""Answers to calls: who owes one, giving it, failing it, and callers that are gone before they get it.

An Answer is owed by the thread that received the call (Thread.answer), by a Reply, or on a ring (RingAnswer). Whoever
takes the caller out of it by an exchange is the one who may answer.
Locks: none; the blocks of claimed threads belong to the claimer.
"""
from collections.abc import Callable

from compiler.prelude import addr, fence, panic, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.fault import Verdict
from kernel.caps.answer import CALLER_FLAGS, FAULT_CALL, RING_CALL, Answer
from kernel.complete.ring_block import Record, RecordState
from kernel.core import schedule, wait
from kernel.core.message import Message, put_registers
from kernel.core.thread_block import WAIT_KIND, Thread, Wait, is_program_counter


def _no_answer(record: ptr[Record], serial: u64, message: ptr[Message]) -> Status:
    panic("a ring was answered before there was anything to be answered")


def _no_end(record: ptr[Record], serial: u64, status: Status) -> None:
    panic("a ring's call ended before there was anything to end it")


# complete/messages.py
answer_ring: Callable[[ptr[Record], u64, ptr[Message]], Status] = _no_answer        # the call that has this serial
fail_ring: Callable[[ptr[Record], u64, Status], None] = _no_end


def answer(owed: ptr[Answer], message: ptr[Message]) -> Status:
    """Errors: PEER_CLOSED when nobody waits for it any more; RECEIVER_LIMIT and those of the capabilities that it
    brings: then it is still owed."""
    found = owed.caller.load("relaxed")
    if found & CALLER_FLAGS != RING_CALL and message.length != 0 and found != 0:
        return Status.RECEIVER_LIMIT
    found = owed.caller.exchange(0, "acq_rel")
    if found == 0:
        return Status.PEER_CLOSED
    if found & RING_CALL != 0:
        record = ptr[Record](found & ~u64(CALLER_FLAGS))
        status = answer_ring(record, owed.wait, message)
        if status != Status.OK and status != Status.PEER_CLOSED:
            # Before the record can be ended by somebody else, who would clear what it finds.
            owed.caller.store(found, "release")
            record.state.store(RecordState.PENDING, "seq_cst")
        return status
    caller = ptr[Thread](found & ~u64(CALLER_FLAGS))
    if not wait.claim(caller, owed.wait):
        return Status.PEER_CLOSED
    _write_answer(caller, owed.wait, addr(message.words[0]))
    schedule.make_ready(caller)
    return Status.OK


def answer_thread(owed: ptr[Answer], message: ptr[Message]) -> ptr[Thread] | None:
    """The same for an answer of words only. A thread that has got it is not made ready: it is the caller's."""
    found = owed.caller.load("relaxed")
    if found & RING_CALL != 0:
        _ = answer(owed, message)
        return None
    found = owed.caller.exchange(0, "acq_rel")
    caller = ptr[Thread](found & ~u64(CALLER_FLAGS))
    if found == 0 or not wait.claim(caller, owed.wait):
        return None
    _write_answer(caller, owed.wait, addr(message.words[0]))
    return caller


def fail_answer(owed: ptr[Answer], status: Status) -> None:
    """Nobody will give this answer."""
    found = owed.caller.exchange(0, "acq_rel")
    if found & RING_CALL != 0:
        fail_ring(ptr[Record](found & ~u64(CALLER_FLAGS)), owed.wait, status)
    elif found != 0:
        caller = ptr[Thread](found & ~u64(CALLER_FLAGS))
        if wait.claim(caller, owed.wait):
            fail_caller(caller, owed.wait, status)


def owe(owed: ptr[Answer], caller: ptr[Thread]) -> None:
    """Makes whoever has this answer to give owe it to a thread."""
    is_fault = caller.call_wait & WAIT_KIND == Wait.FAULT
    owed.wait = caller.call_wait
    owed.caller.store(u64(caller) | (u64(FAULT_CALL) if is_fault else u64(0)), "release")
    caller.holder = u64(owed)


def confirm(owed: ptr[Answer], caller: ptr[Thread]) -> None:
    """After owe(), for a thread that waited before: its killer may have looked for `holder` in vain."""
    fence("seq_cst")
    if caller.wait.load("seq_cst") != owed.wait:
        clear(owed, caller)


def clear(owed: ptr[Answer], caller: ptr[Thread]) -> None:
    """The caller is gone."""
    if not owed.caller.cas(u64(caller), 0, "seq_cst"):
        _ = owed.caller.cas(u64(caller) | FAULT_CALL, 0, "seq_cst")


def end_question(thread: ptr[Thread]) -> None:
    """A thread waits for a verdict no longer. Requires: the caller owns it."""
    if thread.asks_itself:
        thread.asks_itself = False
        _ = thread.process.asking_itself.fetch_sub(1, "relaxed")


def fail_caller(caller: ptr[Thread], word: u64, status: Status) -> None:
    """Ends a call without an answer; a thread whose exception nobody answers ends. Requires: the caller is owned."""
    if word & WAIT_KIND == Wait.FAULT:
        end_question(caller)
        wait.refuse_fault(caller)
    else:
        caller.registers.rax = u64(status)
    schedule.make_ready(caller)


def _write_answer(caller: ptr[Thread], word: u64, words: ptr[u64]) -> None:
    """Four words to a thread whose wait for them has been claimed."""
    if word & WAIT_KIND == Wait.FAULT:
        end_question(caller)
        if words[0] != Verdict.RESUME or not is_program_counter(caller.registers.rip):
            wait.refuse_fault(caller)
    else:
        caller.registers.rax = u64(Status.OK)
        put_registers(caller, words)
