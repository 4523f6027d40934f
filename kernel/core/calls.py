"""Calls on channels, in general: queued, received, answered, withdrawn. The short way is entry/direct.py.

A call's four words travel from the caller's registers (rsi, rdx, r10, r8) to the receiver's, and the answer's back. An
exception is a call that the kernel makes for the thread: its words are vector and error code, address, program counter
and stack pointer, and the first word of the answer is the verdict.
Locks: a channel's (Rank.CHANNEL); the blocks of claimed threads belong to the claimer.
"""
from compiler.prelude import addr, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.fault import ERROR_SHIFT, Verdict
from kernel.arch.x86_64 import cpu
from kernel.core import schedule, wait
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.thread_block import (
    FAULT_CALL,
    KILLED,
    WAIT_KIND,
    WAIT_STEP,
    Answer,
    Thread,
    Wait,
    is_program_counter,
    may_run_on,
    move,
)
from kernel.core.thread_chain import append, unlink


def start() -> None:
    wait.withdraw = _withdraw


def begin_call(caller: ptr[Thread], channel: ptr[Channel], badge: u64, level: u32, kind: Wait) -> Status:
    """Gives the call of this CPU's thread to a receiver or queues it; the thread waits from here on.

    Returns OK when it waits: the caller then leaves the CPU. Requires: the thread's registers are complete.
    Errors: PEER_CLOSED.
    """
    status, server = place_call(caller, channel, badge, level, kind)
    if server is not None:
        wake_near(server)
    return status


def place_call(
    caller: ptr[Thread], channel: ptr[Channel], badge: u64, level: u32, kind: Wait
) -> tuple[Status, ptr[Thread] | None]:
    """As begin_call(), but a receiver that got the call is returned, for schedule.switch_to(): the caller owns it."""
    wait.prepare(caller)
    caller.waits += WAIT_STEP
    word = caller.waits | u64(kind)
    caller.call_wait = word
    caller.call_badge = badge
    caller.call_level = level
    caller.holder = 0
    with channel.lock:
        if channel.receive_rights.load("relaxed") == 0:
            return Status.PEER_CLOSED, None
        server = _take_receiver(channel)
        if server is None:
            _enqueue(caller, channel)
            caller.wait.store(word, "seq_cst")
            server = _take_receiver(channel)
            if server is not None:
                _dequeue(caller, channel)
        if server is not None:
            _deliver(server, channel, caller)
            caller.wait.store(word, "seq_cst")
    look_for_killer(caller, word)
    return Status.OK, server


