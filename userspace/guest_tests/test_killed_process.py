"""A process is killed with an operation in each state: whoever it had to do with is told, and nothing is left."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, ptr, u8, u16, u64, zeroed
from kernel.abi.bootinfo import INSPECT, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, Resource
from kernel.abi.rights import Right
from kernel.abi.ring import Operation, Submission, SubmissionFlags
from userspace.guest_tests import messages
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.messages import (
    cancel,
    come_to_rest,
    drop_channel,
    expect_cancel,
    expect_completion,
    expect_none,
    new_channel,
    submit,
)
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import STACK_BYTES, ask, do, expect, stack_of
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread

_CASES = const(2)
_ROUNDS = const(10)
_PLACE = const(0x2000_0000)
_CAPACITY = const(31)
_FIRST = const(1 << 32)                 # handles of a process that had none: this and an index from 1 on
_TO_US = const(_FIRST | 1)
_TO_RECEIVE = const(_FIRST | 2)
_TO_WATCH = const(_FIRST | 3)
_FAR = const(1 << 62)
_KILLED = const(77)

_theirs: u64 = 0                        # the channel on which the child receives
_notification: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    global _theirs, _notification
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("every_state")
    # Whoever owes an answer is at the ceiling: a higher one would keep the end of processes from its turn.
    new_channel(20)
    _theirs = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 20)
    _notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _live_and_die()
    begin("nothing_is_left")
    before = _baseline()
    frames = ask(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.FRAMES)
    for turn in range(u64(_ROUNDS)):
        _live_and_die()
        check_numbered(_baseline(), before, "objects after life", turn)
        check_numbered(ask(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.FRAMES), frames, "frames after life", turn)
    expect(close(_theirs), Status.OK, "close")
    expect(close(_notification), Status.OK, "close")
    drop_channel()
    end()


def _baseline() -> u64:
    come_to_rest()
    total: u64 = 0
    for kind in range(u64(OBJECT_KINDS)):
        total += ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
    return total


def _live_and_die() -> None:
    process, thread = make_child(_use_all, 0, stack_of(1) + STACK_BYTES)
    do(messages.client, Method.COPY_TO, process, Right.SEND)
    do(_theirs, Method.COPY_TO, process, Right.RECEIVE)
    do(_notification, Method.COPY_TO, process, Right.WAIT)
    do(thread, Method.THREAD_CREATE_RING, _PLACE, _CAPACITY)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    do(thread, Method.THREAD_START)
    # Its first call has been received; it gets another from here, and another one waits in its queue.
    token = expect_completion(2, Status.OK).reply
    submit(Operation.CALL, 3, _theirs, 1)
    submit(Operation.CALL, 4, _theirs, 1)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    check_equal(expect_completion(2, Status.OK).word0, 9, "the child has received one and said so")
    do(process, Method.PROCESS_KILL, _KILLED)
    _, status = await_end(process)
    check_equal(status, _KILLED, "exit status")
    _ = expect_completion(3, Status.PEER_CLOSED)
    expect_none()                       # the other call waits for whoever receives next
    cancel(4)
    _ = expect_completion(4, Status.CANCELLED)
    expect_cancel(Status.OK)
    submit(Operation.REPLY, 5, token, 1)
    _ = expect_completion(5, Status.PEER_CLOSED)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    expect_none()                       # what the child had queued is gone
    cancel(2)
    _ = expect_completion(2, Status.CANCELLED)
    expect_cancel(Status.OK)
    expect(close(thread), Status.OK, "close")
    expect(close(process), Status.OK, "close")


def _use_all(index: u64) -> None:
    """In the child: an operation of each kind that waits, in each state that it can have."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE)
    _put(addr(ring), Operation.CALL, 1, _TO_US, 0)                  # received, not answered
    _put(addr(ring), Operation.TIMER, 2, 0, 0)
    _put(addr(ring), Operation.WATCH, 3, _TO_WATCH, 0)
    _put(addr(ring), Operation.WATCH, 4, _TO_WATCH, SubmissionFlags.PERSISTENT)
    _put(addr(ring), Operation.TIMER, 5, 0, SubmissionFlags.LINK)
    _put(addr(ring), Operation.NOP, 6, 0, 0)                        # linked, not begun
    _put(addr(ring), Operation.RECEIVE, 7, _TO_RECEIVE, 0)          # one message, which will be owed an answer
    _ = ring.enter(7, 1)
    _put(addr(ring), Operation.SEND, 8, _TO_US, 0)                  # "I have received"
    _put(addr(ring), Operation.CALL, 9, _TO_US, 0)                  # queued
    _put(addr(ring), Operation.SEND, 10, _TO_US, 0)                 # queued
    _ = ring.enter(3, 30)
    exit_thread(0)


def _put(ring: ptr[Ring], operation: u64, slot: u64, handle: u64, flags: u64) -> None:
    entry = Submission(
        operation=u8(operation), slot=u16(slot), flags=u8(flags), user_data=slot, capability=handle,
        word0=1 if operation == Operation.RECEIVE or operation == Operation.WATCH else u64(9), deadline_ns=_FAR,
    )
    _ = ring.submit(addr(entry))
