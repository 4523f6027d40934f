"""What messages bring besides their words: bytes and capabilities, as a whole or not at all."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, ptr, u8, u16, u32, u64
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import (
    ACCEPTED_SHIFT,
    COPIED_SHIFT,
    HANDLES_SHIFT,
    MESSAGE_BYTES,
    MOVED_SHIFT,
    SLOTS,
    Completion,
    CompletionFlags,
    Operation,
    Submission,
)
from kernel.abi.thread import ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.messages import (
    call_once,
    cancel,
    come_to_rest,
    count_objects,
    drop_channel,
    expect_cancel,
    expect_completion,
    expect_none,
    new_channel,
    receive_one,
    serve,
    submit,
)
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make
from userspace.lib.ring import open_ring
from userspace.lib.syscall import close, invoke

_CASES = const(11)
_PLACE = const(0x3000_0000)             # of the buffer
_BUFFER_BYTES = const(2 * SLOTS * MESSAGE_BYTES)
_ACCEPT_ALL = const(4 << ACCEPTED_SHIFT)
_MANY = const(300)

_memory: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("buffer_refusals")
    _buffer_refusals()
    begin("bytes")
    _bytes()
    begin("bytes_in_many_messages")
    _bytes_in_many_messages()
    begin("bytes_and_registers")
    _bytes_and_registers()
    come_to_rest()
    before = count_objects()
    begin("copied_and_moved")
    _copied_and_moved()
    begin("all_or_none")
    _all_or_none()
    begin("receiver_limit")
    _receiver_limit()
    begin("capabilities_in_answers")
    _capabilities_in_answers()
    begin("what_does_not_travel")
    _what_does_not_travel()
    begin("moved_handle_is_closed")
    _moved_handle_is_closed()
    come_to_rest()
    check_equal(count_objects(), before, "objects that are left")
    begin("revoked_buffer")
    _revoked_buffer()
    end()


def _set_buffer(memory: u64, offset: u64, status: u64) -> None:
    submit(Operation.SET_BUFFER, 30, memory, offset)
    _ = expect_completion(30, status)


def _make_memory(length: u64) -> u64:
    return ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, length)


def _buffer_refusals() -> None:
    global _memory
    _memory = _make_memory(_BUFFER_BYTES + 4096)
    _set_buffer(_memory + (2 << 32), 0, Status.BAD_HANDLE)
    _set_buffer(ROOT_ACCOUNT, 0, Status.BAD_KIND)
    _set_buffer(_memory, 1, Status.BAD_ARGUMENT)
    _set_buffer(_memory, 8192, Status.BAD_ARGUMENT)
    _set_buffer(_memory, 1 << 63, Status.BAD_ARGUMENT)
    status, readable = invoke(_memory, Method.COPY, Right.READ)
    expect(status, Status.OK, "copy")
    _set_buffer(readable, 0, Status.NO_RIGHT)
    expect(close(readable), Status.OK, "close")
    sealed = _make_memory(_BUFFER_BYTES)
    do(sealed, Method.MEMORY_SEAL)
    _set_buffer(sealed, 0, Status.SEALED)
    expect(close(sealed), Status.OK, "close")
    other = _make_memory(_BUFFER_BYTES)
    _set_buffer(other, 0, Status.OK)
    status, _ = invoke(other, Method.MEMORY_SEAL)
    expect(status, Status.BUSY, "seal of a buffer")
    _set_buffer(_memory, 4096, Status.OK)
    do(other, Method.MEMORY_SEAL)
    expect(close(other), Status.OK, "close")
    _set_buffer(0, 0, Status.OK)
    _set_buffer(0, 0, Status.OK)
    status, _ = invoke(_memory, Method.MEMORY_MAP, OWN_PROCESS, _PLACE | READ | WRITE, 0, _BUFFER_BYTES)
    expect(status, Status.OK, "map")


def _fill(slot: u64, length: u64, first: u64) -> None:
    for index in range(length):
        ptr[u8](_PLACE + slot * MESSAGE_BYTES)[index] = u8((first + index) & 0xFF)


def _check_bytes(found: ptr[Completion], length: u64, first: u64) -> None:
    check_equal(u64(found.length), length, "length")
    place = _PLACE + (SLOTS + u64(found.sequence) % SLOTS) * MESSAGE_BYTES
    for index in range(length):
        check_numbered(u64(ptr[u8](place)[index]), (first + index) & 0xFF, "byte", index)


def _bytes() -> None:
    new_channel()
    submit(Operation.CALL, 1, messages.client, 5, 0, 100)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    _set_buffer(_memory, 0, Status.OK)
    submit(Operation.CALL, 1, messages.client, 5, 0, MESSAGE_BYTES + 1)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    lengths: array[u64, 4] = array(1, 100, 511, 512)
    for length in lengths:
        _fill(1, length, length)
        submit(Operation.CALL, 1, messages.client, 5, 0, length)
        submit(Operation.RECEIVE, 2, messages.channel, 1)
        found = expect_completion(2, Status.OK)
        _check_bytes(addr(found), length, length)
        check_equal(found.word0, 5, "first word")
        _fill(3, 513 - length, 7)
        submit(Operation.REPLY, 3, found.reply, 6, 0, 513 - length)
        answer = expect_completion(1, Status.OK)
        _check_bytes(addr(answer), 513 - length, 7)
        _ = expect_completion(3, Status.OK)
    drop_channel()


def _bytes_in_many_messages() -> None:
    """Each message has its piece until its completion has been read."""
    new_channel()
    submit(Operation.RECEIVE, 31, messages.channel, 0)
    for turn in range(u64(_MANY)):
        for slot in range(u64(4)):
            _fill(slot, 200, turn + slot)
            entry = Submission(
                operation=Operation.SEND, slot=u16(slot), user_data=messages.FIRST_USER_DATA + slot,
                capability=messages.client, length=200,
            )
            check(messages.ring.submit(addr(entry)), "submission")
        check_equal(u64(messages.ring.enter(4, 0)), Status.OK, "enter")
        for slot in range(u64(4)):
            found = expect_completion(31, Status.OK, CompletionFlags.MORE)
            _check_bytes(addr(found), 200, turn + slot)
            _ = expect_completion(slot, Status.OK)
    cancel(31)
    _ = expect_completion(31, Status.CANCELLED)
    expect_cancel(Status.OK)
    drop_channel()


def _bytes_and_registers() -> None:
    """A thread that receives or is answered in registers takes words only."""
    new_channel()
    submit(Operation.CALL, 1, messages.client, 5, 0, 10)
    thread = make(0, serve)
    do(thread, Method.THREAD_START)
    _ = expect_completion(1, Status.RECEIVER_LIMIT)
    await_state(thread, ThreadState.WAITING)
    submit(Operation.CALL, 1, messages.client, 5, 0, 10)
    cancel(1)
    _ = expect_completion(1, Status.CANCELLED)
    expect_cancel(Status.OK)
    submit(Operation.CALL, 1, messages.client, 8)
    check_equal(expect_completion(1, Status.OK).word0, 9, "answer")
    finish(thread)
    caller = make(1, call_once, 0)
    do(caller, Method.THREAD_START)
    token = receive_one()
    submit(Operation.REPLY, 3, token, 5, 0, 10)
    _ = expect_completion(3, Status.RECEIVER_LIMIT)
    submit(Operation.REPLY, 3, token, 5)
    _ = expect_completion(3, Status.OK)
    await_state(caller, ThreadState.ENDED)
    check_equal(messages.noted[1].load(), 5, "answer")
    expect(close(caller), Status.OK, "close")
    drop_channel()


def _notification() -> u64:
    return ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)


def _send_handles(operation: u64, first: u64, second: u64, length: u64, target: u64) -> None:
    """In slot 1, as second and fourth word."""
    entry = Submission(
        operation=u8(operation), slot=1, user_data=messages.FIRST_USER_DATA + 1, capability=target, length=u32(length),
        word0=11, word1=first, word2=22, word3=second,
    )
    check(messages.ring.submit(addr(entry)), "submission")
    check_equal(u64(messages.ring.enter(1, 0)), Status.OK, "enter")


def _receive_with(accepted: u64) -> None:
    submit(Operation.RECEIVE, 2, messages.channel, 1, 0, accepted << ACCEPTED_SHIFT)


def _identify(handle: u64) -> Status:
    status, _ = invoke(handle, Method.IDENTIFY)
    return status


def _copied_and_moved() -> None:
    new_channel()
    copied, moved = _notification(), _notification()
    do(moved, Method.NOTIFICATION_SIGNAL, 0x55)
    length = u64(1 << (COPIED_SHIFT + 1) | 1 << (MOVED_SHIFT + 3))
    for turn in range(u64(2)):
        if turn == 0:
            _receive_with(2)
        _send_handles(Operation.SEND, copied, moved, length, messages.client)
        if turn == 1:
            _receive_with(4)
        found = expect_completion(2, Status.OK, CompletionFlags.CAPABILITIES | 0b1010 << HANDLES_SHIFT)
        _ = expect_completion(1, Status.OK)
        check_equal(found.word0, 11, "first word")
        check_equal(found.word2, 22, "third word")
        expect(_identify(copied), Status.OK, "what was copied")
        expect(_identify(moved), Status.BAD_HANDLE, "what was moved")
        check_equal(ask(found.word3, Method.NOTIFICATION_PEEK), 0x55, "bits of what was moved")
        check_equal(ask(copied, Method.COMPARE, found.word1), 1, "the copy is of the same object")
        expect(close(found.word1), Status.OK, "close")
        moved = found.word3
    expect(close(copied), Status.OK, "close")
    expect(close(moved), Status.OK, "close")
    drop_channel()


def _all_or_none() -> None:
    """One bad handle: the message does not come, and the sender has what it had under the same handles."""
    new_channel()
    good = _notification()
    _receive_with(4)
    both = u64(1 << (MOVED_SHIFT + 1) | 1 << (MOVED_SHIFT + 3))
    _send_handles(Operation.SEND, good, good + (2 << 32), both, messages.client)
    _ = expect_completion(1, Status.BAD_HANDLE)
    expect(_identify(good), Status.OK, "what was to be moved")
    _send_handles(Operation.SEND, good, good, both, messages.client)
    _ = expect_completion(1, Status.BAD_HANDLE)
    expect(_identify(good), Status.OK, "what was to be moved twice")
    status, plain = invoke(good, Method.COPY, Right.SIGNAL)
    expect(status, Status.OK, "copy")
    _send_handles(Operation.SEND, good, plain, both, messages.client)
    _ = expect_completion(1, Status.NO_RIGHT)
    expect(_identify(good), Status.OK, "what was to be moved beside one that may not")
    _send_handles(Operation.SEND, good, plain, u64(1 << (MOVED_SHIFT + 1) | 1 << (COPIED_SHIFT + 3)), messages.client)
    _ = expect_completion(1, Status.NO_RIGHT)
    _send_handles(Operation.SEND, good, good, u64(1 << (MOVED_SHIFT + 1) | 1 << (COPIED_SHIFT + 1)), messages.client)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    expect_none()
    do(good, Method.NOTIFICATION_SIGNAL, 1)
    _send_handles(Operation.SEND, good, 0, 1 << (MOVED_SHIFT + 1), messages.client)
    found = expect_completion(2, Status.OK, CompletionFlags.CAPABILITIES | 0b10 << HANDLES_SHIFT)
    _ = expect_completion(1, Status.OK)
    check_equal(ask(found.word1, Method.NOTIFICATION_PEEK), 1, "bits")
    expect(close(found.word1), Status.OK, "close")
    expect(close(plain), Status.OK, "close")
    drop_channel()


def _receiver_limit() -> None:
    new_channel()
    first, second = _notification(), _notification()
    both = u64(1 << (MOVED_SHIFT + 1) | 1 << (MOVED_SHIFT + 3))
    for accepted in range(u64(2)):
        _receive_with(accepted)
        _send_handles(Operation.SEND, first, second, both, messages.client)
        _ = expect_completion(1, Status.RECEIVER_LIMIT)
        expect(_identify(first), Status.OK, "what was not taken")
        expect(_identify(second), Status.OK, "what was not taken")
        cancel(2)
        _ = expect_completion(2, Status.CANCELLED)
        expect_cancel(Status.OK)
    submit(Operation.RECEIVE, 2, messages.channel, 1, 0, 5 << ACCEPTED_SHIFT)
    _ = expect_completion(2, Status.BAD_ARGUMENT)
    expect(close(first), Status.OK, "close")
    expect(close(second), Status.OK, "close")
    drop_channel()


def _capabilities_in_answers() -> None:
    new_channel()
    given = _notification()
    submit(Operation.CALL, 5, messages.client, 1)
    token = receive_one()
    _send_handles(Operation.REPLY, given, 0, 1 << (MOVED_SHIFT + 1), token)
    _ = expect_completion(1, Status.RECEIVER_LIMIT)
    submit(Operation.REPLY, 3, token, 1)
    _ = expect_completion(5, Status.OK)
    _ = expect_completion(3, Status.OK)
    submit(Operation.CALL, 5, messages.client, 1, 0, 1 << ACCEPTED_SHIFT)
    token = receive_one()
    _send_handles(Operation.REPLY, given + (2 << 32), 0, 1 << (MOVED_SHIFT + 1), token)
    _ = expect_completion(1, Status.BAD_HANDLE)
    _send_handles(Operation.REPLY, given, 0, 1 << (MOVED_SHIFT + 1), token)
    found = expect_completion(5, Status.OK, CompletionFlags.CAPABILITIES | 0b10 << HANDLES_SHIFT)
    _ = expect_completion(1, Status.OK)
    expect(_identify(given), Status.BAD_HANDLE, "what was moved")
    expect(close(found.word1), Status.OK, "close")
    drop_channel()


def _what_does_not_travel() -> None:
    new_channel()
    _receive_with(4)
    _send_handles(Operation.SEND, OWN_PROCESS, 0, 1 << (COPIED_SHIFT + 1), messages.client)
    _ = expect_completion(1, Status.BAD_KIND)
    _send_handles(Operation.SEND, messages.channel, 0, 1 << (COPIED_SHIFT + 1), messages.client)
    _ = expect_completion(1, Status.NO_RIGHT)
    _send_handles(Operation.SEND, messages.client, 0, 1 << (COPIED_SHIFT + 1), messages.client)
    found = expect_completion(2, Status.OK, CompletionFlags.CAPABILITIES | 0b10 << HANDLES_SHIFT)
    _ = expect_completion(1, Status.OK)
    check_equal(ask(found.word1, Method.IDENTIFY) >> 32, ObjectKind.CHANNEL, "kind of what came")
    do(messages.lease, Method.LEASE_END)
    expect(_identify(found.word1), Status.REVOKED, "what came under a lease that has ended")
    _ = close(found.word1)
    drop_channel()


def _moved_handle_is_closed() -> None:
    """What was begun with a handle ends when a message takes it away, the call that does so among it."""
    new_channel()
    watched = _notification()
    submit(Operation.WATCH, 7, watched, 1)
    _receive_with(4)
    both = u64(1 << (MOVED_SHIFT + 1) | 1 << (MOVED_SHIFT + 3))
    _send_handles(Operation.CALL, watched, messages.client, both, messages.client)
    found = expect_completion(2, Status.OK, CompletionFlags.CAPABILITIES | 0b1010 << HANDLES_SHIFT)
    _ = expect_completion(7, Status.CLOSED)
    _ = expect_completion(1, Status.CLOSED, CompletionFlags.LATE)
    submit(Operation.REPLY, 3, found.reply, 1)
    _ = expect_completion(3, Status.PEER_CLOSED)
    expect(close(found.word1), Status.OK, "close")
    expect(close(found.word3), Status.OK, "close")
    expect(close(messages.channel), Status.OK, "close")
    expect(close(messages.lease), Status.OK, "close")


def _revoked_buffer() -> None:
    """Bytes neither leave nor reach Memory whose lease has ended; words do."""
    new_channel()
    status, leased = invoke(_memory, Method.MINT, Right.READ | Right.WRITE, 0, messages.lease)
    expect(status, Status.OK, "mint")
    status, other = invoke(messages.channel, Method.COPY, Right.SEND)
    expect(status, Status.OK, "copy")
    _set_buffer(leased, 0, Status.OK)
    do(messages.lease, Method.LEASE_END)
    submit(Operation.RECEIVE, 2, messages.channel, 1)
    submit(Operation.SEND, 1, other, 1, 0, 10)
    _ = expect_completion(1, Status.BAD_ARGUMENT)
    submit(Operation.SEND, 1, other, 1)
    _ = expect_completion(2, Status.OK)
    _ = expect_completion(1, Status.OK)
    expect(close(other), Status.OK, "close")
    expect(close(leased), Status.OK, "close")
    drop_channel()
