"""A channel for one message, in shared memory: sent once or dropped once, taken once.

Pure: tested on the host in every order of its accesses. Not here: the doorbell (oneshot_ends.py).
"""
from enum import IntEnum

from compiler.prelude import atomic, copy, ptr, struct, u64
from userspace.lib.channels.outcome import Outcome, Words


class State(IntEnum):
    EMPTY = 0
    SENDING = 1             # the sender is writing
    FULL = 2
    TAKEN = 3
    DROPPED = 4             # nothing will come


@struct
class Oneshot:
    state: atomic[u64]
    message: Words

    def send(self, message: ptr[Words]) -> Outcome:
        """Errors: USED after an earlier message, CLOSED when it was dropped."""
        if not self.state.cas(State.EMPTY, State.SENDING, "acquire"):
            return Outcome.CLOSED if self.state.load("relaxed") == State.DROPPED else Outcome.USED
        self.message = copy(message[0])
        # Release: pairs with the acquire in receive(). It fails when the receiver gave up a sender that had died.
        return Outcome.DONE if self.state.cas(State.SENDING, State.FULL, "release") else Outcome.CLOSED

    def drop(self) -> bool:
        """By the sender, or by the receiver that will not wait. Returns False when a message was there first."""
        return self.state.cas(State.EMPTY, State.DROPPED, "acq_rel")

    def give_up(self) -> bool:
        """By the receiver, once the sender has died: also a message half written is none."""
        return self.drop() or self.state.cas(State.SENDING, State.DROPPED, "acq_rel")

    def receive(self, message: ptr[Words]) -> Outcome:
        state = self.state.load("acquire")
        if state == State.FULL and self.state.cas(State.FULL, State.TAKEN, "acq_rel"):
            message[0] = copy(self.message)
            return Outcome.DONE
        if state == State.FULL or state == State.TAKEN:
            return Outcome.USED
        return Outcome.CLOSED if state == State.DROPPED else Outcome.WOULD_BLOCK