def begin_receive(server: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Receives the next queued call into the registers of this CPU's thread, or makes it wait for one.

    Returns False when it waits: the caller then leaves the CPU.
    """
    wait.prepare(server)
    word = u64(channel) | u64(Wait.RECEIVE)
    with channel.lock:
        caller = _take_caller(channel)
        if caller is not None:
            _deliver(server, channel, caller)
            return True
        _raise(server, channel)
        server.wait.store(word, "seq_cst")
        if not channel.receiver.cas(0, u64(server), "seq_cst"):
            channel.receivers = append(channel.receivers, server)
    look_for_killer(server, word)
    return False


def take_answer(answer: ptr[Answer]) -> ptr[Thread] | None:
    """The thread that waits for this answer, which the caller owns from here on; None if there is none any more."""
    found = answer.caller.exchange(0, "acq_rel")
    if found == 0:
        return None
    caller = ptr[Thread](found & ~u64(FAULT_CALL))
    return caller if wait.claim(caller, answer.wait) else None


def give_answer(caller: ptr[Thread], word: u64, words: ptr[u64]) -> None:
    """Four words to a thread whose wait for them has been claimed."""
    write_answer(caller, word, words)
    schedule.make_ready(caller)


def write_answer(caller: ptr[Thread], word: u64, words: ptr[u64]) -> None:
    """The same, but the thread is not made ready yet."""
    if word & WAIT_KIND == Wait.FAULT:
        end_question(caller)
        if words[0] != Verdict.RESUME or not is_program_counter(caller.registers.rip):
            wait.refuse_fault(caller)
    else:
        registers = addr(caller.registers)
        registers.rax = u64(Status.OK)
        registers.rsi = words[0]
        registers.rdx = words[1]
        registers.r10 = words[2]
        registers.r8 = words[3]


def fail_answer(answer: ptr[Answer], status: Status) -> None:
    """Nobody will give this answer."""
    caller = take_answer(answer)
    if caller is not None:
        _fail(caller, answer.wait, status)


def end_receive(server: ptr[Thread], status: Status) -> bool:
    """Ends a thread's wait for a call. Returns True for the one who then makes it ready."""
    word = server.wait.load("seq_cst")
    if word & WAIT_KIND != Wait.RECEIVE or not wait.claim(server, word):
        return False
    _withdraw(server, word)
    _end_receive(server, status)
    return True


def close(channel: ptr[Channel], status: Status) -> None:
    """Ends every call that is queued, and every wait for one. Requires: no new ones come."""
    while True:
        with channel.lock:
            caller = _take_caller(channel)
        if caller is None:
            break
        if wait.claim(caller, caller.call_wait):
            _fail(caller, caller.call_wait, status)
    while True:
        with channel.lock:
            server = _take_receiver(channel)
        if server is None:
            break
        _end_receive(server, status)
        schedule.make_ready(server)


def wake_near(thread: ptr[Thread]) -> None:
    """Makes a thread ready on this CPU, which is about to be free, if the thread may run here."""
    if may_run_on(thread, cpu.index):
        move(thread, cpu.index)
    schedule.make_ready(thread)


def refuse_question(thread: ptr[Thread]) -> None:
    """Nobody will ever answer a thread's exception, if that is what it waits for."""
    word = thread.wait.load("seq_cst")
    if word & WAIT_KIND == Wait.FAULT and wait.claim(thread, word):
        _withdraw(thread, word)
        _fail(thread, word, Status.PEER_CLOSED)


def look_for_killer(thread: ptr[Thread], word: u64) -> None:
    """After its wait was published: a killer that came before that found nothing to claim."""
    if thread.conditions.load("seq_cst") & KILLED != 0 and wait.claim(thread, word):
        _withdraw(thread, word)
        schedule.make_ready(thread)


def _fail(caller: ptr[Thread], word: u64, status: Status) -> None:
    """Ends a call without an answer; a thread whose exception nobody answers ends. Requires: the caller is owned."""
    if word & WAIT_KIND == Wait.FAULT:
        end_question(caller)
        wait.refuse_fault(caller)
    else:
        caller.registers.rax = u64(status)
    schedule.make_ready(caller)


def end_question(thread: ptr[Thread]) -> None:
    """A thread waits for a verdict no longer. Requires: the caller owns it."""
    if thread.asks_itself:
        thread.asks_itself = False
        _ = thread.process.asking_itself.fetch_sub(1, "relaxed")


def _deliver(server: ptr[Thread], channel: ptr[Channel], caller: ptr[Thread]) -> None:
    """Puts a call into the registers of a receiver that is owned, and makes it owe the answer."""
    is_fault = caller.call_wait & WAIT_KIND == Wait.FAULT
    server.answer.wait = caller.call_wait
    server.answer.caller.store(u64(caller) | (u64(FAULT_CALL) if is_fault else u64(0)), "release")
    _raise(server, channel)
    caller.holder = u64(addr(server.answer))
    registers = addr(server.registers)
    said = addr(caller.registers)
    registers.rax = u64(Status.OK)
    registers.rdi = caller.call_badge
    if is_fault:
        registers.rsi = (said.vector & 0xFF) | (said.error << ERROR_SHIFT)
        registers.rdx = caller.fault_address
        registers.r10 = said.rip
        registers.r8 = said.rsp
    else:
        registers.rsi = said.rsi
        registers.rdx = said.rdx
        registers.r10 = said.r10
        registers.r8 = said.r8


def _end_receive(server: ptr[Thread], status: Status) -> None:
    server.ceiling = 0
    server.priority = server.own_priority
    server.registers.rax = u64(status)


def _raise(server: ptr[Thread], channel: ptr[Channel]) -> None:
    """Whoever receives is at the ceiling already while it waits, so that the direct switch need not raise it."""
    server.received_from = u64(channel)
    server.ceiling = channel.ceiling
    server.priority = max(server.own_priority, channel.ceiling)


def _enqueue(caller: ptr[Thread], channel: ptr[Channel]) -> None:
    channel.callers[caller.call_level] = append(channel.callers[caller.call_level], caller)
    caller.call_channel.store(u64(channel), "relaxed")
    # Full: counted before `receiver` is read again (I-CORE-8).
    _ = channel.queued.fetch_add(1, "seq_cst")


def _dequeue(caller: ptr[Thread], channel: ptr[Channel]) -> None:
    channel.callers[caller.call_level] = unlink(channel.callers[caller.call_level], caller)
    caller.call_channel.store(0, "relaxed")
    _ = channel.queued.fetch_sub(1, "seq_cst")


def _take_caller(channel: ptr[Channel]) -> ptr[Thread] | None:
    """Dequeues the first call of the highest level that has not been withdrawn meanwhile."""
    for step in range(u32(LEVELS)):
        level = u32(LEVELS) - 1 - step
        caller = channel.callers[level]
        while caller is not None:
            _dequeue(caller, channel)
            if caller.wait.load("acquire") == caller.call_wait:
                return caller
            caller = channel.callers[level]
    return None


def _take_receiver(channel: ptr[Channel]) -> ptr[Thread] | None:
    """Claims a thread that waits for a call."""
    word = u64(channel) | u64(Wait.RECEIVE)
    first = channel.receiver.load("seq_cst")
    if first != 0 and wait.claim(ptr[Thread](first), word):
        channel.receiver.store(0, "release")
        return ptr[Thread](first)
    server = channel.receivers
    while server is not None:
        channel.receivers = unlink(server, server)
        if wait.claim(server, word):
            return server
        server = channel.receivers
    return None


def _withdraw(thread: ptr[Thread], word: u64) -> None:
    """Takes a thread whose wait has been claimed by its killer out of what it waited for."""
    match word & WAIT_KIND:
        case Wait.RECEIVE:
            channel = ptr[Channel](word & ~u64(WAIT_KIND))
            with channel.lock:
                if not channel.receiver.cas(u64(thread), 0, "seq_cst") and thread.previous is not None:
                    channel.receivers = unlink(channel.receivers, thread)
        case Wait.CALL | Wait.FAULT:
            end_question(thread)
            address = thread.call_channel.load("acquire")
            if address != 0:
                channel = ptr[Channel](address)
                with channel.lock:
                    if thread.call_channel.load("relaxed") != 0:
                        _dequeue(thread, channel)
            if thread.holder != 0:
                holder = ptr[Answer](thread.holder)
                if not holder.caller.cas(u64(thread), 0, "seq_cst"):
                    _ = holder.caller.cas(u64(thread) | FAULT_CALL, 0, "seq_cst")
