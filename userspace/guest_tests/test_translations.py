"""Nothing of what a program's page once was is seen again, however often its page changes behind its back, wherever it
runs, and whoever ran in between."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.rights import Right
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.memory_tools import PLACE, expect, make_at, word
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import STACK_BYTES, STACKS, do, stack_of
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.memory import PAGE, map_memory, protect, unmap
from userspace.lib.syscall import close, exit_process, invoke

_CASES = const(3)
_READ = const(0)
_WRITE = const(1)
_STOP = const(2)
_OWN_PLACE = const(PLACE + 0x1000_0000)     # where this program fills a page for a child
_ROUNDS = const(3)
_MORE_ROUNDS = const(100)
_CPUS = const(4)                        # at most, that are tried

_processes: array[u64, STACKS] = zeroed()
_threads: array[u64, STACKS] = zeroed()
_channels: array[u64, STACKS] = zeroed()
_handles: array[u64, STACKS] = zeroed()     # of the channels, in the children
_values: u64 = 0                        # that pages have been given


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("in_turn")
    _repeat(_in_turn)
    begin("here_and_there")
    _repeat(_here_and_there)
    begin("rights")
    _repeat(_rights)
    end()


def _repeat(case: Callable[[], None]) -> None:
    """Each time with new children."""
    for _ in range(rounds(_ROUNDS, _MORE_ROUNDS)):
        _make_children()
        case()
        _end_children()


def _serve(index: u64) -> None:
    """A child. Its page tells, in the second word, by which handle it receives."""
    channel = word(PLACE + 8)[0]
    message = Message()
    while True:
        _, _ = reply_receive(channel, addr(message))
        if message.word0 == _STOP:
            exit_process(0)
        if message.word0 == _WRITE:
            word(PLACE + 16)[0] = message.word1
        message.word0 = word(PLACE)[0]


def _make_children() -> None:
    for index in range(u64(STACKS)):
        process, thread = make_child(_serve, index, stack_of(index) + STACK_BYTES)
        _processes[index] = process
        _threads[index] = thread
        status, channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
        expect(status, Status.OK, "creation of a channel")
        _channels[index] = channel
        status, handle = invoke(channel, Method.COPY_TO, process, Right.RECEIVE)
        expect(status, Status.OK, "copy")
        _handles[index] = handle
        value = _show_page(index)
        do(thread, Method.THREAD_START)
        # From here on the child touches its page only when it is asked to.
        _expect_value(index, value)


def _end_children() -> None:
    for index in range(u64(STACKS)):
        status, _ = invoke(_processes[index], Method.PROCESS_EXIT_CAUSE)
        if status != Status.OK:
            message = Message(word0=_STOP)
            _ = call(_channels[index], addr(message))
        _, _ = await_end(_processes[index])
        expect(close(_processes[index]), Status.OK, "close")
        expect(close(_threads[index]), Status.OK, "close")
        expect(close(_channels[index]), Status.OK, "close")


def _show_page(index: u64) -> u64:
    """Gives a child a page of its own with a value that no page has had. Returns the value."""
    global _values
    _values += 1
    memory = make_at(_OWN_PLACE, PAGE)
    word(_OWN_PLACE)[0] = _values
    word(_OWN_PLACE + 8)[0] = _handles[index]
    expect(unmap(OWN_PROCESS, _OWN_PLACE, PAGE), Status.OK, "unmap")
    expect(map_memory(memory, _processes[index], PLACE | READ | WRITE, 0, PAGE), Status.OK, "map")
    expect(close(memory), Status.OK, "close")
    return _values


def _change_page(index: u64) -> u64:
    expect(unmap(_processes[index], PLACE, PAGE), Status.OK, "unmap")
    return _show_page(index)


def _expect_value(index: u64, wanted: u64) -> None:
    message = Message(word0=_READ)
    expect(call(_channels[index], addr(message)), Status.OK, "call")
    check_numbered(message.word0, wanted, "what a child reads", index)


def _in_turn() -> None:
    """With one child between two changes of another's page, and then with all of them."""
    for index in range(u64(STACKS)):
        other = (index + 1) % STACKS
        old = _change_page(other)
        _expect_value(other, old)
        _expect_value(index, _change_page(index))
        _expect_value(index, _change_page(index))
        _expect_value(other, old)
    wanted: array[u64, STACKS] = zeroed()
    for index in range(u64(STACKS)):
        wanted[index] = _change_page(index)
    for index in range(u64(STACKS)):
        _expect_value(index, wanted[index])


def _here_and_there() -> None:
    """The page changes while its program is on another CPU than before."""
    for index in range(u64(STACKS)):
        for cpu in range(u64(_CPUS)):
            status, _ = invoke(_threads[index], Method.THREAD_SET_AFFINITY, 0, u64(1) << cpu)
            if status == Status.OK:
                _, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, u64(1) << (cpu ^ index & 1))
                _expect_value(index, _change_page(index))
                _expect_value(index, _change_page(index))
        do(_threads[index], Method.THREAD_SET_AFFINITY, 0, (1 << _CPUS) - 1)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, (1 << _CPUS) - 1)


def _rights() -> None:
    """Rights that a page has got again are there, and those that it has lost are lost: a write ends the child."""
    for index in range(u64(STACKS)):
        value = _change_page(index)
        message = Message(word0=_WRITE, word1=index)
        expect(call(_channels[index], addr(message)), Status.OK, "call")
        expect(protect(_processes[index], PLACE | READ, PAGE), Status.OK, "protect")
        _expect_value(index, value)
        expect(protect(_processes[index], PLACE | READ | WRITE, PAGE), Status.OK, "protect")
        message = Message(word0=_WRITE, word1=index)
        expect(call(_channels[index], addr(message)), Status.OK, "call")
        _expect_value(index, value)
        expect(protect(_processes[index], PLACE | READ, PAGE), Status.OK, "protect")
        message = Message(word0=_WRITE, word1=index)
        expect(call(_channels[index], addr(message)), Status.PEER_CLOSED, "call")
        cause, _ = await_end(_processes[index])
        check_numbered(cause, u64(ExitCause.EXCEPTION), "end of a child that writes", index)
