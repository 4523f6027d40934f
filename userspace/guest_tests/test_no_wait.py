"""NO_WAIT: operations that are done at once or not at all."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u64
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import CompletionFlags, Operation, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.messages import (
    STOP,
    come_to_rest,
    drop_channel,
    expect_completion,
    expect_message,
    expect_none,
    new_channel,
    serve,
    submit,
)
from userspace.guest_tests.report import begin, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, make
from userspace.lib.ring import open_ring
from userspace.lib.syscall import close

_CASES = const(4)
_NO_WAIT = const(SubmissionFlags.NO_WAIT)
_PERSISTENT = const(SubmissionFlags.PERSISTENT)


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("send")
    _send()
    begin("receive")
    _receive()
    begin("watch")
    _watch()
    begin("refused")
    _refused()
    come_to_rest()
    end()


def _send() -> None:
    """To a ring, and to a thread that waits in registers."""
    new_channel(0)
    submit(Operation.CALL, 1, messages.client, 1, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    submit(Operation.SEND, 1, messages.client, 1, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    submit(Operation.RECEIVE, 2, messages.channel, 2)
    submit(Operation.SEND, 1, messages.client, 10, _NO_WAIT)
    _ = expect_message(2, 10, CompletionFlags.MORE)
    _ = expect_completion(1, Status.OK)
    submit(Operation.CALL, 1, messages.client, 20, _NO_WAIT)
    token = expect_message(2, 20)
    submit(Operation.REPLY, 3, token, 30)
    _ = expect_message(1, 30)
    _ = expect_completion(3, Status.OK)
    submit(Operation.CALL, 1, messages.client, 1, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    thread = make(0, serve)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    submit(Operation.CALL, 1, messages.client, 40, _NO_WAIT)
    _ = expect_message(1, 41)
    await_state(thread, ThreadState.WAITING)
    submit(Operation.SEND, 1, messages.client, STOP, _NO_WAIT)
    _ = expect_completion(1, Status.OK)
    await_state(thread, ThreadState.ENDED)
    expect(close(thread), Status.OK, "close")
    drop_channel()


def _receive() -> None:
    """What is queued is received."""
    new_channel(0)
    submit(Operation.RECEIVE, 2, messages.channel, 0, _NO_WAIT)
    _ = expect_completion(2, Status.WOULD_BLOCK)
    for slot in range(u64(4), u64(8)):
        submit(Operation.SEND, slot, messages.client, slot * 10)
    submit(Operation.RECEIVE, 2, messages.channel, 1, _NO_WAIT)
    _ = expect_message(2, 40)
    _ = expect_completion(4, Status.OK)
    submit(Operation.RECEIVE, 2, messages.channel, 0, _NO_WAIT)
    for slot in range(u64(5), u64(8)):
        _ = expect_message(2, slot * 10, CompletionFlags.MORE)
        _ = expect_completion(slot, Status.OK)
    _ = expect_completion(2, Status.WOULD_BLOCK)
    expect_none()
    drop_channel()


def _watch() -> None:
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    submit(Operation.WATCH, 1, notification, 1, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    do(notification, Method.NOTIFICATION_SIGNAL, 5)
    submit(Operation.WATCH, 1, notification, 2, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    submit(Operation.WATCH, 1, notification, 3, _NO_WAIT)
    if expect_completion(1, Status.OK).word0 != 1:
        expect(Status.BAD_ARGUMENT, Status.OK, "bits")
    submit(Operation.WATCH, 1, notification, 1, _NO_WAIT)
    _ = expect_completion(1, Status.WOULD_BLOCK)
    expect(close(notification), Status.OK, "close")


def _refused() -> None:
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    submit(Operation.WATCH, 1, notification, 1, _NO_WAIT | _PERSISTENT)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    submit(Operation.NOP, 1, 0, 0, _NO_WAIT)
    _ = expect_completion(1, Status.BAD_OPERATION)
    submit(Operation.SIGNAL, 1, notification, 1, _NO_WAIT)
    _ = expect_completion(1, Status.BAD_OPERATION)
    expect(close(notification), Status.OK, "close")
