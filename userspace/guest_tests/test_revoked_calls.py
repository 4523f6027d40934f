"""Calls in registers whose lease ends: REVOKED at once while they are queued, answered if they have been received.

And waits for calls: a thread that receives under a lease waits no longer than that lasts.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadState
from userspace.guest_tests.calls import snapshot, wait_for, walk
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import STACK_BYTES, ask, await_state, do, expect, finish, spawn, stack_of
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.syscall import close, exit_thread, invoke, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(9)
_BREAKPOINT = const(3)
_NO_STATUS = const(0xFFFF)

_channel: u64 = 0
_handles: array[u64, 3] = zeroed()      # what thread i calls with
_statuses: array[atomic[u64], 3] = zeroed()
_round: atomic[u64] = 0
_done: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    global _channel
    plan(_CASES)
    _channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 0)
    begin("queued")
    _queued()
    begin("lease_above")
    _lease_above()
    begin("received")
    _received()
    begin("expired")
    _expired()
    begin("queued_exception")
    _queued_exception()
    begin("end_against_receipt")
    _end_against_receipt()
    begin("receiver")
    _receiver()
    begin("receiver_with_another_right")
    _receiver_with_another_right()
    begin("end_against_receiver")
    _end_against_receiver()
    end()


def _lease(parent: u64 = 0) -> u64:
    return ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, parent)


def _mint(lease: u64) -> u64:
    status, handle = invoke(_channel, Method.MINT, Right.SEND, 7, lease)
    expect(status, Status.OK, "mint")
    return handle


def _call(index: u64) -> None:
    message = Message(word0=index)
    _statuses[index].store(u64(call(_handles[index], addr(message))))
    exit_thread(message.word0)


def _queue_call(index: u64, handle: u64) -> u64:
    _handles[index] = handle
    _statuses[index].store(_NO_STATUS)
    thread = spawn(index, _call)
    await_state(thread, ThreadState.WAITING)
    return thread


def _expect_status(thread: u64, index: u64, wanted: Status) -> None:
    await_state(thread, ThreadState.ENDED)
    check_equal(_statuses[index].load(), u64(wanted), "status of a call")
    expect(close(thread), Status.OK, "close")


def _answer_next(index: u64) -> None:
    """Receives a call, which must be thread `index`'s, and answers it."""
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receipt")
    check_equal(message.word0, index, "whose call")
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")


def _close_all(first: u64, second: u64, third: u64 = 0, fourth: u64 = 0) -> None:
    handles: array[u64, 4] = array(first, second, third, fourth)
    for handle in handles:
        if handle != 0:
            expect(close(handle), Status.OK, "close")


def _queued() -> None:
    """Only the call under the lease ends; those before and behind it in the queue stay."""
    before = snapshot()
    lease = _lease()
    leased = _mint(lease)
    plain = _mint(0)
    first = _queue_call(0, plain)
    second = _queue_call(1, leased)
    third = _queue_call(2, plain)
    do(lease, Method.LEASE_END)
    _expect_status(second, 1, Status.REVOKED)
    _answer_next(0)
    _answer_next(2)
    _expect_status(first, 0, Status.OK)
    _expect_status(third, 2, Status.OK)
    again = spawn(1, _call)
    _expect_status(again, 1, Status.REVOKED)
    _close_all(leased, plain, lease)
    wait_for(before)
    check_equal(snapshot(), before, "what is left")
    walk(0)


def _lease_above() -> None:
    outer = _lease()
    inner = _lease(outer)
    leased = _mint(inner)
    caller = _queue_call(1, leased)
    do(outer, Method.LEASE_END)
    _expect_status(caller, 1, Status.REVOKED)
    _close_all(leased, inner, outer)


def _received() -> None:
    lease = _lease()
    leased = _mint(lease)
    caller = _queue_call(1, leased)
    message = Message()
    status, badge = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receipt")
    check_equal(badge, 7, "badge")
    do(lease, Method.LEASE_END)
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    _expect_status(caller, 1, Status.OK)
    killed_lease = _lease()
    killed_handle = _mint(killed_lease)
    caller = _queue_call(1, killed_handle)
    finish(caller)
    do(killed_lease, Method.LEASE_END)
    check_equal(_statuses[1].load(), _NO_STATUS, "status of a killed thread's call")
    _close_all(leased, lease, killed_handle, killed_lease)


def _expired() -> None:
    status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, 0, _soon())
    expect(status, Status.OK, "creation of a lease")
    leased = _mint(lease)
    _handles[1] = leased
    caller = spawn(1, _call)
    _expect_status(caller, 1, Status.REVOKED)
    _close_all(leased, lease)


def _soon() -> u64:
    """A time that is not over before the lease has been made, on a machine however slow."""
    return monotonic_ns() + 200_000_000


def _queued_exception() -> None:
    """As when its channel is closed: the process ends, by the exception."""
    lease = _lease()
    leased = _mint(lease)
    process, thread = make_child(_break, 0, stack_of(1) + STACK_BYTES)
    do(thread, Method.THREAD_SET_EXCEPTION_CHANNEL, leased)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.WAITING)
    do(lease, Method.LEASE_END)
    cause, status = await_end(process)
    check_equal(cause, u64(ExitCause.EXCEPTION), "cause of the end")
    check_equal(status, _BREAKPOINT, "status of the end")
    _close_all(process, thread, leased, lease)


