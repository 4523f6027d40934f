"""Messages to, from and between rings: calls given to receives, answers given to calls.

A record that is handed from one side to the other is MOVING meanwhile: nobody else ends it, and whoever wants to waits
for the moment when it is PENDING again or has ended (finish.claim_settled). While a call is MOVING nothing is waited
for; a receive may be MOVING while other operations end, since none of those waits for it.
Locks: takes Ring.lock or Channel.lock, never both; called with no lock held.
Not here: what a submission must look like (submit/messages.py).
"""
from collections.abc import Callable

from compiler.prelude import addr, fence, panic, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import BYTES, CONTENT, MESSAGE_WORDS, CompletionFlags, Operation, SubmissionFlags
from kernel.caps.answer import RING_CALL, Answer
from kernel.caps.object import State
from kernel.complete import finish
from kernel.complete.message_buffer import find_piece
from kernel.complete.post import post_message, take_waiter
from kernel.complete.receives import drop_answer, end_debt, equip, find_answer, owe_answer, take_short
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import answers, call_queue, calls, schedule
from kernel.core.channel_block import Channel
from kernel.core.message import Message
from kernel.sync import spinlock


def _no_transfer(message: ptr[Message], receiver: ptr[Record]) -> Status:
    panic("capabilities were sent before there was anything to carry them")


def _no_refill(receiver: ptr[Record]) -> Status:
    panic("room was made for capabilities before there was anything to make it")


def _no_forgetting(message: ptr[Message]) -> None:
    panic("capabilities were moved before there was anything to move them")


# objects/transfer.py
transfer: Callable[[ptr[Message], ptr[Record]], Status] = _no_transfer     # puts handles of the receiver into the words
refill: Callable[[ptr[Record]], Status] = _no_refill        # reserves slots for the next capabilities
forget_moved: Callable[[ptr[Message]], None] = _no_forgetting       # ends what the sender began with what it has lost


def start() -> None:
    calls.give_to_ring = _give
    calls.end_record = _end
    calls.end_debt = end_debt
    answers.answer_ring = _answer
    answers.fail_ring = _fail


def send(record: ptr[Record]) -> Status:
    """Gives a CALL or a SEND to a receiver, or queues it: then it is the caller's no longer.

    Errors: PEER_CLOSED, DESTROYED, RECEIVER_LIMIT, WOULD_BLOCK; then it is.
    Requires: it is CLAIMED, its target a channel.
    """
    channel = _channel_of(record)
    is_short = calls.has_words_only(record)
    receive: ptr[Record] | None = None
    with channel.lock:
        if channel.receive_rights.load("relaxed") == 0:
            return _closed(channel)
        server = call_queue.take_receiver(channel) if is_short else None
        if server is None:
            receive = call_queue.take_receive(channel)
        if server is None and receive is None and record.flags & u8(SubmissionFlags.NO_WAIT) != 0:
            return Status.WOULD_BLOCK
        if server is None and receive is None:
            call_queue.enqueue_record(record, channel)
            server = call_queue.take_receiver(channel) if is_short else None
            if server is None:
                record.state.store(RecordState.PENDING, "seq_cst")
                return Status.OK
            call_queue.dequeue_record(record, channel)
        record.state.store(RecordState.MOVING, "relaxed")
        if server is not None:
            calls.deliver_record(server, channel, record)
    if server is not None:
        schedule.make_ready(server)
        calls.settle_sender(record)
    elif receive is not None:
        goes_on, started = _hand_over(receive, record, None)
        if goes_on:
            arm(receive)
        finish.start_all(started)
    return Status.OK


def arm(receive: ptr[Record]) -> None:
    """Receives what is queued, as long as there are messages and room for them, then leaves the receive waiting.

    Requires: it is MOVING or CLAIMED, the caller's.
    """
    # What is linked to the messages begins when the receive is not the caller's any more: it may wait for that.
    finish.start_all(_receive_all(receive))


