"""Channels in shared memory one step at a time: order, limits, what a hostile or dead other side leaves behind."""
from compiler.prelude import addr, array, const, u8, u64, wrap_add, wrap_mul, zeroed
from userspace.lib.channels import queue as queues
from userspace.lib.channels.oneshot import Oneshot
from userspace.lib.channels.outcome import Outcome, Words
from userspace.lib.channels.queue import Queue, Receiver, Sender
from userspace.lib.channels.stream import STREAM_BYTES, Reader, Stream, Writer

_STATES = const(128)                    # of a cell's word; 2 and more: claimed by that sender

_stream: Stream = zeroed()
_writer: Writer = Writer(stream=addr(_stream), position=0)
_reader: Reader = Reader(stream=addr(_stream), position=0)
_queue: Queue = zeroed()


def stream_keeps_order(rounds: u64) -> bool:
    """Parts of uneven length in and out, many times around the buffer."""
    random: u64 = 12345
    part: array[u8, 500] = zeroed()
    written: u64 = 0
    read: u64 = 0
    for _ in range(rounds):
        random = wrap_add(wrap_mul(random, 6364136223846793005), 1442695040888963407)
        length = random >> 33 & 0xFF
        for index in range(length):
            part[index] = u8((written + index) * 7)
        outcome, count = _writer.write(part[:length])
        written += count
        if outcome == Outcome.WOULD_BLOCK and written - read != STREAM_BYTES:
            return False
        outcome, count = _reader.read(part[: random >> 41 & 0xFF])
        for index in range(count):
            if part[index] != u8((read + index) * 7):
                return False
        read += count
    return read > rounds


def stream_after(written: u64, read: u64) -> tuple[u64, u64]:
    """What a writer and a reader at position 10 say when the other side has put these positions there."""
    stream: Stream = zeroed()
    stream.written.value.store(written, "relaxed")
    stream.read.value.store(read, "relaxed")
    writer = Writer(stream=addr(stream), position=10)
    reader = Reader(stream=addr(stream), position=10)
    part: array[u8, 4] = zeroed()
    wrote, _ = writer.write(part[:])
    stream.written.value.store(written, "relaxed")
    found, _ = reader.read(part[:])
    return u64(wrote), u64(found)


def queue_can_have(capacity: u64) -> bool:
    return queues.prepare(addr(_queue), capacity)


def queue_of_one_alternates(rounds: u64) -> bool:
    _ = queues.prepare(addr(_queue), 1)
    sender = Sender(queue=addr(_queue), capacity=1, number=3)
    receiver = Receiver(queue=addr(_queue), capacity=1, place=0, open=8)
    message: Words = zeroed()
    for number in range(rounds):
        message.words[2] = number
        if sender.try_send(addr(message)) != Outcome.DONE or sender.try_send(addr(message)) != Outcome.WOULD_BLOCK:
            return False
        message.words[2] = 0
        if receiver.try_receive(addr(message)) != Outcome.DONE or message.words[2] != number:
            return False
        if receiver.try_receive(addr(message)) != Outcome.WOULD_BLOCK:
            return False
    sender.close()
    return receiver.try_receive(addr(message)) == Outcome.CLOSED


def queue_skips_the_dead() -> bool:
    """A sender that died with a claimed cell: those behind it come, its message does not."""
    _ = queues.prepare(addr(_queue), 4)
    _queue.cells[0].turn.store(2 + 1, "relaxed")
    sender = Sender(queue=addr(_queue), capacity=4, number=0)
    receiver = Receiver(queue=addr(_queue), capacity=4, place=0, open=3)
    message: Words = zeroed()
    message.words[0] = 77
    if sender.try_send(addr(message)) != Outcome.DONE:
        return False
    if receiver.try_receive(addr(message)) != Outcome.WOULD_BLOCK:
        return False
    receiver.note_end(2)
    return receiver.try_receive(addr(message)) == Outcome.DONE and message.words[0] == 77


def queue_after(turn: u64, tail: u64) -> tuple[u64, u64]:
    """What a sender and a receiver say of a queue whose first cell and tail hold this."""
    _ = queues.prepare(addr(_queue), 4)
    _queue.cells[0].turn.store(turn, "relaxed")
    _queue.tail.value.store(tail, "relaxed")
    sender = Sender(queue=addr(_queue), capacity=4, number=0)
    receiver = Receiver(queue=addr(_queue), capacity=4, place=0, open=1)
    message: Words = zeroed()
    found = receiver.try_receive(addr(message))
    return u64(sender.try_send(addr(message))), u64(found)


def oneshot_is_used_up() -> bool:
    oneshot: Oneshot = zeroed()
    message: Words = zeroed()
    if oneshot.receive(addr(message)) != Outcome.WOULD_BLOCK or oneshot.send(addr(message)) != Outcome.DONE:
        return False
    if oneshot.send(addr(message)) != Outcome.USED or oneshot.drop():
        return False
    return oneshot.receive(addr(message)) == Outcome.DONE and oneshot.receive(addr(message)) == Outcome.USED


def oneshot_is_dropped() -> bool:
    oneshot: Oneshot = zeroed()
    message: Words = zeroed()
    return (
        oneshot.drop()
        and oneshot.send(addr(message)) == Outcome.CLOSED
        and oneshot.receive(addr(message)) == Outcome.CLOSED
    )


def oneshot_outlives_its_sender() -> bool:
    """Half a message is none."""
    oneshot: Oneshot = zeroed()
    oneshot.state.store(1, "relaxed")
    message: Words = zeroed()
    if oneshot.receive(addr(message)) != Outcome.WOULD_BLOCK or not oneshot.give_up():
        return False
    return oneshot.receive(addr(message)) == Outcome.CLOSED
