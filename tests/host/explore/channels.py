"""Orders of the accesses to channels in shared memory: userspace/lib/channels, and three that are wrong on purpose.

A doorbell is a word here as in the kernel: bits that stay until whoever sleeps takes them. A task that would sleep ends
instead, as its last look found nothing; it was right to if its bell rings afterwards.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, atomic, const, ptr, u8, u64, zeroed
from tests.host.explore.explorer import Scenario, explore
from userspace.lib.channels import queue as queues
from userspace.lib.channels.oneshot import Oneshot
from userspace.lib.channels.outcome import Outcome, Words
from userspace.lib.channels.queue import Queue, Receiver, Sender
from userspace.lib.channels.stream import STREAM_BYTES, Reader, Stream, Writer, open_reader, open_writer

_RECEIVER_BELL = const(1 << 40)

_stream: Stream = zeroed()
_writer: Writer = Writer(stream=addr(_stream), position=0)
_reader: Reader = Reader(stream=addr(_stream), position=0)
_queue: Queue = zeroed()
_receiver: Receiver = Receiver(queue=addr(_queue), capacity=2, place=0, open=0)
_oneshot: Oneshot = zeroed()
_bell: atomic[u64] = 0
_sleeps: bool = False                   # the receiver found nothing and would sleep
_blocked: u64 = 0                       # senders that found no room and would sleep, one bit for each
_got: u64 = 0                           # messages in the order in which they came, eight bits each
_done: u64 = 0
_outcomes: array[u64, 4] = zeroed()


def _explore(
    prepare: Callable[[], None], first: Callable[[], None], second: Callable[[], None], third: Callable[[], None],
    count: u64, is_right: Callable[[], bool], most: u64,
) -> tuple[u64, bool]:
    scenario = Scenario(prepare=prepare, tasks=array(first, second, third, third), count=count, is_right=is_right)
    return explore(addr(scenario), most)


# Streams: three bytes across the buffer's end


def explore_stream(most: u64) -> tuple[u64, bool]:
    return _explore(_prepare_stream, _write_three, _read_all, _read_all, 2, _stream_is_right, most)


def explore_stream_without_last_look(most: u64) -> tuple[u64, bool]:
    """The reader sleeps without a look after it has said so."""
    return _explore(_prepare_stream, _write_three, _read_carelessly, _read_carelessly, 2, _stream_is_right, most)


def _prepare_stream() -> None:
    global _got, _sleeps, _writer, _reader
    _stream.written.value.store(u64(STREAM_BYTES) - 1, "relaxed")
    _stream.read.value.store(u64(STREAM_BYTES) - 1, "relaxed")
    _stream.reader_sleeps.value.store(0, "relaxed")
    _stream.writer_sleeps.value.store(0, "relaxed")
    _bell.store(0, "relaxed")
    _writer = open_writer(addr(_stream))
    _reader = open_reader(addr(_stream))
    _got = 0
    _sleeps = False


def _stream_is_right() -> bool:
    whole = _got == 0x414243
    return whole or (_sleeps and _bell.load("relaxed") != 0 and _is_prefix(_got))


def _is_prefix(got: u64) -> bool:
    return got == 0 or got == 0x41 or got == 0x4142


def _write_three() -> None:
    for letter in b"ABC":
        data: array[u8, 1] = array(letter)
        outcome, count = _writer.write(data[:])
        assert outcome == Outcome.DONE and count == 1
        if _writer.must_wake():
            _ = _bell.fetch_or(_RECEIVER_BELL)


def _read_all() -> None:
    global _sleeps
    while _got != 0x414243:
        if not _read_some():
            _reader.begin_sleep()
            if not _read_some():
                _sleeps = True
                return


def _read_carelessly() -> None:
    global _sleeps
    while _got != 0x414243:
        if not _read_some():
            _reader.begin_sleep()
            _sleeps = True
            return


def _read_some() -> bool:
    global _got
    data: array[u8, 2] = zeroed()
    outcome, count = _reader.read(data[:])
    for index in range(count):
        _got = _got << 8 | u64(data[index])
    return outcome == Outcome.DONE


# Queues: two senders of two messages each, room for `capacity`


def explore_queue(most: u64) -> tuple[u64, bool]:
    return _explore(_prepare_two_cells, _send_first, _send_second, _receive_all, 3, _queue_is_right, most)


def explore_queue_of_one(most: u64) -> tuple[u64, bool]:
    return _explore(_prepare_one_cell, _send_first, _send_second, _receive_all, 3, _queue_is_right, most)


def explore_queue_without_last_look(most: u64) -> tuple[u64, bool]:
    """The receiver sleeps without a look after it has said so."""
    return _explore(_prepare_two_cells, _send_first, _send_second, _receive_carelessly, 3, _queue_is_right, most)


def _prepare_two_cells() -> None:
    _prepare_queue(2)


def _prepare_one_cell() -> None:
    _prepare_queue(1)


def _prepare_queue(capacity: u64) -> None:
    global _got, _sleeps, _blocked, _done, _receiver
    _ = queues.prepare(addr(_queue), capacity)
    _receiver = Receiver(queue=addr(_queue), capacity=capacity, place=0, open=3)
    _bell.store(0, "relaxed")
    _got = 0
    _done = 0
    _blocked = 0
    _sleeps = False


def _queue_is_right() -> bool:
    """Every message that was sent has come or lies there, in each sender's order; who sleeps is told."""
    bell = _bell.load("relaxed")
    left: u64 = 0
    message: Words = zeroed()
    while _receiver.try_receive(addr(message)) == Outcome.DONE:
        _note(message.words[0])
        left += 1
    if _sleeps and left != 0 and bell & _RECEIVER_BELL == 0:
        return False
    if _blocked & ~bell != 0 and left < _receiver.capacity:
        return False
    return _done == _count(_got) and _is_ordered(0x11, 0x12) and _is_ordered(0x21, 0x22)


