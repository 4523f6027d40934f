"""Waiting for the one message of a one-shot channel; a deadline is the caller's: asyncio.wait_for, asyncio.timeout.

`bell` is a notification: SENT is rung by send() and drop(), ENDED by the kernel when the sender's process has ended.
"""
from compiler.prelude import const, ptr, u64
from userspace.lib import notification
from userspace.lib.channels.oneshot import Oneshot
from userspace.lib.channels.outcome import Outcome, Words

SENT = const(1)
ENDED = const(2)


def send(oneshot: ptr[Oneshot], message: ptr[Words], bell: u64) -> Outcome:
    outcome = oneshot.send(message)
    if outcome == Outcome.DONE:
        notification.signal(bell, SENT)
    return outcome


def drop(oneshot: ptr[Oneshot], bell: u64) -> None:
    if oneshot.drop():
        notification.signal(bell, SENT)


async def receive(oneshot: ptr[Oneshot], message: ptr[Words], bell: u64) -> Outcome:
    """DONE, CLOSED or USED."""
    while True:
        outcome = oneshot.receive(message)
        if outcome != Outcome.WOULD_BLOCK:
            return outcome
        bits = await notification.wait(bell, SENT | ENDED)
        if bits & ENDED != 0:
            _ = oneshot.give_up()
