"""Capabilities in messages: taken out of the sender's table and put into the receiver's, all or none.

The receiver's slots have been reserved before (refill), so nothing can fail once all of the sender's have been found
good; what has been taken out until one was found bad is put back under its old handle. What receives calls, and
processes, do not travel: an object must not come to lie in its own queue (rings.md D3).
"""
from compiler.prelude import addr, array, ptr, struct, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import ACCEPTED_SHIFT, COPIED_SHIFT, MESSAGE_WORDS, MOVED_SHIFT, Operation
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.complete import messages
from kernel.complete.ring_block import Record
from kernel.core.destruction import release
from kernel.core.message import Message
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.objects.handles import end_operations, fill_slot, reserve_slot


@struct
class Load:
    """What one message brings."""
    sender: ptr[Process]
    found: array[Capability, MESSAGE_WORDS]
    is_moved: array[bool, MESSAGE_WORDS]
    handles: array[u64, MESSAGE_WORDS]
    count: u64


def start() -> None:
    messages.transfer = transfer
    messages.refill = refill
    messages.forget_moved = forget_moved


def transfer(message: ptr[Message], receiver: ptr[Record]) -> Status:
    """Errors: RECEIVER_LIMIT, and those of a handle: BAD_HANDLE, BAD_KIND, NO_RIGHT, REVOKED, DESTROYED."""
    sender = message.sender
    assert sender is not None
    copied = message.length >> COPIED_SHIFT & 15
    moved = message.length >> MOVED_SHIFT & 15
    load = Load(sender=process_of(sender))
    for word in range(u64(MESSAGE_WORDS)):
        if (copied | moved) >> u32(word) & 1 == 0:
            continue
        status: Status = Status.RECEIVER_LIMIT
        if load.count != u64(receiver.slot_count):
            status = _take(addr(load), message.words[word], moved >> u32(word) & 1 != 0)
        if status != Status.OK:
            _put_back(addr(load))
            return status
    _hand_over(addr(load), message, receiver, copied | moved)
    return Status.OK


def refill(receiver: ptr[Record]) -> Status:
    """Reserves as many slots as the operation asks for. Errors: OVER_LIMIT, NO_MEMORY; then those that it has stay."""
    wanted = receiver.length >> ACCEPTED_SHIFT & 7
    if receiver.operation != Operation.CALL and receiver.operation != Operation.RECEIVE:
        wanted = 0
    process = process_of(receiver)
    while u32(receiver.slot_count) < wanted:
        slot, status = reserve_slot(process)
        if status != Status.OK:
            return status
        receiver.slots[receiver.slot_count] = slot
        receiver.slot_count += 1
    return Status.OK


def forget_moved(message: ptr[Message]) -> None:
    """Ends what the sender has begun with handles that it has moved away."""
    sender = message.sender
    if message.length >> MOVED_SHIFT & 15 == 0 or sender is None:
        return
    for word in range(u64(MESSAGE_WORDS)):
        if message.moved[word] != 0:
            end_operations(process_of(sender), message.moved[word])


def process_of(record: ptr[Record]) -> ptr[Process]:
    return ptr[Thread](record.ring.thread).process


def _take(load: ptr[Load], handle: u64, is_moved: bool) -> Status:
    """Finds one capability good, and makes it, or a copy of it, the message's."""
    found = addr(load.found[load.count])
    right = Right.MOVE if is_moved else Right.COPY
    slots = addr(load.sender.table)
    status = table.lookup(slots, handle, u32(ObjectKind.NONE), u32(right), found)
    if status != Status.OK:
        return status
    header = found.object
    assert header is not None
    if header.kind == ObjectKind.PROCESS:
        return Status.BAD_KIND
    if header.kind == ObjectKind.CHANNEL and found.rights & Right.RECEIVE != 0:
        return Status.NO_RIGHT
    if is_moved and not table.withdraw(slots, handle, found):
        return Status.BAD_HANDLE
    if not is_moved and not reference.take(header):
        return Status.DESTROYED
    load.is_moved[load.count] = is_moved
    load.handles[load.count] = handle
    load.count += 1
    return Status.OK


def _put_back(load: ptr[Load]) -> None:
    for index in range(load.count):
        if load.is_moved[index]:
            table.restore(addr(load.sender.table), load.handles[index], addr(load.found[index]))
        else:
            header = load.found[index].object
            assert header is not None
            release(header)


def _hand_over(load: ptr[Load], message: ptr[Message], receiver: ptr[Record], words: u32) -> None:
    process = process_of(receiver)
    index: u64 = 0
    for word in range(u64(MESSAGE_WORDS)):
        if words >> u32(word) & 1 == 0:
            continue
        receiver.slot_count -= 1
        message.words[word] = fill_slot(process, receiver.slots[receiver.slot_count], addr(load.found[index]))
        if load.is_moved[index]:
            table.abandon(addr(load.sender.table), load.handles[index])
            message.moved[word] = load.handles[index]
        index += 1
    message.handles = words
