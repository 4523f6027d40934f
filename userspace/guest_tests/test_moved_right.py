"""The right to receive moves, again and again, while calls come from registers and from a ring: none is lost.

Servers use whatever handle is the current one. One that received a call before a move answers it after.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, u16, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, CompletionFlags, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests.messages import come_to_rest
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_enter, yield_now

_CASES = const(1)
_CALLERS = const(2)
_SERVERS = const(3)
_CALLS = const(50_000)                  # of each caller
_IN_FLIGHT = const(8)
_PLACE = const(0x2000_0000)
_STRIDE = const(0x10_0000)
_CAPACITY = const(16)
_CALLS_PER_MOVE = const(20)

_handle: atomic[u64] = 0                # to receive with
_client: u64 = 0
_answered: array[atomic[u64], _CALLERS] = zeroed()
_served: array[atomic[u64], _SERVERS] = zeroed()
_wrong: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    global _client
    plan(_CASES)
    begin("calls_while_the_right_moves")
    _handle.store(ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 32))
    _client = ask(_handle.load(), Method.COPY, Right.SEND)
    threads: array[u64, _CALLERS + _SERVERS] = zeroed()
    threads[0] = make(0, _call_in_registers)
    threads[1] = make(1, _call_on_ring)
    threads[2] = make(2, _serve_in_registers)
    threads[3] = make(3, _serve_in_registers)
    threads[4] = make(4, _serve_on_ring)
    for index in range(u64(_CALLERS + _SERVERS)):
        do(threads[index], Method.THREAD_CREATE_RING, _PLACE + index * _STRIDE, _CAPACITY)
        do(threads[index], Method.THREAD_START)
    moves: u64 = 0
    while _total() != 2 * _CALLS and _wrong.load() == 0:
        if _total() // _CALLS_PER_MOVE > moves:
            moves += 1
            status, moved = invoke(_handle.load(), Method.MOVE_TO, OWN_PROCESS)
            expect(status, Status.OK, "move")
            _handle.store(moved)
        yield_now()
    check_equal(_wrong.load(), 0, "what went wrong")
    check(moves > _CALLS // 100, "moves")
    for index in range(u64(_CALLERS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(_answered[index].load(), _CALLS, "answers to caller", index)
        expect(close(threads[index]), Status.OK, "close")
    for index in range(u64(_SERVERS)):
        finish(threads[_CALLERS + index])
    expect(close(_handle.load()), Status.OK, "close")
    expect(close(_client), Status.OK, "close")
    come_to_rest()
    end()


def _total() -> u64:
    return _answered[0].load() + _answered[1].load()


def _fail(problem: u64) -> None:
    _wrong.store(problem)
    exit_thread(1)


def _call_in_registers(index: u64) -> None:
    for turn in range(u64(_CALLS)):
        message = Message(word0=turn, word3=turn * 3)
        if call(_client, addr(message), turn & 3) != Status.OK:
            _fail(1)
        if message.word0 != turn + 1 or message.word3 != turn * 3 + 1:
            _fail(2)
        _ = _answered[index].fetch_add(1)
    exit_thread(0)


def _call_on_ring(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + index * _STRIDE, _CAPACITY)
    submitted: u64 = 0
    answered: u64 = 0
    entries: u64 = 0
    words: array[u64, _IN_FLIGHT] = zeroed()
    free: u64 = (1 << _IN_FLIGHT) - 1
    found: Completion = zeroed()
    while answered != _CALLS:
        for slot in range(u64(_IN_FLIGHT)):
            if free >> slot & 1 != 0 and submitted != _CALLS:
                entry = Submission(
                    operation=Operation.CALL, slot=u16(slot), user_data=slot, capability=_client, word0=submitted,
                    word3=submitted * 3,
                )
                words[slot] = submitted
                free &= ~(u64(1) << slot)
                submitted += 1
                entries += 1
                _ = ring.submit(addr(entry))
        _, taken = ring_enter(entries, 1, 0)
        entries -= taken
        while ring.take(addr(found)):
            slot = found.user_data
            if found.status != Status.OK or free >> slot & 1 != 0:
                _fail(3)
            if found.word0 != words[slot] + 1 or found.word3 != words[slot] * 3 + 1:
                _fail(4)
            free |= u64(1) << slot
            answered += 1
            _ = _answered[index].fetch_add(1)
    exit_thread(0)


def _serve_in_registers(index: u64) -> None:
    answer = Message()
    while True:
        message = Message(word0=answer.word0, word1=answer.word1, word2=answer.word2, word3=answer.word3)
        status, _ = reply_receive(_handle.load(), addr(message))
        if status == Status.OK:
            answer.word0 = message.word0 + 1
            answer.word3 = message.word3 + 1
            _ = _served[index - _CALLERS].fetch_add(1)
        elif status != Status.BAD_HANDLE and status != Status.EVENTS:
            _fail(5)


def _serve_on_ring(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + index * _STRIDE, _CAPACITY)
    entries: u64 = 0
    is_receiving = False
    found: Completion = zeroed()
    while True:
        if not is_receiving:
            entry = Submission(operation=Operation.RECEIVE, slot=1, user_data=1, capability=_handle.load())
            _ = ring.submit(addr(entry))
            entries += 1
            is_receiving = True
        _, taken = ring_enter(entries, 1, 0)
        entries -= taken
        while ring.take(addr(found)):
            if found.user_data == 2:
                _fail(6)                # an answer that nobody waited for, or a token that was not good
            if u64(found.flags) & CompletionFlags.MORE == 0:
                if found.status != Status.CLOSED and found.status != Status.BAD_HANDLE:
                    _fail(7)
                is_receiving = False
            else:
                answer = Submission(
                    operation=Operation.REPLY, flags=SubmissionFlags.SILENT, slot=2, user_data=2,
                    capability=found.reply, word0=found.word0 + 1, word3=found.word3 + 1,
                )
                if not ring.submit(addr(answer)):
                    _fail(8)
                entries += 1