def _receive_all(receive: ptr[Record]) -> ptr[Record] | None:
    ring = receive.ring
    channel = _channel_of(receive)
    started: ptr[Record] | None = None
    while True:
        refilled = refill(receive)
        if refilled != Status.OK:
            _end(receive, refilled)
            return started
        with ring.lock:
            if not equip(ring, receive):
                return started
        message = Message()
        status: Status = Status.OK
        with channel.lock:
            thread, record = call_queue.take_caller(channel)
            if thread is not None:
                message.badge = thread.call_badge
                message.is_call = True
                calls.say(addr(message), thread)
                answers.owe(ptr[Answer](receive.holder), thread)
                answers.confirm(ptr[Answer](receive.holder), thread)
            elif record is None and channel.receive_rights.load("relaxed") == 0:
                status = _closed(channel)
            elif record is None and receive.flags & u8(SubmissionFlags.NO_WAIT) != 0:
                status = Status.WOULD_BLOCK
            elif record is None:
                call_queue.enqueue_receive(receive, channel)
                receive.state.store(RecordState.PENDING, "seq_cst")
                return started
        goes_on = False
        if status != Status.OK:
            _end(receive, status)
        elif record is not None:
            goes_on, started = _hand_over(receive, record, started)
        else:
            goes_on = _post(receive, addr(message))
        if not goes_on:
            return started


def resume(ring: ptr[Ring]) -> None:
    """Lets receives go on that waited for places or answers."""
    with ring.lock:
        receive = take_short(ring)
    while receive is not None:
        following = receive.next_latched
        arm(receive)
        receive = following


def reply(ring: ptr[Ring], token: u64, message: ptr[Message]) -> Status:
    """Errors: NO_SUCH, PEER_CLOSED, RECEIVER_LIMIT; after the last it is still owed."""
    with ring.lock:
        owed = find_answer(ring, token)
    if owed is None:
        return Status.NO_SUCH
    status = answers.answer(addr(owed.answer), message)
    if status == Status.OK or status == Status.PEER_CLOSED:
        with ring.lock:
            if find_answer(ring, token) == owed:
                drop_answer(ring, owed)
    return status


def fail_answers(ring: ptr[Ring]) -> None:
    """The ring ends, and with it what its user owes."""
    for index in range(u64(ring.places)):
        owed = addr(ring.answers[index])
        answers.fail_answer(addr(owed.answer), Status.PEER_CLOSED)
        with ring.lock:
            if owed.is_owed:
                drop_answer(ring, owed)


def change_holder(record: ptr[Record], owed: ptr[Answer]) -> None:
    """The answer to a call that was received is now owed somewhere else, where its caller is noted already."""
    with record.ring.lock:
        is_waiting = record.serial == owed.wait and record.state.load("seq_cst") != RecordState.FREE
        if is_waiting:
            record.holder = u64(owed)
    # Pairs with whoever ends the call, who claims it first and looks at `holder` after: one of the two clears this.
    fence("seq_cst")
    if not is_waiting or record.state.load("seq_cst") == RecordState.CLAIMED:
        _ = owed.caller.cas(u64(record) | RING_CALL, 0, "seq_cst")


def withdraw(record: ptr[Record]) -> None:
    """Takes a claimed call, message or receive off its channel, or out of the hands of whoever has received it."""
    channel = _channel_of(record)
    with channel.lock:
        if record.is_queued and record.operation == Operation.RECEIVE:
            call_queue.dequeue_receive(record, channel)
        elif record.is_queued:
            call_queue.dequeue_record(record, channel)
    if record.operation == Operation.CALL and record.holder != 0:
        record.is_late = True
        _ = ptr[Answer](record.holder).caller.cas(u64(record) | RING_CALL, 0, "seq_cst")
        end_debt(ptr[Answer](record.holder))


def _channel_of(record: ptr[Record]) -> ptr[Channel]:
    target = record.target
    assert target is not None
    return ptr[Channel](target)


def _closed(channel: ptr[Channel]) -> Status:
    return Status.DESTROYED if channel.header.state.load("relaxed") == State.DEAD else Status.PEER_CLOSED


