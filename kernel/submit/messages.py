"""The operations that call, send, receive and reply, from their submission on."""
from compiler.prelude import addr, const, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import (
    ACCEPTED_SHIFT,
    BYTES,
    CONTENT,
    COPIED_SHIFT,
    LEVEL_SHIFT,
    MESSAGE_BYTES,
    MESSAGE_WORDS,
    MOVED_SHIFT,
    Operation,
)
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.complete import finish, messages
from kernel.complete.ring_block import Record
from kernel.core.message import Message
from kernel.objects.ring_buffer import drop_buffer, set_buffer
from kernel.submit.attachment import attach, process_of

_ACCEPTED = const(7 << ACCEPTED_SHIFT)
_CALL_LENGTH = const(CONTENT | _ACCEPTED | 3 << LEVEL_SHIFT)
_SEND_LENGTH = const(CONTENT | 3 << LEVEL_SHIFT)
_MOST_MESSAGES = const(0xFFFF_FFFF)


def begin_message(record: ptr[Record]) -> None:
    """CALL and SEND."""
    status = _check_length(record, _CALL_LENGTH if record.operation == Operation.CALL else _SEND_LENGTH)
    if status == Status.OK:
        status = attach(record, ObjectKind.CHANNEL, Right.SEND)
    if status == Status.OK:
        status = messages.refill(record)
    if status == Status.OK:
        record.level = u8(record.length >> LEVEL_SHIFT)
        record.holder = 0
        status = messages.send(record)
    if status != Status.OK:
        finish.finish(record, status, 0)


def begin_receive(record: ptr[Record]) -> None:
    status = _check_length(record, _ACCEPTED)
    if status == Status.OK and record.words[0] > _MOST_MESSAGES:
        status = Status.BAD_ARGUMENT
    record.holder = 0
    record.has_place = False
    record.is_short = False
    if status == Status.OK:
        status = attach(record, ObjectKind.CHANNEL, Right.RECEIVE)
    if status != Status.OK:
        finish.finish(record, status, 0)
        return
    record.left = u32(record.words[0])
    messages.arm(record)


def begin_reply(record: ptr[Record]) -> None:
    status = _check_length(record, CONTENT)
    message = Message(length=record.length & CONTENT, sender=record)
    for index in range(u64(MESSAGE_WORDS)):
        message.words[index] = record.words[index]
    if status == Status.OK:
        status = messages.reply(record.ring, record.capability, addr(message))
    finish.finish(record, status, 0)


def begin_set_buffer(record: ptr[Record]) -> None:
    status: Status = Status.OK
    if record.capability == 0:
        drop_buffer(record.ring)
    else:
        found = Capability()
        status = table.lookup(
            addr(process_of(record).table), record.capability, u32(ObjectKind.MEMORY), u32(Right.READ | Right.WRITE),
            addr(found),
        )
        if status == Status.OK:
            status = set_buffer(record.ring, addr(found), record.words[0])
    finish.finish(record, status, 0)


def _check_length(record: ptr[Record], allowed: u32) -> Status:
    """Whether what `length` says makes sense; who loses or lends which capability is seen when they are handed over."""
    length = record.length
    copied = length >> COPIED_SHIFT & 15
    moved = length >> MOVED_SHIFT & 15
    accepted = length >> ACCEPTED_SHIFT & 7
    if length & ~allowed != 0 or length & BYTES > MESSAGE_BYTES or copied & moved != 0 or accepted > MESSAGE_WORDS:
        return Status.BAD_ARGUMENT
    if length & BYTES != 0 and record.ring.buffer is None:
        return Status.BAD_ARGUMENT
    return Status.OK
