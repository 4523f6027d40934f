"""The two ends of a protocol: a Channel to ask over, a Call to be answered. The compiler writes what uses them.

Words of a call: its number, three arguments. Words of an answer: an Answer, one value.
"""
from enum import IntEnum

from compiler.prelude import addr, i64, struct, u64
from kernel.abi.errors import Status
from userspace.lib.channel import Message, call, reply_receive


class Answer(IntEnum):
    GIVEN = 0
    UNKNOWN = 1             # the server knows no call of this number: it is of another version
    FAILED = 2              # it knows the call, and something went wrong


@struct
class Channel:
    handle: u64

    async def exchange(self, number: u64, first: u64, second: u64, third: u64) -> u64:
        """Errors: ConnectionError, nobody answers; LookupError, not this call; RuntimeError, it failed.

        The thread waits, and all its tasks.
        """
        message = Message(word0=number, word1=first, word2=second, word3=third)
        if call(self.handle, addr(message)) != Status.OK:
            raise ConnectionError("nobody answers")
        if message.word0 == Answer.UNKNOWN:
            raise LookupError("the server does not know this call; it may be of another version")
        if message.word0 != Answer.GIVEN:
            raise RuntimeError("the server could not do it")
        return message.word1

    def word_of_int(self, value: i64) -> u64:
        return u64(value)

    def word_of_bool(self, value: bool) -> u64:
        return u64(value)


@struct
class Call:
    """A call that was received; it is answered once."""
    number: u64
    word1: u64
    word2: u64
    word3: u64
    badge: u64                          # of the capability that it came by

    def answer(self, value: u64) -> None:
        _reply(Answer.GIVEN, value)

    def answer_int(self, value: i64) -> None:
        _reply(Answer.GIVEN, u64(value))

    def answer_bool(self, value: bool) -> None:
        _reply(Answer.GIVEN, u64(value))

    def refuse(self) -> None:
        _reply(Answer.UNKNOWN, 0)

    def fail(self) -> None:
        _reply(Answer.FAILED, 0)


def _reply(answer: u64, value: u64) -> None:
    message = Message(word0=answer, word1=value)
    _, _ = reply_receive(0, addr(message))