def _give(receive: ptr[Record], message: ptr[Message]) -> None:
    """A thread's call, which is owed its answer already."""
    if _post(receive, message):
        arm(receive)


def _hand_over(
    receive: ptr[Record], record: ptr[Record], started: ptr[Record] | None
) -> tuple[bool, ptr[Record] | None]:
    """Posts a ring's message to a receive; both are MOVING. Returns whether the receive goes on, and what is to be
    begun later."""
    message = Message(badge=record.badge, length=record.length & CONTENT, is_call=record.operation == Operation.CALL)
    message.sender = record
    for index in range(u64(MESSAGE_WORDS)):
        message.words[index] = record.words[index]
    status = _carry(addr(message), receive)
    if status != Status.OK:
        record.state.store(RecordState.CLAIMED, "relaxed")
        return True, finish.finish_only(record, status, 0, started)
    if message.is_call:
        owed = ptr[Answer](receive.holder)
        owed.wait = record.serial
        owed.caller.store(u64(record) | RING_CALL, "release")
        record.holder = u64(owed)
    goes_on = _post(receive, addr(message))
    record.state.store(RecordState.PENDING if message.is_call else RecordState.CLAIMED, "seq_cst")
    if not message.is_call:
        started = finish.finish_only(record, Status.OK, 0, started)
    forget_moved(addr(message))
    return goes_on, started


def _post(receive: ptr[Record], message: ptr[Message]) -> bool:
    """Returns whether the receive goes on."""
    if receive.left == 1:
        receive.state.store(RecordState.CLAIMED, "relaxed")
        finish.finish_with(receive, message)
        return False
    ring = receive.ring
    with ring.lock:
        if receive.left != 0:
            receive.left -= 1
        token = owe_answer(ring, receive) if message.is_call else u64(0)
        receive.has_place = False
        post_message(ring, receive.user_data, CompletionFlags.MORE, message, token)
        thread = take_waiter(ring)
    if thread is not None:
        schedule.make_ready(thread)
    return True


def _carry(message: ptr[Message], receiver: ptr[Record]) -> Status:
    """Everything besides the words, or nothing of it. Errors: RECEIVER_LIMIT and those of transfer(); nothing has
    changed then."""
    sender = message.sender
    if message.length == 0 or sender is None:
        return Status.OK
    if message.length & BYTES != 0:
        with sender.ring.lock:
            message.source = find_piece(sender.ring, u64(sender.slot))
        if message.source == 0:
            return Status.BAD_ARGUMENT
        with receiver.ring.lock:
            if find_piece(receiver.ring, 0) == 0:
                return Status.RECEIVER_LIMIT
    return transfer(message, receiver) if message.length & ~u32(BYTES) != 0 else Status.OK


def _answer(record: ptr[Record], serial: u64, message: ptr[Message]) -> Status:
    if not _take_call(record, serial):
        return Status.PEER_CLOSED
    status = _carry(message, record)
    if status != Status.OK:
        return status
    record.holder = 0
    record.state.store(RecordState.CLAIMED, "relaxed")
    finish.finish_with(record, message)
    forget_moved(message)
    return Status.OK


def _fail(record: ptr[Record], serial: u64, status: Status) -> None:
    if _take_call(record, serial):
        _end(record, status)


def _end(record: ptr[Record], status: Status) -> None:
    record.state.store(RecordState.CLAIMED, "relaxed")
    finish.finish(record, status, 0)


def _take_call(record: ptr[Record], serial: u64) -> bool:
    """Makes a call that was received the caller's, MOVING, if it still is the one that is meant."""
    ring = record.ring
    while True:
        with ring.lock:
            if record.serial != serial:
                return False
            found, is_mine = record.state.compare_exchange(RecordState.PENDING, RecordState.MOVING, "seq_cst")
            if is_mine:
                return True
            if found != RecordState.MOVING:
                return False
        spinlock.while_spinning()
