"""Calls on channels, in general: given to a receiver or queued, withdrawn, ended. The short way is entry/direct.py.

A call's four words travel from the caller's registers (rsi, rdx, r10, r8) to the receiver's, and the answer's back
(answers.py). An exception is a call that the kernel makes for the thread: its words are vector and error code, address,
program counter and stack pointer, and the first word of the answer is the verdict. Each side may be an operation of a
ring instead (complete/messages.py).
Locks: a channel's (Rank.CHANNEL); the blocks of claimed threads belong to the claimer.
"""
from collections.abc import Callable

from compiler.prelude import addr, const, offsetof, panic, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.fault import ERROR_SHIFT
from kernel.abi.ring import CONTENT, Operation
from kernel.caps import lease as leases
from kernel.caps.answer import RING_CALL, Answer
from kernel.caps.capability import Capability
from kernel.caps.lease import Use, UseKind
from kernel.complete.ring_block import Record, RecordState
from kernel.core import schedule, wait
from kernel.core.answers import clear, confirm, end_question, fail_caller, owe
from kernel.core.call_queue import dequeue, enqueue, take_caller, take_receive, take_receiver
from kernel.core.chain import append, unlink
from kernel.core.channel_block import Channel
from kernel.core.message import Message, put_registers, say_registers
from kernel.core.process_block import Process
from kernel.core.thread_block import (
    KILLED,
    WAIT_KIND,
    WAIT_STEP,
    Thread,
    Wait,
)
from kernel.core.thread_changes import put_priority

_CALL_USE = const(offsetof(Thread, "call_use"))
_RECEIVE_USE = const(offsetof(Thread, "receive_use"))


def _no_ring(record: ptr[Record], message: ptr[Message]) -> None:
    panic("a ring received a call before there was anything to receive it")


def _no_end(owed: ptr[Answer]) -> None:
    panic("a caller was gone before there was anything to end the debt")


def _no_finish(record: ptr[Record], status: Status) -> None:
    panic("an operation ended before there was anything to end it")


# complete/messages.py
give_to_ring: Callable[[ptr[Record], ptr[Message]], None] = _no_ring        # posts to a receive that is MOVING
end_record: Callable[[ptr[Record], Status], None] = _no_finish              # an operation that is the caller's
end_debt: Callable[[ptr[Answer]], None] = _no_end                           # of an answer whose caller is gone


def start() -> None:
    wait.withdraw = _withdraw


def place_call(
    caller: ptr[Thread], channel: ptr[Channel], given: ptr[Capability], level: u32, kind: Wait
) -> tuple[Status, ptr[Thread] | None]:
    """Gives the call of this CPU's thread to a receiver or queues it; the thread waits from here on.

    Returns OK when it waits, and a thread that got the call, for schedule.switch_to(): the caller owns it, and leaves
    the CPU. Requires: the thread's registers are complete; `given` is what it calls with.
    Errors: PEER_CLOSED; REVOKED when the lease has ended meanwhile.
    """
    wait.prepare(caller)
    caller.waits += WAIT_STEP
    word = caller.waits | u64(kind)
    caller.call_wait = word
    caller.call_badge = given.badge
    caller.call_level = level
    caller.holder = 0
    receive: ptr[Record] | None = None
    message = Message(badge=given.badge, is_call=True)
    with channel.lock:
        if channel.receive_rights.load("relaxed") == 0:
            return Status.PEER_CLOSED, None
        server = take_receiver(channel)
        if server is None:
            receive = take_receive(channel)
        if server is not None:
            _deliver(server, channel, caller)
            caller.wait.store(word, "seq_cst")
        elif receive is not None:
            say(addr(message), caller)
            owe(ptr[Answer](receive.holder), caller)
            caller.wait.store(word, "seq_cst")
        elif not enqueue(caller, channel, given):
            return Status.REVOKED, None
        else:
            caller.wait.store(word, "seq_cst")
            server = take_receiver(channel)
            if server is not None:
                dequeue(caller, channel)
                _deliver(server, channel, caller)
                confirm(addr(server.answer), caller)
    if receive is not None:
        give_to_ring(receive, addr(message))
    look_for_killer(caller, word)
    return Status.OK, server


