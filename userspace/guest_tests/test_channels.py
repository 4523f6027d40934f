"""Channels in shared memory between threads and between processes: nothing lost, order kept, every end noticed.

The children are this very program, with words that tell them what to do and the channel as a gift.
"""
import asyncio

from compiler.prelude import addr, array, atomic, const, ptr, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS
from kernel.abi.thread import ThreadState
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import await_state, expect, spawn
from userspace.lib import program
from userspace.lib.channels import oneshot_ends, queue
from userspace.lib.channels.oneshot import Oneshot
from userspace.lib.channels.outcome import Outcome, Words
from userspace.lib.channels.queue import Queue, Receiver, Sender
from userspace.lib.channels.queue_ends import RECEIVER_ENDED, ended_bit, queue_receiver, queue_sender
from userspace.lib.channels.stream import STREAM_BYTES, Stream
from userspace.lib.channels.stream_ends import ENDED, stream_reader, stream_writer
from userspace.lib.memory import PAGE, create_memory, map_memory
from userspace.lib.process import Child, Recipe, forget, kill, start, wait_for_exit
from userspace.lib.start_info import find_grant, find_program, has_argument, start_info
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(8)
_SENDERS = const(4)
_MESSAGES = const(1000)                 # of each thread
_CHILDREN = const(3)
_CHILD_MESSAGES = const(300)
_CAPACITY = const(7)
_RACES = const(200)
_BYTES = const(20_000)
_PLACE = const(0x50_0000_0000)

_queue: Queue = zeroed()
_oneshot: Oneshot = zeroed()
_round: atomic[u64] = 0
_sent: array[atomic[u64], 2] = zeroed()
_filled: u64 = 0
_drained: u64 = 0
_memory: u64 = 0
_place: u64 = _PLACE


# Threads


def _send_many(index: u64) -> None:
    sender = Sender(queue=addr(_queue), capacity=_CAPACITY, number=index - 1)
    message: Words = zeroed()
    message.words[0] = index
    for number in range(u64(_MESSAGES)):
        message.words[1] = number
        while sender.try_send(addr(message)) != Outcome.DONE:
            yield_now()
    sender.close()
    exit_thread(0)


def _four_senders() -> None:
    _ = queue.prepare(addr(_queue), _CAPACITY)
    threads: array[u64, _SENDERS] = zeroed()
    for index in range(u64(_SENDERS)):
        threads[index] = spawn(index + 1, _send_many)
    receiver = Receiver(queue=addr(_queue), capacity=_CAPACITY, place=0, open=(1 << _SENDERS) - 1)
    following: array[u64, _SENDERS + 1] = zeroed()
    message: Words = zeroed()
    count: u64 = 0
    while True:
        outcome = receiver.try_receive(addr(message))
        if outcome == Outcome.WOULD_BLOCK:
            yield_now()
            continue
        if outcome != Outcome.DONE:
            break
        check_equal(message.words[1], following[message.words[0]], "order of one sender's messages")
        following[message.words[0]] += 1
        count += 1
    check_equal(count, _SENDERS * _MESSAGES, "messages")
    for thread in threads:
        await_state(thread, ThreadState.ENDED)
        expect(close(thread), Status.OK, "close")


def _send_or_drop(index: u64) -> None:
    """Thread 1 sends in every round, thread 2 drops."""
    message: Words = zeroed()
    for number in range(u64(1), u64(_RACES + 1)):
        while _round.load() != number:
            yield_now()
        is_first = _oneshot.send(addr(message)) == Outcome.DONE if index == 1 else _oneshot.drop()
        _sent[index - 1].store(number * 2 + u64(is_first))
    exit_thread(0)


