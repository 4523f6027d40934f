"""Every way in which a call, a message or a receive of a ring can end, and what it leaves behind."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u8, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, CompletionFlags, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.messages import (
    call_once,
    cancel,
    come_to_rest,
    count_objects,
    drop_channel,
    drop_client,
    expect_cancel,
    expect_completion,
    expect_message,
    expect_none,
    new_channel,
    new_ring,
    receive_one,
    serve,
    submit,
)
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(8)
_FAR = const(1 << 62)
_NO_GENERATION = const(2 << 32)         # added to a handle: another life of its slot
_SOON = const(300_000_000)               # nanoseconds after the boot


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("cancelled")
    _cancelled()
    begin("deadlines")
    _deadlines()
    begin("closed_handles")
    _closed_handles()
    begin("revoked")
    _revoked()
    begin("peer_closed")
    _peer_closed()
    begin("killed_server")
    _killed_server()
    begin("moved_receive_right")
    _moved_receive_right()
    begin("refusals")
    _refusals()
    end()


def _cancelled() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.client, 1)
    cancel(1)
    _ = expect_completion(1, Status.CANCELLED)
    expect_cancel(Status.OK)
    submit(Operation.CALL, 1, messages.client, 1)
    token = receive_one()
    cancel(1)
    _ = expect_completion(1, Status.CANCELLED, CompletionFlags.LATE)
    expect_cancel(Status.OK)
    submit(Operation.REPLY, 3, token)
    _ = expect_completion(3, Status.PEER_CLOSED)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    cancel(2)
    _ = expect_completion(2, Status.CANCELLED)
    expect_cancel(Status.OK)
    link = u64(SubmissionFlags.LINK)
    entry = Submission(operation=Operation.CALL, slot=1, flags=u8(link), user_data=101, capability=messages.client)
    check(messages.ring.submit(addr(entry)), "submission")
    entry = Submission(operation=Operation.NOP, slot=2, user_data=102)
    check(messages.ring.submit(addr(entry)), "submission")
    check_equal(u64(messages.ring.enter(2, 0)), Status.OK, "enter")
    submit(Operation.RECEIVE, 3, messages.channel, 1)
    token = expect_completion(3, Status.OK).reply
    expect_none()
    submit(Operation.REPLY, 3, token, 5)
    _ = expect_message(1, 5)
    _ = expect_completion(2, Status.OK)
    _ = expect_completion(3, Status.OK)
    drop_channel()


def _deadlines() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.client, 1, 0, 0, _SOON)
    _ = expect_completion(1, Status.TIMEOUT)
    submit(Operation.RECEIVE, 1, messages.channel, 1, 0, 0, _SOON + 20_000_000)
    _ = expect_completion(1, Status.TIMEOUT)
    submit(Operation.CALL, 1, messages.client, 1, 0, 0, _FAR)
    token = receive_one()
    submit(Operation.REPLY, 3, token, 9)
    _ = expect_message(1, 9)
    _ = expect_completion(3, Status.OK)
    drop_channel()


def _closed_handles() -> None:
    """Ends what was begun with the handle, whoever has it now, and nothing else."""
    new_channel()
    status, other = invoke(messages.client, Method.COPY, Right.SEND)
    expect(status, Status.OK, "copy")
    submit(Operation.CALL, 4, other, 400)
    token = receive_one()
    submit(Operation.CALL, 1, messages.client, 10)
    submit(Operation.CALL, 3, other, 300)
    expect(close(other), Status.OK, "close")
    _ = expect_completion(3, Status.CLOSED)
    _ = expect_completion(4, Status.CLOSED, CompletionFlags.LATE)
    submit(Operation.REPLY, 5, token)
    _ = expect_completion(5, Status.PEER_CLOSED)
    submit(Operation.RECEIVE, 2, messages.channel, 0)
    _ = expect_message(2, 10, CompletionFlags.MORE)
    status, other = invoke(messages.channel, Method.COPY, Right.RECEIVE)
    expect(status, Status.OK, "copy")
    submit(Operation.RECEIVE, 6, other, 0)
    expect(close(messages.channel), Status.OK, "close")
    _ = expect_completion(2, Status.CLOSED)
    expect_none()
    expect(close(other), Status.OK, "close")
    _ = expect_completion(6, Status.CLOSED)
    cancel(1)
    _ = expect_completion(1, Status.CANCELLED, CompletionFlags.LATE)
    expect_cancel(Status.OK)
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    submit(Operation.WATCH, 7, notification, 1)
    submit(Operation.WATCH, 8, notification, 2, u64(SubmissionFlags.PERSISTENT))
    expect(close(notification), Status.OK, "close")
    _ = expect_completion(7, Status.CLOSED)
    _ = expect_completion(8, Status.CLOSED)
    expect(close(messages.client), Status.OK, "close")
    expect(close(messages.lease), Status.OK, "close")


def _revoked() -> None:
    """The end of the lease ends what was begun under it, queued or received."""
    new_channel()
    submit(Operation.CALL, 1, messages.client, 1)
    token = receive_one()
    submit(Operation.CALL, 3, messages.client, 3)
    submit(Operation.SEND, 4, messages.client, 4)
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, leased = invoke(notification, Method.MINT, Right.WAIT, 0, messages.lease)
    expect(status, Status.OK, "mint")
    submit(Operation.WATCH, 5, leased, 1)
    submit(Operation.WATCH, 6, notification, 2)
    do(messages.lease, Method.LEASE_END)
    seen: u64 = 0
    for _ in range(u64(4)):
        found: Completion = zeroed()
        while not messages.ring.take(addr(found)):
            _ = messages.ring.enter(0, 1)
        check_equal(u64(found.status), Status.REVOKED, "status")
        check_equal(u64(found.flags), CompletionFlags.LATE if found.user_data == 101 else u64(0), "flags")
        seen |= u64(1) << (found.user_data - 100)
    check_equal(seen, 0x3A, "what has ended")
    expect_none()
    submit(Operation.REPLY, 3, token)
    _ = expect_completion(3, Status.PEER_CLOSED)
    submit(Operation.CALL, 3, messages.client, 3)
    _ = expect_completion(3, Status.REVOKED)
    cancel(6)
    _ = expect_completion(6, Status.CANCELLED)
    expect_cancel(Status.OK)
    _ = close(leased)
    _ = close(notification)
    drop_channel()


def _peer_closed() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.client, 1)
    submit(Operation.SEND, 2, messages.client, 2)
    expect(close(messages.channel), Status.OK, "close")
    _ = expect_completion(1, Status.PEER_CLOSED)
    _ = expect_completion(2, Status.PEER_CLOSED)
    submit(Operation.CALL, 1, messages.client, 1)
    _ = expect_completion(1, Status.PEER_CLOSED)
    drop_client()
    new_channel()
    submit(Operation.CALL, 1, messages.client, 1)
    do(messages.channel, Method.DESTROY)
    _ = expect_completion(1, Status.DESTROYED)
    drop_channel()
    new_channel()
    submit(Operation.RECEIVE, 1, messages.channel, 1)
    do(messages.channel, Method.DESTROY)
    _ = expect_completion(1, Status.DESTROYED)
    drop_channel()


def _hold_calls(index: u64) -> None:
    """Receives on its ring, answers nothing."""
    ring: Ring = zeroed()
    open_ring(addr(ring), messages.place[index])
    entry = Submission(operation=Operation.RECEIVE, slot=5, capability=messages.channel)
    _ = ring.submit(addr(entry))
    _ = ring.enter(1, 3)
    messages.noted[0].store(1)
    while True:
        _ = ring.enter(0, 20)


def _killed_server() -> None:
    """Whoever waits for its answers is told at once, and nothing of its ring is left."""
    come_to_rest()
    before = count_objects()
    new_channel()
    messages.noted[0].store(0)
    thread = make(0, _hold_calls)
    new_ring(0, thread, 6)
    do(thread, Method.THREAD_START)
    caller = make(1, call_once, 0)
    do(caller, Method.THREAD_START)
    submit(Operation.CALL, 1, messages.client, 1)
    submit(Operation.CALL, 2, messages.client, 2)
    while messages.noted[0].load() == 0:
        yield_now()
    await_state(caller, ThreadState.WAITING)
    finish(thread)
    _ = expect_completion(1, Status.PEER_CLOSED)
    _ = expect_completion(2, Status.PEER_CLOSED)
    await_state(caller, ThreadState.ENDED)
    check_equal(messages.noted[0].load(), Status.PEER_CLOSED, "status of the register call")
    expect(close(caller), Status.OK, "close")
    drop_channel()
    come_to_rest()
    check_equal(count_objects(), before, "objects that are left")


def _moved_receive_right() -> None:
    """To another handle: what waits with the old one ends, calls stay queued and are received with the new one."""
    new_channel()
    thread = make(0, serve)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    status, moved = invoke(messages.channel, Method.MOVE_TO, OWN_PROCESS)
    expect(status, Status.OK, "move")
    await_state(thread, ThreadState.ENDED)
    expect(close(thread), Status.OK, "close")
    submit(Operation.CALL, 1, messages.client, 1)
    submit(Operation.RECEIVE, 2, moved, 1)
    token = expect_message(2, 1)
    status, again = invoke(moved, Method.MOVE_TO, OWN_PROCESS)
    expect(status, Status.OK, "move")
    submit(Operation.REPLY, 3, token, 2)
    _ = expect_message(1, 2)
    _ = expect_completion(3, Status.OK)
    submit(Operation.RECEIVE, 2, again, 0)
    status, last = invoke(again, Method.MOVE_TO, OWN_PROCESS)
    expect(status, Status.OK, "move")
    _ = expect_completion(2, Status.CLOSED)
    expect(close(last), Status.OK, "close")
    expect(close(messages.client), Status.OK, "close")
    expect(close(messages.lease), Status.OK, "close")


def _refusals() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.channel + _NO_GENERATION, 1)
    _ = expect_completion(1, Status.BAD_HANDLE)
    submit(Operation.CALL, 1, ROOT_ACCOUNT, 1)
    _ = expect_completion(1, Status.BAD_KIND)
    submit(Operation.RECEIVE, 1, messages.client, 1)
    _ = expect_completion(1, Status.NO_RIGHT)
    submit(Operation.RECEIVE, 1, messages.channel, 1, 0, 1)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    submit(Operation.CALL, 1, messages.client, 1, 0, 1 << 27)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    submit(Operation.RECEIVE, 1, messages.channel, 1 << 32)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    submit(Operation.CALL, 1, messages.client, 1, u64(SubmissionFlags.SILENT))
    _ = expect_completion(1, Status.BAD_OPERATION)
    submit(Operation.REPLY, 1, 1, 1, u64(SubmissionFlags.PERSISTENT))
    _ = expect_completion(1, Status.BAD_OPERATION)
    drop_channel()