def _count(got: u64) -> u64:
    count: u64 = 0
    while got != 0:
        count += 1
        got >>= 8
    return count


def _is_ordered(first: u64, second: u64) -> bool:
    """Each at most once, the second only after the first."""
    seen: u64 = 0
    for shift in range(_count(_got)):
        word = _got >> ((_count(_got) - 1 - shift) * 8) & 0xFF
        if (word == first and seen != 0) or (word == second and seen != 1):
            return False
        seen += u64(word == first) + u64(word == second)
    return True


def _send_first() -> None:
    _send_two(0, 0x11)


def _send_second() -> None:
    _send_two(1, 0x21)


def _send_two(number: u64, first: u64) -> None:
    sender = Sender(queue=addr(_queue), capacity=_receiver.capacity, number=number)
    for index in range(u64(2)):
        if not _send(addr(sender), first + index):
            return


def _send(sender: ptr[Sender], word: u64) -> bool:
    global _done, _blocked
    message: Words = zeroed()
    message.words[0] = word
    if sender.try_send(addr(message)) != Outcome.DONE:
        sender.begin_sleep()
        if sender.try_send(addr(message)) != Outcome.DONE:
            _blocked |= u64(1) << sender.number
            return False
    _done += 1
    if sender.must_wake():
        _ = _bell.fetch_or(_RECEIVER_BELL)
    return True


def _receive_all() -> None:
    global _sleeps
    while _count(_got) != 4:
        if not _receive_one():
            _receiver.begin_sleep()
            if not _receive_one():
                _sleeps = True
                return


def _receive_carelessly() -> None:
    global _sleeps
    while _count(_got) != 4:
        if not _receive_one():
            _receiver.begin_sleep()
            _sleeps = True
            return


def _receive_one() -> bool:
    message: Words = zeroed()
    if _receiver.try_receive(addr(message)) != Outcome.DONE:
        return False
    _note(message.words[0])
    waking = _receiver.waking()
    if waking != 0:
        _ = _bell.fetch_or(waking)
    return True


def _note(word: u64) -> None:
    global _got
    _got = _got << 8 | word


# One-shot: two that send, one that drops


def explore_oneshot(most: u64) -> tuple[u64, bool]:
    return _explore(_prepare_oneshot, _send_once, _drop_once, _take_twice, 3, _oneshot_is_right, most)


def explore_oneshot_in_two_steps(most: u64) -> tuple[u64, bool]:
    """The one that drops looks first and stores then."""
    return _explore(_prepare_oneshot, _send_once, _drop_carelessly, _take_twice, 3, _oneshot_is_right, most)


def _prepare_oneshot() -> None:
    _oneshot.state.store(0, "relaxed")
    for index in range(u64(4)):
        _outcomes[index] = Outcome.WOULD_BLOCK


def _oneshot_is_right() -> bool:
    """Sent or dropped, never both; what was taken was sent, once."""
    sent = _outcomes[0] == Outcome.DONE
    dropped = _outcomes[1] == Outcome.DONE
    taken = u64(_outcomes[2] == Outcome.DONE) + u64(_outcomes[3] == Outcome.DONE)
    return sent != dropped and (taken == 0 or (taken == 1 and sent))


def _send_once() -> None:
    message: Words = zeroed()
    _outcomes[0] = u64(_oneshot.send(addr(message)))


def _drop_once() -> None:
    _outcomes[1] = u64(Outcome.DONE) if _oneshot.drop() else u64(Outcome.USED)


def _drop_carelessly() -> None:
    if _oneshot.state.load() == 0:
        _oneshot.state.store(4)
        _outcomes[1] = Outcome.DONE


def _take_twice() -> None:
    message: Words = zeroed()
    for index in range(u64(2), u64(4)):
        _outcomes[index] = u64(_oneshot.receive(addr(message)))
