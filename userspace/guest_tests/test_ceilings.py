"""Priority ceilings on the ring path: a server is raised while a caller waits for its answer, and not longer.

All threads share one CPU. The server, of low priority, never blocks once it has received, so that a ceiling that stayed
would keep the main thread from running for ever.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, ptr, u8, u16, u64, zeroed
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, CompletionFlags, Operation, Submission
from kernel.abi.thread import DEFAULT_PRIORITY
from userspace.guest_tests import messages
from userspace.guest_tests.messages import (
    call_once,
    cancel,
    come_to_rest,
    drop_channel,
    expect_cancel,
    expect_completion,
    new_channel,
    new_ring,
    submit,
)
from userspace.guest_tests.report import begin, end, plan
from userspace.guest_tests.threads import ask, do, expect, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close

_CASES = const(6)
_SERVER = const(10)                     # priorities: of the server,
_SPINNER = const(20)                    # of a thread that never blocks,
_LOW_CEILING = const(15)
_HIGH = const(50)                       # of the main thread where it must not be held up; else DEFAULT_PRIORITY
_TURNS = const(20)
_ANSWER = const(1)                      # as a first word: to be answered

_low_channel: u64 = 0                   # with the low ceiling
_told: u64 = 0                          # a notification: the server has received what it was to
_expected: u64 = 0                      # calls that it was to receive


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    plan(_CASES)
    begin("raised")
    _raised()
    begin("answered")
    _answered()
    begin("cancelled")
    _cancelled()
    begin("two_ceilings")
    _two_ceilings()
    begin("caller_killed")
    _caller_killed()
    begin("ring_destroyed")
    _ring_destroyed()
    end()


def _on_this_cpu(thread: u64, priority: u64) -> u64:
    do(thread, Method.THREAD_SET_AFFINITY, 0, 1)
    do(thread, Method.THREAD_SET_PRIORITY, priority)
    return thread


def _put(ring: ptr[Ring], operation: u64, slot: u64, handle: u64, word0: u64 = 0) -> None:
    entry = Submission(operation=u8(operation), slot=u16(slot), capability=handle, word0=word0)
    _ = ring.submit(addr(entry))


def _spin(index: u64) -> None:
    turns: u64 = 0
    while True:
        turns = turns + 1 if turns < 1000 else u64(0)


def _serve(index: u64) -> None:
    """Receives on both channels; answers at once what asks for it, tells when it has received all, and spins."""
    ring: Ring = zeroed()
    open_ring(addr(ring), messages.place[0])
    _put(addr(ring), Operation.RECEIVE, 1, messages.channel)
    _put(addr(ring), Operation.RECEIVE, 2, _low_channel)
    _ = ring.enter(2, 0)
    found: Completion = zeroed()
    received: u64 = 0
    while received != _expected:
        _ = ring.enter(0, 1)
        while ring.take(addr(found)):
            if found.flags & CompletionFlags.MORE != 0:
                received += 1
            if found.flags & CompletionFlags.MORE != 0 and found.word0 == _ANSWER:
                _put(addr(ring), Operation.REPLY, 3, found.reply, _ANSWER)
                _ = ring.enter(1, 1)
    do(_told, Method.NOTIFICATION_SIGNAL, 1)
    _spin(index)


def _begin(expected: u64) -> u64:
    """Returns the server, which begins when the main thread waits."""
    global _low_channel, _told, _expected
    _expected = expected
    new_channel()
    _low_channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, _LOW_CEILING)
    _told = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    server = _on_this_cpu(make(0, _serve), _SERVER)
    new_ring(0, server, 31)
    do(OWN_THREAD, Method.THREAD_SET_PRIORITY, _HIGH)
    do(server, Method.THREAD_START)
    submit(Operation.WATCH, 9, _told, 1)
    return server


def _await_server() -> None:
    _ = expect_completion(9, Status.OK)


def _end(server: u64) -> None:
    """The main thread comes to the end of this only when the server is not above it."""
    do(OWN_THREAD, Method.THREAD_SET_PRIORITY, DEFAULT_PRIORITY)
    finish(server)
    expect(close(_low_channel), Status.OK, "close")
    expect(close(_told), Status.OK, "close")
    drop_channel()
    come_to_rest()


def _raised() -> None:
    """It answers although another thread of its CPU would be run before it."""
    server = _begin(_TURNS)
    spinner = _on_this_cpu(make(1, _spin), _SPINNER)
    for turn in range(u64(_TURNS)):
        submit(Operation.CALL, 1, messages.client, _ANSWER)
        _ = messages.ring.enter(0, 1)
        _ = expect_completion(1, Status.OK)
        if turn == 0:
            do(spinner, Method.THREAD_START)        # the server receives from here on
    finish(spinner)
    _await_server()
    _end(server)


def _answered() -> None:
    server = _begin(1)
    submit(Operation.CALL, 1, messages.client, _ANSWER)
    _ = expect_completion(1, Status.OK)
    _await_server()
    _end(server)


def _cancelled() -> None:
    server = _begin(1)
    submit(Operation.CALL, 1, messages.client)
    _await_server()
    cancel(1)
    _ = expect_completion(1, Status.CANCELLED, CompletionFlags.LATE)
    expect_cancel(Status.OK)
    _end(server)


def _two_ceilings() -> None:
    """What is left when the higher one ends is the lower one, whichever came first."""
    for turn in range(u64(2)):
        server = _begin(3)
        submit(Operation.CALL, turn, messages.client if turn == 0 else _low_channel)
        submit(Operation.CALL, 1 - turn, _low_channel if turn == 0 else messages.client)
        submit(Operation.CALL, 2, messages.client)
        _await_server()
        for slot in range(u64(0), u64(3), 2):
            cancel(slot)
            _ = expect_completion(slot, Status.CANCELLED, CompletionFlags.LATE)
            expect_cancel(Status.OK)
        cancel_low = turn == 0
        if cancel_low:
            cancel(1)
            _ = expect_completion(1, Status.CANCELLED, CompletionFlags.LATE)
            expect_cancel(Status.OK)
        _end(server)
        if not cancel_low:
            _ = expect_completion(1, Status.PEER_CLOSED)


def _caller_killed() -> None:
    server = _begin(1)
    caller = _on_this_cpu(make(1, call_once, 0), _HIGH)
    do(caller, Method.THREAD_START)
    _await_server()
    finish(caller)
    _end(server)


def _ring_destroyed() -> None:
    server = _begin(1)
    submit(Operation.CALL, 1, messages.client)
    _await_server()
    do(server, Method.RING_DESTROY)
    _ = expect_completion(1, Status.PEER_CLOSED)
    _end(server)