def _send_against_drop() -> None:
    first, second = spawn(1, _send_or_drop), spawn(2, _send_or_drop)
    message: Words = zeroed()
    for number in range(u64(1), u64(_RACES + 1)):
        _oneshot.state.store(0)
        _round.store(number)
        while _sent[0].load() // 2 != number or _sent[1].load() // 2 != number:
            yield_now()
        was_sent = _sent[0].load() & 1 != 0
        check(was_sent != (_sent[1].load() & 1 != 0), "sent or dropped, and not both")
        wanted = Outcome.DONE if was_sent else Outcome.CLOSED
        check_equal(u64(_oneshot.receive(addr(message))), u64(wanted), "what the receiver finds")
    await_state(first, ThreadState.ENDED)
    await_state(second, ThreadState.ENDED)


# Processes


def _map(memory: u64) -> u64:
    global _place
    place = _place
    _place += PAGE
    expect(map_memory(memory, start_info().process, place | READ | WRITE, 0, PAGE), Status.OK, "map")
    return place


def _make_channel() -> u64:
    """A page and two notifications. Returns where the page is."""
    global _memory, _filled, _drained
    account = start_info().account
    status, _memory = create_memory(account, PAGE)
    expect(status, Status.OK, "memory")
    status, _filled = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _drained = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OK, "notification")
    return _map(_memory)


def _start_child(child: ptr[Child], words: str, told: u64, bit: u64) -> None:
    """`told` hears of its end."""
    module = find_program(b"init")
    assert module is not None
    recipe = Recipe()
    recipe.give("memory", _memory, ALL_RIGHTS)
    recipe.give("filled", _filled, ALL_RIGHTS)
    recipe.give("drained", _drained, ALL_RIGHTS)
    problem = start(child, addr(recipe), module, b"child", words.encode())
    check_equal(u64(len(problem)), 0, "start")
    # The process itself tells its maker; its only thread tells the other side.
    status, _ = invoke(child.thread, Method.THREAD_NOTIFY_EXIT, told, bit)
    expect(status, Status.OK, "notify")


async def _be_child() -> None:
    page = _map(find_grant("memory"))
    filled, drained = find_grant("filled"), find_grant("drained")
    if has_argument("write"):
        writer = stream_writer(ptr[Stream](page), filled, drained)
        part: array[u8, 100] = zeroed()
        for first in range(u64(0), u64(_BYTES), 100):
            for index in range(u64(100)):
                part[index] = u8((first + index) % 251)
            await writer.write(part[:])
    elif has_argument("sleep"):
        await asyncio.sleep(1000)
    else:
        number: u64 = 0 if has_argument("0") else 1 if has_argument("1") else 2
        sender = queue_sender(ptr[Queue](page), _CAPACITY, number, filled, drained)
        message: Words = zeroed()
        message.words[0] = number
        for index in range(u64(_CHILD_MESSAGES)):
            message.words[1] = index
            await sender.send(addr(message))
        if number == 2:
            await asyncio.sleep(1000)   # it never closes: it will be killed


async def _senders_in_processes() -> None:
    """Two end, one is killed; the receiver drains, then sees the end."""
    page = _make_channel()
    _ = queue.prepare(ptr[Queue](page), _CAPACITY)
    children: array[Child, _CHILDREN] = zeroed()
    _start_child(addr(children[0]), "send 0", _filled, ended_bit(0))
    _start_child(addr(children[1]), "send 1", _filled, ended_bit(1))
    _start_child(addr(children[2]), "send 2", _filled, ended_bit(2))
    receiver = queue_receiver(ptr[Queue](page), _CAPACITY, (1 << _CHILDREN) - 1, _filled, _drained)
    following: array[u64, _CHILDREN] = zeroed()
    message: Words = zeroed()
    count: u64 = 0
    while await receiver.receive(addr(message)):
        check_equal(message.words[1], following[message.words[0]], "order of one sender's messages")
        following[message.words[0]] += 1
        count += 1
        if following[2] == _CHILD_MESSAGES:
            kill(addr(children[2]), 9)
    check_equal(count, _CHILDREN * _CHILD_MESSAGES, "messages")
    for index in range(u64(_CHILDREN)):
        _ = await wait_for_exit(addr(children[index]))
        forget(addr(children[index]))