@asm_x64
def _trap() -> None:
    int3()


def _break(argument: u64) -> None:
    _trap()
    exit_thread(1)


def _serve(index: u64) -> None:
    message = Message()
    while True:
        _, _ = reply_receive(_channel, addr(message))


def _call_in_rounds(index: u64) -> None:
    number: u64 = 0
    while True:
        number += 1
        while _round.load() != number:
            yield_now()
        message = Message()
        _statuses[index].store(u64(call(_handles[index], addr(message))))
        _done.store(number)


def _end_against_receipt() -> None:
    """A call that the end of its lease meets on its way is answered or REVOKED, and never left waiting."""
    walk(0)                             # what other cases have given up is gone
    before = snapshot()
    server = spawn(0, _serve)
    caller = spawn(1, _call_in_rounds)
    for number in range(u64(1), rounds(500, 10_000) + 1):
        lease = _lease()
        _handles[1] = _mint(lease)
        _round.store(number)
        for _ in range(number % 4):
            yield_now()
        do(lease, Method.LEASE_END)
        is_over = False
        for _ in patience():
            is_over = _done.load() == number
            if is_over:
                break
            yield_now()
        check_numbered(u64(is_over), 1, "the call ends in round", number)
        if not is_over:
            break
        status = _statuses[1].load()
        if status != Status.OK:
            check_numbered(status, Status.REVOKED, "status in round", number)
        expect(close(_handles[1]), Status.OK, "close")
        expect(close(lease), Status.OK, "close")
    finish(caller)
    finish(server)
    wait_for(before)
    check_equal(snapshot(), before, "what is left")
    walk(0)


def _mint_to_receive(lease: u64) -> u64:
    status, handle = invoke(_channel, Method.MINT, Right.RECEIVE, 0, lease)
    expect(status, Status.OK, "mint")
    return handle


def _receive(index: u64) -> None:
    """Answers calls for as long as it may."""
    message = Message()
    while True:
        status, _ = reply_receive(_handles[index], addr(message))
        if status == Status.OK:
            message.word0 += 1
        elif status != Status.EVENTS:
            _statuses[index].store(u64(status))
            exit_thread(0)


def _begin_to_receive(index: u64, handle: u64) -> u64:
    _handles[index] = handle
    _statuses[index].store(_NO_STATUS)
    server = spawn(index, _receive)
    await_state(server, ThreadState.WAITING)
    return server


def _ask(word0: u64) -> None:
    message = Message(word0=word0)
    expect(call(_channel, addr(message)), Status.OK, "call")
    check_equal(message.word0, word0 + 1, "answer")


def _receiver() -> None:
    """Before its first call and after one, and under a lease that nests in the one that ends."""
    walk(0)
    before = snapshot()
    for calls in range(u64(2)):
        outer = _lease()
        inner = _lease(outer)
        leased = _mint_to_receive(inner)
        server = _begin_to_receive(1, leased)
        if calls != 0:
            _ask(calls)
            await_state(server, ThreadState.WAITING)
        do(outer, Method.LEASE_END)
        _expect_status(server, 1, Status.REVOKED)
        _close_all(leased, inner, outer)
    lease = _lease()
    leased = _mint_to_receive(lease)
    finish(_begin_to_receive(1, leased))
    do(lease, Method.LEASE_END)
    _close_all(leased, lease)
    wait_for(before)
    check_equal(snapshot(), before, "what is left")
    walk(0)


def _receiver_with_another_right() -> None:
    """A lease under which it received before ends: it goes on, since it receives under none."""
    lease = _lease()
    leased = _mint_to_receive(lease)
    server = _begin_to_receive(1, leased)
    _handles[1] = _channel
    _ask(5)
    await_state(server, ThreadState.WAITING)
    do(lease, Method.LEASE_END)
    _ask(6)
    await_state(server, ThreadState.WAITING)
    check_equal(_statuses[1].load(), _NO_STATUS, "status of the receiver")
    finish(server)
    _close_all(leased, lease)


def _end_against_receiver() -> None:
    """A thread that is about to receive, receives or has just received when the lease ends never waits on."""
    walk(0)
    before = snapshot()
    for number in range(rounds(200, 5_000)):
        lease = _lease()
        leased = _mint_to_receive(lease)
        _handles[1] = leased
        _statuses[1].store(_NO_STATUS)
        server = spawn(1, _receive)
        for _ in range(number % 4):
            yield_now()
        do(lease, Method.LEASE_END)
        is_over = False
        for _ in patience():
            is_over = _statuses[1].load() != _NO_STATUS
            if is_over:
                break
            yield_now()
        check_numbered(u64(is_over), 1, "the wait ends in round", number)
        check_numbered(_statuses[1].load(), Status.REVOKED, "status in round", number)
        await_state(server, ThreadState.ENDED)
        _close_all(leased, lease, server)
        if not is_over:
            break
    wait_for(before)
    check_equal(snapshot(), before, "what is left")
    walk(0)
