"""Messages through rings: words, badges and tokens, with the same meaning as in registers."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, u16, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import LEVEL_SHIFT, Completion, CompletionFlags, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.messages import (
    BADGE,
    STOP,
    call_once,
    cancel,
    drop_channel,
    expect_cancel,
    expect_completion,
    expect_message,
    expect_none,
    new_channel,
    new_ring,
    serve,
    submit,
)
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import await_state, do, expect, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, ring_enter

_CASES = const(9)
_ROUNDS = const(2000)


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("send_is_received")
    _send_is_received()
    begin("call_is_answered")
    _call_is_answered()
    begin("order_and_levels")
    _order_and_levels()
    begin("no_level_starves")
    _no_level_starves()
    begin("many_to_one_receive")
    _many_to_one_receive()
    begin("short_of_places")
    _short_of_places()
    begin("register_caller")
    _register_caller()
    begin("register_server")
    _register_server()
    begin("ring_to_ring")
    _ring_to_ring()
    end()


def _send_is_received() -> None:
    new_channel()
    submit(Operation.SEND, 1, messages.client, 10)
    expect_none()
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    check_equal(expect_message(2, 10), 0, "token")
    _ = expect_completion(1, Status.OK)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    submit(Operation.SEND, 1, messages.client, 20, u64(SubmissionFlags.SILENT))
    check_equal(expect_message(2, 20), 0, "token")
    expect_none()
    drop_channel()


def _call_is_answered() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.client, 30)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    found = expect_completion(2, Status.OK)
    check_equal(found.badge, BADGE, "badge")
    check_equal(found.word3, 33, "fourth word")
    submit(Operation.REPLY, 3, found.reply, 40)
    _ = expect_message(1, 40)
    _ = expect_completion(3, Status.OK)
    submit(Operation.REPLY, 3, found.reply, 50)
    _ = expect_completion(3, Status.NO_SUCH)
    submit(Operation.REPLY, 3, 0, 50)
    _ = expect_completion(3, Status.NO_SUCH)
    submit(Operation.REPLY, 3, found.reply + 1, 50)
    _ = expect_completion(3, Status.NO_SUCH)
    drop_channel()


def _order_and_levels() -> None:
    new_channel()
    for index in range(u64(5)):
        submit(Operation.SEND, index, messages.client, index, 0, (index & 1) << LEVEL_SHIFT)
    submit(Operation.RECEIVE, 9, messages.channel, 5)
    order: array[u64, 5] = array(1, 3, 0, 2, 4)
    for place in range(u64(5)):
        _ = expect_message(9, order[place], 0 if place == 4 else u64(CompletionFlags.MORE))
        _ = expect_completion(order[place], Status.OK)
    drop_channel()


def _no_level_starves() -> None:
    """A call of the lowest level comes through although one of the highest always waits."""
    new_channel()
    submit(Operation.SEND, 0, messages.client, 500)
    received: u64 = 0
    waited: u64 = 0
    found: Completion = zeroed()
    submit(Operation.SEND, 1, messages.client, 1000, 0, 3 << LEVEL_SHIFT)
    while received != 500 and waited < 100:
        submit(Operation.SEND, 2 + waited % 2, messages.client, 1000, 0, 3 << LEVEL_SHIFT)
        submit(Operation.RECEIVE, 9, messages.channel, 1)
        received = expect_completion(9, Status.OK).word0
        check(messages.ring.take(addr(found)), "the message has been sent")
        waited += 1
    check(waited <= 32, "messages before one of the lowest level")
    submit(Operation.RECEIVE, 9, messages.channel, 2)
    for _ in range(u64(4)):
        check(messages.ring.take(addr(found)), "the rest")
    expect_none()
    drop_channel()


def _many_to_one_receive() -> None:
    """One receive without end, until it is cancelled."""
    new_channel()
    submit(Operation.RECEIVE, 9, messages.channel, 0)
    for index in range(u64(200)):
        submit(Operation.SEND, index % 8, messages.client, index)
        _ = expect_message(9, index, CompletionFlags.MORE)
        _ = expect_completion(index % 8, Status.OK)
    cancel(9)
    _ = expect_completion(9, Status.CANCELLED)
    expect_cancel(Status.OK)
    drop_channel()


def _short_of_places() -> None:
    """More messages than the completion queue has places: they stay with their senders, none is lost."""
    new_channel()
    submit(Operation.RECEIVE, 31, messages.channel, 0)
    sent: u64 = 0
    received: u64 = 0
    completed: u64 = 0
    found: Completion = zeroed()
    while received < 300:
        while sent < 300 and sent - completed < 25:
            entry = Submission(
                operation=Operation.SEND, slot=u16(sent % 25), user_data=sent, capability=messages.client, word0=sent
            )
            check(messages.ring.submit(addr(entry)), "submission")
            sent += 1
        _ = messages.ring.enter(100, 1)
        while messages.ring.take(addr(found)):
            if u64(found.flags) & CompletionFlags.MORE != 0:
                check_equal(found.word0, received, "messages in order")
                received += 1
            else:
                check_equal(found.user_data, completed, "sends in order")
                check_numbered(u64(found.status), Status.OK, "status", completed)
                completed += 1
    while completed < 300 and messages.ring.take(addr(found)):
        completed += 1
    check_equal(completed, 300, "sends")
    cancel(31)
    check(messages.ring.take(addr(found)), "the receive has ended")
    expect_cancel(Status.OK)
    drop_channel()


def _register_caller() -> None:
    new_channel()
    for turn in range(u64(2)):
        if turn == 0:
            submit(Operation.RECEIVE, 2, messages.channel, 1)
        thread = make(0, call_once)
        do(thread, Method.THREAD_START)
        await_state(thread, ThreadState.WAITING)
        if turn == 1:
            submit(Operation.RECEIVE, 2, messages.channel, 1)
        token = expect_message(2, 60)
        submit(Operation.REPLY, 3, token, 70)
        _ = expect_completion(3, Status.OK)
        await_state(thread, ThreadState.ENDED)
        check_numbered(messages.noted[0].load(), Status.OK, "status of the call", turn)
        check_numbered(messages.noted[1].load(), 70, "first word of the answer", turn)
        check_numbered(messages.noted[2].load(), 73, "fourth word of the answer", turn)
        expect(close(thread), Status.OK, "close")
    drop_channel()


def _register_server() -> None:
    new_channel()
    thread = make(0, serve)
    submit(Operation.CALL, 1, messages.client, 200)
    submit(Operation.SEND, 2, messages.client, 250)
    do(thread, Method.THREAD_START)
    _ = expect_message(1, 201)
    _ = expect_completion(2, Status.OK)
    for turn in range(u64(_ROUNDS)):
        submit(Operation.CALL, 1, messages.client, turn * 10)
        _ = expect_message(1, turn * 10 + 1)
    submit(Operation.CALL, 1, messages.client, STOP)
    _ = expect_message(1, STOP)
    await_state(thread, ThreadState.ENDED)
    expect(close(thread), Status.OK, "close")
    drop_channel()


def _serve_on_ring(index: u64) -> None:
    """The same with a ring: one receive, and its answers without a completion of their own."""
    ring: Ring = zeroed()
    open_ring(addr(ring), messages.place[index])
    entry = Submission(operation=Operation.RECEIVE, slot=5, capability=messages.channel)
    _ = ring.submit(addr(entry))
    entries: u64 = 1
    found: Completion = zeroed()
    while True:
        # STALLED: what is unread has to be read first.
        status, taken = ring_enter(entries, 1, 0)
        entries -= taken
        if status == Status.BROKEN:
            exit_thread(1)
        while ring.take(addr(found)):
            if found.status != Status.OK or found.flags != CompletionFlags.MORE:
                messages.noted[3].store(u64(found.status))
                exit_thread(2)
            answer = Submission(
                operation=Operation.REPLY, slot=6, flags=SubmissionFlags.SILENT, capability=found.reply,
                word0=found.word0 + 1, word1=found.word1 + 1, word2=found.word2 + 1, word3=found.word3 + 1,
            )
            _ = ring.submit(addr(answer))
            entries += 1


def _ring_to_ring() -> None:
    new_channel()
    thread = make(0, _serve_on_ring)
    new_ring(0, thread, 3)
    submit(Operation.CALL, 1, messages.client, 300)
    do(thread, Method.THREAD_START)
    _ = expect_message(1, 301)
    for turn in range(u64(_ROUNDS)):
        submit(Operation.CALL, 1 + turn % 3, messages.client, turn * 10)
        _ = expect_message(1 + turn % 3, turn * 10 + 1)
    for slot in range(u64(8)):
        submit(Operation.CALL, slot, messages.client, slot * 10, 0, (slot & 3) << LEVEL_SHIFT)
    answered: u64 = 0
    for _ in range(u64(8)):
        found: Completion = zeroed()
        while not messages.ring.take(addr(found)):
            _ = messages.ring.enter(0, 1)
        check_equal(found.word0, (found.user_data - 100) * 10 + 1, "an answer")
        answered |= u64(1) << (found.user_data - 100)
    check_equal(answered, 0xFF, "calls answered")
    finish(thread)
    submit(Operation.CALL, 1, messages.client, 1)
    expect_none()
    expect(close(messages.channel), Status.OK, "close")
    _ = expect_completion(1, Status.PEER_CLOSED)
    expect(close(messages.client), Status.OK, "close")
    expect(close(messages.lease), Status.OK, "close")
