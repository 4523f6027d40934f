"""The operations that call, send, receive and reply, from their submission on."""
from compiler.prelude import addr, const, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import CONTENT, LEVEL_SHIFT
from kernel.complete import finish, messages
from kernel.complete.ring_block import Record
from kernel.core.message import Message
from kernel.submit.attachment import attach

_LEVELS = const(3 << LEVEL_SHIFT)
_MOST_MESSAGES = const(0xFFFF_FFFF)


def begin_message(record: ptr[Record]) -> None:
    """CALL and SEND."""
    status: Status = Status.OK
    if record.length & ~u32(_LEVELS) != 0:
        status = Status.BAD_ARGUMENT
    if status == Status.OK:
        status = attach(record, ObjectKind.CHANNEL, Right.SEND)
    if status == Status.OK:
        record.level = u8(record.length >> LEVEL_SHIFT)
        record.holder = 0
        status = messages.send(record)
    if status != Status.OK:
        finish.finish(record, status, 0)


def begin_receive(record: ptr[Record]) -> None:
    status: Status = Status.OK
    if record.length != 0 or record.words[0] > _MOST_MESSAGES:
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
    status: Status = Status.BAD_ARGUMENT
    if record.length == 0:
        message = Message(length=record.length & CONTENT, sender=record)
        for index in range(u64(4)):
            message.words[index] = record.words[index]
        status = messages.reply(record.ring, record.capability, addr(message))
    finish.finish(record, status, 0)