async def _receiver_is_killed() -> None:
    page = _make_channel()
    _ = queue.prepare(ptr[Queue](page), _CAPACITY)
    child: Child = zeroed()
    _start_child(addr(child), "sleep", _drained, u64(RECEIVER_ENDED))
    sender = queue_sender(ptr[Queue](page), _CAPACITY, 0, _filled, _drained)
    message: Words = zeroed()
    task = asyncio.create_task(_kill_later(addr(child)))
    try:
        while True:
            await sender.send(addr(message))
    except ConnectionError:
        check(sender.has_ended, "the sender knows why")
    await task
    forget(addr(child))


async def _kill_later(child: ptr[Child]) -> None:
    await asyncio.sleep(0.02)
    kill(child, 9)


async def _stream_from_a_process() -> None:
    page = _make_channel()
    child: Child = zeroed()
    reader = stream_reader(ptr[Stream](page), _filled, _drained)
    _start_child(addr(child), "write", _filled, ENDED)
    part: array[u8, 333] = zeroed()
    read: u64 = 0
    while True:
        count = await reader.read(part[:])
        if count == 0:
            break
        for index in range(count):
            check_equal(u64(part[index]), (read + index) % 251, "byte")
        read += count
    check_equal(read, _BYTES, "bytes")
    check(_BYTES > STREAM_BYTES, "more than the stream holds at once")
    _ = await wait_for_exit(addr(child))
    forget(addr(child))


async def _oneshot_of_a_dead_sender() -> None:
    page = _make_channel()
    child: Child = zeroed()
    _start_child(addr(child), "sleep", _filled, oneshot_ends.ENDED)
    message: Words = zeroed()
    try:
        async with asyncio.timeout(0.02):
            _ = await oneshot_ends.receive(ptr[Oneshot](page), addr(message), _filled)
        check(False, "a message that nobody sent")
    except TimeoutError:
        pass
    kill(addr(child), 9)
    outcome = await oneshot_ends.receive(ptr[Oneshot](page), addr(message), _filled)
    check_equal(u64(outcome), u64(Outcome.CLOSED), "after the sender's death")
    forget(addr(child))


async def _oneshot_between_tasks() -> None:
    page = _make_channel()
    task = asyncio.create_task(_send_later(page))
    message: Words = zeroed()
    outcome = await oneshot_ends.receive(ptr[Oneshot](page), addr(message), _filled)
    check_equal(u64(outcome), u64(Outcome.DONE), "outcome")
    check_equal(message.words[3], 33, "word")
    await task
    outcome = await oneshot_ends.receive(ptr[Oneshot](page), addr(message), _filled)
    check_equal(u64(outcome), u64(Outcome.USED), "a second receive")


async def _send_later(page: u64) -> None:
    await asyncio.sleep(0.01)
    message: Words = zeroed()
    message.words[3] = 33
    check_equal(u64(oneshot_ends.send(ptr[Oneshot](page), addr(message), _filled)), u64(Outcome.DONE), "send")
    check_equal(u64(oneshot_ends.send(ptr[Oneshot](page), addr(message), _filled)), u64(Outcome.USED), "send again")


async def _refused_capacities() -> None:
    check(not queue.prepare(addr(_queue), 0), "room for none")
    check(queue.prepare(addr(_queue), 1), "room for one")


async def main() -> None:
    if has_argument("write") or has_argument("send") or has_argument("sleep"):
        await _be_child()
        program.exit_status = 0
        return
    plan(_CASES)
    begin("refused_capacities")
    await _refused_capacities()
    begin("four_senders")
    _four_senders()
    begin("send_against_drop")
    _send_against_drop()
    begin("senders_in_processes")
    await _senders_in_processes()
    begin("receiver_is_killed")
    await _receiver_is_killed()
    begin("stream_from_a_process")
    await _stream_from_a_process()
    begin("oneshot_of_a_dead_sender")
    await _oneshot_of_a_dead_sender()
    begin("oneshot_between_tasks")
    await _oneshot_between_tasks()
    end()


if __name__ == "__main__":
    asyncio.run(main())
