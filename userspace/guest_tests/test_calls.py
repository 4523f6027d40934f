"""Calls on channels from outside: words and badges, queues and levels, and every way in which a call can end."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, u8, u64, zeroed
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.ring import Completion, Operation, Submission
from kernel.abi.thread import ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make, spawn
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(14)
_ROUNDS = const(3000)
_CALLERS = const(4)
_STOP = const(0xFFFF)                   # a first word that ends the server

_channel: u64 = 0
_silent: u64 = 0
_statuses: array[atomic[u64], 8] = zeroed()
_answers: array[atomic[u64], 8] = zeroed()
_order: atomic[u64] = 0                 # first words in the order in which they were received, eight bits each


@export("main")
def main(ring: u64) -> u64:
    global _silent
    plan(_CASES)
    _new_channel()
    _silent = _channel
    begin("words_and_badge")
    _words_and_badge()
    begin("many_rounds")
    _many_rounds()
    begin("pinned_apart")
    _pinned_apart()
    begin("callers_queue")
    _callers_queue()
    begin("levels")
    _levels()
    begin("several_receivers")
    _several_receivers()
    begin("killed_caller")
    _killed_caller()
    begin("killed_server")
    _killed_server()
    begin("last_receive_right")
    _last_receive_right()
    begin("destroyed")
    _destroyed()
    begin("kept_reply")
    _kept_reply()
    begin("dropped_reply")
    _dropped_reply()
    begin("events_of_the_ring")
    _events_of_the_ring(ring)
    begin("refusals")
    _refusals()
    end()


def _new_channel() -> None:
    global _channel
    status, _channel = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 40)
    expect(status, Status.OK, "creation of a channel")


def _serve(index: u64) -> None:
    """Answers with the words one higher, and the badge in the last."""
    message = Message()
    while True:
        status, badge = reply_receive(_channel, addr(message))
        _statuses[index].store(u64(status))
        if status != Status.OK or message.word0 == _STOP:
            break
        message.word0 += 1
        message.word1 += 1
        message.word2 += 1
        message.word3 = badge
    _, _ = reply_receive(0, addr(message))
    exit_thread(0)


def _call_once(index: u64) -> None:
    message = Message(word0=index, word1=2, word2=3)
    status = call(_channel, addr(message), index & 3)
    _statuses[index].store(u64(status))
    _answers[index].store(message.word0)
    exit_thread(0)


def _note_order(index: u64) -> None:
    """Receives without haste, so that callers queue."""
    message = Message()
    while True:
        status, _ = reply_receive(_channel, addr(message))
        if status != Status.OK or message.word0 == _STOP:
            break
        _order.store(_order.load() << 8 | message.word0)
    _, _ = reply_receive(0, addr(message))
    exit_thread(0)


def _receive_once(index: u64) -> None:
    """Receives one call and never answers it: it waits on a channel from which nobody receives."""
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    _statuses[index].store(u64(status))
    expect(call(_silent, addr(message)), Status.OK, "an answer that nobody gives")


def _stop_server(server: u64) -> None:
    message = Message(word0=_STOP)
    expect(call(_channel, addr(message)), Status.OK, "the last call")
    await_state(server, ThreadState.ENDED)
    expect(close(server), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _words_and_badge() -> None:
    _new_channel()
    server = spawn(1, _serve)
    status, minted = invoke(_channel, Method.MINT, Right.SEND, 77)
    expect(status, Status.OK, "mint")
    message = Message(word0=10, word1=20, word2=30, word3=40)
    expect(call(minted, addr(message)), Status.OK, "call")
    check_equal(message.word0, 11, "first word")
    check_equal(message.word1, 21, "second word")
    check_equal(message.word2, 31, "third word")
    check_equal(message.word3, 77, "badge")
    expect(close(minted), Status.OK, "close")
    _stop_server(server)


def _many_rounds() -> None:
    _new_channel()
    server = spawn(1, _serve)
    message = Message()
    for number in range(u64(_ROUNDS)):
        message.word0 = number
        if call(_channel, addr(message)) != Status.OK or message.word0 != number + 1:
            check_equal(message.word0, number + 1, "an answer")
    _stop_server(server)


def _pinned_apart() -> None:
    """Caller and server on different CPUs, if there are two."""
    _new_channel()
    server = make(1, _serve)
    status, _ = invoke(server, Method.THREAD_SET_AFFINITY, 0, 2)
    if status == Status.OK:
        do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    do(server, Method.THREAD_START)
    message = Message()
    for number in range(u64(_ROUNDS)):
        message.word0 = number
        if call(_channel, addr(message)) != Status.OK or message.word0 != number + 1:
            check_equal(message.word0, number + 1, "an answer")
    _stop_server(server)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)


def _callers_queue() -> None:
    """Calls that come before there is a server wait for one."""
    _new_channel()
    callers: array[u64, _CALLERS] = zeroed()
    for index in range(u64(_CALLERS)):
        _statuses[index + 2].store(99)
        callers[index] = spawn(index + 2, _call_once)
    for index in range(u64(_CALLERS)):
        await_state(callers[index], ThreadState.WAITING)
    server = spawn(1, _serve)
    for index in range(u64(_CALLERS)):
        await_state(callers[index], ThreadState.ENDED)
        check_equal(_statuses[index + 2].load(), u64(Status.OK), "status of a queued call")
        check_equal(_answers[index + 2].load(), index + 3, "answer to a queued call")
        expect(close(callers[index]), Status.OK, "close")
    _stop_server(server)


def _levels() -> None:
    _new_channel()
    callers: array[u64, _CALLERS] = zeroed()
    for index in range(u64(_CALLERS)):
        callers[index] = spawn(index + 4, _call_once)
        await_state(callers[index], ThreadState.WAITING)
    _order.store(0)
    server = spawn(1, _note_order)
    for index in range(u64(_CALLERS)):
        await_state(callers[index], ThreadState.ENDED)
        expect(close(callers[index]), Status.OK, "close")
    check_equal(_order.load(), 0x07060504, "the order of levels")
    _stop_server(server)


def _several_receivers() -> None:
    _new_channel()
    servers: array[u64, 3] = zeroed()
    for index in range(u64(3)):
        servers[index] = spawn(index + 1, _serve)
        await_state(servers[index], ThreadState.WAITING)
    message = Message()
    for number in range(u64(300)):
        message.word0 = number
        expect(call(_channel, addr(message)), Status.OK, "call")
        check_equal(message.word0, number + 1, "an answer")
    for index in range(u64(3)):
        finish(servers[index])
    expect(close(_channel), Status.OK, "close")


def _killed_caller() -> None:
    """While queued, and while the server has its call."""
    _new_channel()
    queued = spawn(2, _call_once)
    await_state(queued, ThreadState.WAITING)
    finish(queued)
    server = spawn(1, _receive_once)
    await_state(server, ThreadState.WAITING)
    received = spawn(2, _call_once)
    await_state(received, ThreadState.WAITING)
    _await_status(1, Status.OK)
    finish(received)
    finish(server)
    server = spawn(1, _serve)
    message = Message(word0=5)
    expect(call(_channel, addr(message)), Status.OK, "a call after those of killed threads")
    check_equal(message.word0, 6, "its answer")
    _stop_server(server)


def _killed_server() -> None:
    _new_channel()
    _statuses[1].store(99)
    server = spawn(1, _receive_once)
    caller = spawn(2, _call_once)
    _await_status(1, Status.OK)
    finish(server)
    await_state(caller, ThreadState.ENDED)
    check_equal(_statuses[2].load(), u64(Status.PEER_CLOSED), "status when the server is gone")
    expect(close(caller), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _last_receive_right() -> None:
    _new_channel()
    status, sender = invoke(_channel, Method.MINT, Right.SEND, 1)
    expect(status, Status.OK, "mint")
    caller = spawn(2, _call_once)
    await_state(caller, ThreadState.WAITING)
    expect(close(_channel), Status.OK, "close")
    await_state(caller, ThreadState.ENDED)
    check_equal(_statuses[2].load(), u64(Status.PEER_CLOSED), "status of a queued call")
    message = Message()
    expect(call(sender, addr(message)), Status.PEER_CLOSED, "a call that nobody can receive")
    expect(close(sender), Status.OK, "close")
    expect(close(caller), Status.OK, "close")


def _destroyed() -> None:
    _new_channel()
    server = spawn(1, _serve)
    await_state(server, ThreadState.WAITING)
    do(_channel, Method.DESTROY)
    await_state(server, ThreadState.ENDED)
    check_equal(_statuses[1].load(), u64(Status.DESTROYED), "status of a receiver")
    message = Message()
    expect(call(_channel, addr(message)), Status.DESTROYED, "a call")
    expect(close(server), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _kept_reply() -> None:
    """A server keeps the reply, receives another call, and answers the first one later."""
    _new_channel()
    caller = spawn(2, _call_once)
    await_state(caller, ThreadState.WAITING)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    reply = ask(_channel, Method.CHANNEL_KEEP_REPLY, ROOT_ACCOUNT)
    status, _ = invoke(_channel, Method.CHANNEL_KEEP_REPLY, ROOT_ACCOUNT)
    expect(status, Status.WOULD_BLOCK, "no answer is owed any more")
    status, _ = invoke(reply, Method.REPLY_ANSWER, 123, 0)
    expect(status, Status.OK, "answer")
    await_state(caller, ThreadState.ENDED)
    check_equal(_statuses[2].load(), u64(Status.OK), "status")
    check_equal(_answers[2].load(), 123, "answer")
    status, _ = invoke(reply, Method.REPLY_ANSWER, 124, 0)
    expect(status, Status.PEER_CLOSED, "a second answer")
    expect(close(reply), Status.OK, "close")
    expect(close(caller), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _dropped_reply() -> None:
    _new_channel()
    caller = spawn(2, _call_once)
    await_state(caller, ThreadState.WAITING)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    reply = ask(_channel, Method.CHANNEL_KEEP_REPLY, ROOT_ACCOUNT)
    expect(close(reply), Status.OK, "close")
    await_state(caller, ThreadState.ENDED)
    check_equal(_statuses[2].load(), u64(Status.PEER_CLOSED), "status of a call whose reply was dropped")
    expect(close(caller), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _events_of_the_ring(address: u64) -> None:
    """A server hears its ring while it waits for calls, and before it waits."""
    _new_channel()
    ring: Ring = zeroed()
    open_ring(addr(ring), address)
    completion: Completion = zeroed()
    message = Message()
    now: u64 = 0
    for number in range(u64(20)):
        entry = Submission(operation=u8(Operation.TIMER), user_data=number, deadline_ns=now + 2_000_000)
        check(ring.submit(addr(entry)), "submit")
        expect(ring.enter(1, 0), Status.OK, "enter")
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.EVENTS, "a completion while it waits")
        status, _ = reply_receive(_channel, addr(message))
        expect(status, Status.EVENTS, "a completion that is not read")
        check(ring.next_completion(addr(completion)), "the completion")
        check_equal(completion.user_data, number, "its user data")
        now = completion.word0
    caller = spawn(2, _call_once)
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "a call, all completions read")
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "answer")
    await_state(caller, ThreadState.ENDED)
    expect(close(caller), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _refusals() -> None:
    _new_channel()
    message = Message()
    status, other = invoke(_channel, Method.COPY, ALL_RIGHTS & ~Right.SEND)
    expect(status, Status.OK, "copy")
    expect(call(other, addr(message)), Status.NO_RIGHT, "call without SEND")
    expect(close(other), Status.OK, "close")
    expect(call(other, addr(message)), Status.BAD_HANDLE, "call on a closed handle")
    status, other = invoke(_channel, Method.COPY, ALL_RIGHTS & ~Right.RECEIVE)
    expect(status, Status.OK, "copy")
    status, _ = reply_receive(other, addr(message))
    expect(status, Status.NO_RIGHT, "receive without RECEIVE")
    expect(call(ROOT_ACCOUNT, addr(message)), Status.BAD_KIND, "call on an account")
    expect(call(_channel, addr(message), 4), Status.BAD_ARGUMENT, "level 4")
    status, _ = reply_receive(0, addr(message))
    expect(status, Status.OK, "an answer that nobody waits for")
    status, _ = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 64)
    expect(status, Status.BAD_ARGUMENT, "ceiling 64")
    expect(close(other), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _await_status(index: u64, wanted: Status) -> None:
    for _ in patience():
        if _statuses[index].load() == u64(wanted):
            return
        yield_now()
    check(False, "a thread does not get on")