def begin_receive(server: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Receives the next queued call into the registers of this CPU's thread, or makes it wait for one.

    Returns False when it waits: the caller then leaves the CPU.
    """
    wait.prepare(server)
    word = u64(channel) | u64(Wait.RECEIVE)
    record: ptr[Record] | None = None
    while True:
        with channel.lock:
            caller, record = take_caller(channel)
            if caller is not None:
                _deliver(server, channel, caller)
                confirm(addr(server.answer), caller)
                return True
            if record is None:
                _raise(server, channel)
                server.wait.store(word, "seq_cst")
                if not channel.receiver.cas(0, u64(server), "seq_cst"):
                    channel.receivers = append(channel.receivers, server)
                break
            if has_words_only(record):
                deliver_record(server, channel, record)
        if has_words_only(record):
            settle_sender(record)
            return True
        end_record(record, Status.RECEIVER_LIMIT)
    look_for_killer(server, word)
    return False


def has_words_only(record: ptr[Record]) -> bool:
    """Whether a message fits in registers."""
    return record.length & CONTENT == 0


def settle_sender(record: ptr[Record]) -> None:
    """A record's message has been received. Requires: the record is MOVING, the caller's."""
    if record.holder == 0:
        end_record(record, Status.OK)
    else:
        record.state.store(RecordState.PENDING, "seq_cst")


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
            caller, record = take_caller(channel)
        if caller is not None:
            if wait.claim(caller, caller.call_wait):
                fail_caller(caller, caller.call_wait, status)
        elif record is not None:
            end_record(record, status)
        else:
            break
    while True:
        with channel.lock:
            server = take_receiver(channel)
            receive = take_receive(channel)
        if server is not None:
            _end_receive(server, status)
            schedule.make_ready(server)
        if receive is not None:
            end_record(receive, status)
        if server is None and receive is None:
            break


def dismiss(channel: ptr[Channel], process: ptr[Process]) -> None:
    """A process has given up a right to receive: its threads that wait here look again whether they still can."""
    while True:
        with channel.lock:
            server = _take_receiver_of(channel, process)
        if server is None:
            break
        _end_receive(server, Status.EVENTS)
        schedule.make_ready(server)


def refuse_question(thread: ptr[Thread]) -> None:
    """Nobody will ever answer a thread's exception, if that is what it waits for."""
    word = thread.wait.load("seq_cst")
    if word & WAIT_KIND == Wait.FAULT and wait.claim(thread, word):
        _withdraw(thread, word)
        fail_caller(thread, word, Status.PEER_CLOSED)


def revoke(use: ptr[Use]) -> None:
    """The lease under which a call was queued has ended, and has taken the call off its list."""
    caller = ptr[Thread](u64(use) - _CALL_USE)
    address = caller.call_channel.load("acquire")
    if address == 0:
        return
    channel = ptr[Channel](address)
    with channel.lock:
        # It may have been received meanwhile, and the thread may have queued another call.
        if caller.call_channel.load("relaxed") != address or leases.is_in_force(caller.call_lease, use.epoch):
            return
        word = caller.call_wait
        if not wait.claim(caller, word):
            return
        dequeue(caller, channel)
    fail_caller(caller, word, Status.REVOKED)


def hang_receive(server: ptr[Thread], given: ptr[Capability]) -> bool:
    """Ties this CPU's thread, which is about to receive, to the lease that it receives under, until it receives under
    another one or ends. Returns False when the lease has ended."""
    use = addr(server.receive_use)
    if use.lease == given.lease and use.epoch == given.epoch:
        return True
    _ = leases.remove_use(use)
    use.kind = UseKind.RECEIVE
    return leases.add_use(use, given.lease, given.epoch)


def end_leased_receive(use: ptr[Use]) -> None:
    """The lease under which a thread received has ended. If it waits for a call it looks again whether it still can:
    it may have another right to receive there."""
    server = ptr[Thread](u64(use) - _RECEIVE_USE)
    if end_receive(server, Status.EVENTS):
        schedule.make_ready(server)


def look_for_killer(thread: ptr[Thread], word: u64) -> None:
    """After its wait was published: a killer that came before that found nothing to claim."""
    if thread.conditions.load("seq_cst") & KILLED != 0 and wait.claim(thread, word):
        _withdraw(thread, word)
        schedule.make_ready(thread)


def say(message: ptr[Message], caller: ptr[Thread]) -> None:
    """What a thread says that calls, or whose exception it is."""
    registers = addr(caller.registers)
    if caller.call_wait & WAIT_KIND == Wait.FAULT:
        message.words[0] = (registers.vector & 0xFF) | (registers.error << ERROR_SHIFT)
        message.words[1] = caller.fault_address
        message.words[2] = registers.rip
        message.words[3] = registers.rsp
    else:
        say_registers(message, caller)


def deliver_record(server: ptr[Thread], channel: ptr[Channel], record: ptr[Record]) -> None:
    """Puts a message from a ring into the registers of a receiver that is owned. Requires: the record is MOVING."""
    if record.operation == Operation.CALL:
        server.answer.wait = record.serial
        server.answer.caller.store(u64(record) | RING_CALL, "release")
        record.holder = u64(addr(server.answer))
    _raise(server, channel)
    server.registers.rax = u64(Status.OK)
    server.registers.rdi = record.badge
    put_registers(server, addr(record.words[0]))


def _deliver(server: ptr[Thread], channel: ptr[Channel], caller: ptr[Thread]) -> None:
    """Puts a call into the registers of a receiver that is owned, and makes it owe the answer."""
    message = Message()
    say(addr(message), caller)
    owe(addr(server.answer), caller)
    _raise(server, channel)
    server.registers.rax = u64(Status.OK)
    server.registers.rdi = caller.call_badge
    put_registers(server, addr(message.words[0]))


def _end_receive(server: ptr[Thread], status: Status) -> None:
    if server.ceiling != 0:
        server.ceiling = 0
        _ = put_priority(server)
    server.registers.rax = u64(status)


def _raise(server: ptr[Thread], channel: ptr[Channel]) -> None:
    """Whoever receives is at the ceiling already while it waits, so that the direct switch need not raise it."""
    server.received_from = u64(channel)
    if server.ceiling != channel.ceiling:
        server.ceiling = channel.ceiling
        _ = put_priority(server)


def _take_receiver_of(channel: ptr[Channel], process: ptr[Process]) -> ptr[Thread] | None:
    word = u64(channel) | u64(Wait.RECEIVE)
    first = channel.receiver.load("seq_cst")
    if first != 0 and ptr[Thread](first).process == process and wait.claim(ptr[Thread](first), word):
        channel.receiver.store(0, "release")
        return ptr[Thread](first)
    server = channel.receivers
    while server is not None:
        if server.process == process:
            channel.receivers = unlink(channel.receivers, server)
            if wait.claim(server, word):
                return server
            server = channel.receivers
        else:
            following = server.next
            server = None if following == channel.receivers else following
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
                        dequeue(thread, channel)
            if thread.holder != 0:
                clear(ptr[Answer](thread.holder), thread)
                end_debt(ptr[Answer](thread.holder))
