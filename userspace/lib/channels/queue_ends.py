"""The ends of a queue as tasks use them: messages are awaited, room for them too.

A queue is a Memory of one page and two notifications. `filled` has a bit for "a message", and one for each sender by
which the kernel tells the receiver that the sender's thread has ended; `drained` has a bit for each sender, and one
for the receiver's end. Whoever makes the queue has the kernel ring those (ended_bit, RECEIVER_ENDED).
"""
from compiler.prelude import const, ptr, struct, u64
from userspace.lib import notification
from userspace.lib.channels.outcome import Outcome, Words
from userspace.lib.channels.queue import MOST_SENDERS, Queue, Receiver, Sender

_FILLED = const(1)
_ENDED_SHIFT = const(1)
_ENDED_BITS = const(((1 << MOST_SENDERS) - 1) << _ENDED_SHIFT)
RECEIVER_ENDED = const(1 << 63)


def ended_bit(sender: u64) -> u64:
    """Of `filled`: what the kernel sets when the process of a sender has ended."""
    return u64(1) << (sender + _ENDED_SHIFT)


@struct
class QueueReceiver:
    receiver: Receiver
    filled: u64
    drained: u64

    async def receive(self, message: ptr[Words]) -> bool:
        """Returns False when the last sender is gone and nothing is left. Errors: ConnectionError."""
        while True:
            outcome = self.receiver.try_receive(message)
            if outcome == Outcome.WOULD_BLOCK:
                self.receiver.begin_sleep()
                outcome = self.receiver.try_receive(message)
            if outcome == Outcome.DONE:
                waking = self.receiver.waking()
                if waking != 0:
                    notification.signal(self.drained, waking)
                return True
            if outcome == Outcome.CLOSED:
                return False
            if outcome == Outcome.BROKEN:
                raise ConnectionError("a sender wrote what it must not")
            bits = await notification.wait(self.filled, u64(_FILLED | _ENDED_BITS))
            self.receiver.note_end((bits & u64(_ENDED_BITS)) >> _ENDED_SHIFT)


@struct
class QueueSender:
    sender: Sender
    filled: u64
    drained: u64
    has_ended: bool                     # the receiver

    async def send(self, message: ptr[Words]) -> None:
        """Waits until there is room. Errors: ConnectionError, when nobody receives any more."""
        while True:
            outcome = self.sender.try_send(message)
            if outcome == Outcome.WOULD_BLOCK and not self.has_ended:
                self.sender.begin_sleep()
                outcome = self.sender.try_send(message)
            if self.has_ended or outcome == Outcome.BROKEN:
                raise ConnectionError("nobody receives")
            if outcome == Outcome.DONE:
                if self.sender.must_wake():
                    notification.signal(self.filled, _FILLED)
                return
            bits = await notification.wait(self.drained, u64(1) << self.sender.number | u64(RECEIVER_ENDED))
            if bits & u64(RECEIVER_ENDED) != 0 or bits == 0:
                self.has_ended = True
                notification.signal(self.drained, u64(RECEIVER_ENDED))     # for the other senders

    def close(self) -> None:
        self.sender.close()
        notification.signal(self.filled, _FILLED)


def queue_receiver(queue: ptr[Queue], capacity: u64, senders: u64, filled: u64, drained: u64) -> QueueReceiver:
    """`senders` has a bit for each sender that there may be."""
    return QueueReceiver(
        receiver=Receiver(queue=queue, capacity=capacity, place=0, open=senders), filled=filled, drained=drained
    )


def queue_sender(queue: ptr[Queue], capacity: u64, number: u64, filled: u64, drained: u64) -> QueueSender:
    return QueueSender(sender=Sender(queue=queue, capacity=capacity, number=number), filled=filled, drained=drained)
