"""The two ends of a protocol: a Channel to ask over, a Call to be answered. The compiler writes what uses them.

Words of a call: its number, three arguments. Words of an answer: an Answer, one value. A word that is a Capability is a
handle of the sender's, and arrives as one of the receiver's.
"""
from enum import IntEnum

from compiler.prelude import addr, const, i64, ptr, struct, u8, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import ACCEPTED_SHIFT, COPIED_SHIFT, Submission
from kernel.abi.ring import Operation as Opcode
from userspace.lib.asyncio.loop import perform
from userspace.lib.reactor import Operation

Capability = u64

_MOST_CAPABILITIES = const(3)           # of one call
_VALUE = const(1 << 1)                  # the second word, as a word that is a handle


class Answer(IntEnum):
    GIVEN = 0
    UNKNOWN = 1             # the server knows no call of this number: it is of another protocol or version
    FAILED = 2              # it knows the call, and something went wrong


@struct
class Channel:
    handle: u64

    async def exchange(self, number: u64, first: u64, second: u64, third: u64, handles: u64) -> u64:
        """`handles` has a bit for each word that is one. Errors: ConnectionError, nobody answers; LookupError, not
        this call; RuntimeError, it failed."""
        entry = Submission(
            operation=u8(Opcode.CALL),
            length=u32(handles << COPIED_SHIFT | 1 << ACCEPTED_SHIFT),
            capability=self.handle,
            word0=number,
            word1=first,
            word2=second,
            word3=third,
        )
        operation: Operation = zeroed()
        await perform(addr(entry), addr(operation))
        completion = addr(operation.completion)
        if completion.status != Status.OK:
            raise ConnectionError("nobody answers")
        if completion.word0 == Answer.UNKNOWN:
            raise LookupError("the server does not know this call; it may be of another version")
        if completion.word0 != Answer.GIVEN:
            raise RuntimeError("the server could not do it")
        return completion.word1

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
    reply: u64

    async def answer(self, value: u64) -> None:
        await self._reply(Answer.GIVEN, value, 0)

    async def answer_int(self, value: i64) -> None:
        await self._reply(Answer.GIVEN, u64(value), 0)

    async def answer_bool(self, value: bool) -> None:
        await self._reply(Answer.GIVEN, u64(value), 0)

    async def answer_capability(self, handle: Capability) -> None:
        """0 is none."""
        await self._reply(Answer.GIVEN, handle, u64(_VALUE) if handle != 0 else 0)

    async def refuse(self) -> None:
        await self._reply(Answer.UNKNOWN, 0, 0)

    async def fail(self) -> None:
        await self._reply(Answer.FAILED, 0, 0)

    async def _reply(self, answer: u64, value: u64, handles: u64) -> None:
        """An answer that cannot be given any more, because the caller is gone, is none."""
        entry = Submission(
            operation=u8(Opcode.REPLY),
            length=u32(handles << COPIED_SHIFT),
            capability=self.reply,
            word0=answer,
            word1=value,
        )
        operation: Operation = zeroed()
        await perform(addr(entry), addr(operation))


async def receive(channel: u64, call: ptr[Call]) -> None:
    """Waits for a call. Errors: ConnectionError, when nothing can come over this channel any more."""
    entry = Submission(
        operation=u8(Opcode.RECEIVE), length=u32(_MOST_CAPABILITIES << ACCEPTED_SHIFT), capability=channel, word0=1
    )
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    completion = addr(operation.completion)
    if completion.status != Status.OK:
        raise ConnectionError("nothing can be received")
    call.number = completion.word0
    call.word1 = completion.word1
    call.word2 = completion.word2
    call.word3 = completion.word3
    call.badge = completion.badge
    call.reply = completion.reply
