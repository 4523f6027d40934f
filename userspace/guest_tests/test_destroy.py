"""Objects ended by their owner, whoever else refers to them: waiters are told, handles are good for nothing more."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_THREAD, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.interrupt import Source
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.ring import COMPLETION_CAPACITY, Completion, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, make, spawn
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(9)
_PLACE = const(0x2000_0000)
_STRIDE = const(0x10000)
_BIT = const(1)
_FAR = const(1 << 62)
_IDLE_PORT = const(0x80)
_WAITING = const(3)                     # operations that a thread leaves in flight

_channel: u64 = 0
_notification: u64 = 0
_answer: atomic[u64] = 0
_statuses: array[atomic[u64], 8] = zeroed()     # of what the thread had in flight, by slot
_places: u64 = 0
_before: array[u64, OBJECT_KINDS] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("right_to_destroy")
    _each(_try_right)
    begin("handles_afterwards")
    _each(_try_twice)
    begin("what_cannot_be_destroyed")
    _what_cannot_be_destroyed()
    begin("thread")
    _thread()
    begin("reply")
    _reply()
    begin("interrupt_line_is_free_again")
    _interrupt_line_is_free_again()
    begin("ring_of_a_waiting_thread")
    _ring_of_a_waiting_thread()
    begin("ring_of_a_running_thread")
    _ring_of_a_running_thread()
    begin("ring_of_a_thread_that_has_none")
    _ring_of_a_thread_that_has_none()
    end()


def _make(method: u64, first: u64 = 0) -> u64:
    status, handle = invoke(ROOT_ACCOUNT, method, first)
    expect(status, Status.OK, "creation")
    return handle


def _make_interrupt(line: u64, source: u64) -> u64:
    status, handle = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, line, source)
    expect(status, Status.OK, "creation of an interrupt")
    return handle


def _each(attempt: Callable[[u64, u64], None]) -> None:
    """A fresh object of each kind that can be destroyed; nothing is left of it."""
    for kind in range(u64(OBJECT_KINDS)):
        _before[kind] = ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
    attempt(make(0, _leave), Method.THREAD_START)
    attempt(_make(Method.ACCOUNT_CREATE_MEMORY, 4096), Method.MEMORY_SIZE)
    attempt(_make(Method.ACCOUNT_CREATE_CHANNEL), Method.IDENTIFY)
    attempt(_make(Method.ACCOUNT_CREATE_NOTIFICATION), Method.NOTIFICATION_PEEK)
    attempt(_make(Method.ACCOUNT_CREATE_LEASE), Method.LEASE_STATE)
    attempt(_make_interrupt(0, Source.MESSAGE), Method.INTERRUPT_STATE)
    for kind in range(u64(OBJECT_KINDS)):
        _await_count(kind, _before[kind])
    _walk()


def _await_count(kind: u64, wanted: u64) -> None:
    for _ in patience():
        if ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind) == wanted:
            return
        yield_now()
    check_numbered(ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind), wanted, "objects that are left of kind", kind)


def _walk() -> None:
    status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    while status == Status.BUSY:
        yield_now()
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    check_equal(faults, 0, "faults that the walker found")


def _try_right(handle: u64, method: u64) -> None:
    """Without MANAGE it stays what it is."""
    status, weak = invoke(handle, Method.COPY, u64(ALL_RIGHTS) & ~u64(Right.MANAGE))
    expect(status, Status.OK, "copy")
    status, _ = invoke(weak, Method.DESTROY)
    expect(status, Status.NO_RIGHT, "destruction")
    status, _ = invoke(handle, method)
    check_numbered(u64(status), Status.OK, "operation after a refusal", method)
    expect(close(weak), Status.OK, "close")
    do(handle, Method.DESTROY)
    expect(close(handle), Status.OK, "close")


def _try_twice(handle: u64, method: u64) -> None:
    """Another handle is told; one that is good for questions about the end is still good for that."""
    copied = ask(handle, Method.COPY, ALL_RIGHTS)
    do(handle, Method.DESTROY)
    status, _ = invoke(copied, Method.COPY_TO, 0, 0)
    check_numbered(u64(status != Status.OK), 1, "a use of the other handle", method)
    again, _ = invoke(copied, Method.DESTROY)
    check_numbered(u64(again == Status.OK or again == Status.DESTROYED), 1, "a second destruction", method)
    expect(close(copied), Status.OK, "close")
    expect(close(handle), Status.OK, "close")


def _what_cannot_be_destroyed() -> None:
    status, ports = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, _IDLE_PORT, 1)
    expect(status, Status.OK, "creation of ports")
    account = _make(Method.ACCOUNT_CREATE_ACCOUNT)
    handles: array[u64, 4] = array(ports, account, SYSTEM, INSPECT)
    for index in range(u64(4)):
        status, _ = invoke(handles[index], Method.DESTROY)
        is_refused = status == Status.BAD_OPERATION or status == Status.NO_RIGHT
        check_numbered(u64(is_refused), 1, "destruction of handle", index)
    expect(close(ports), Status.OK, "close")
    expect(close(account), Status.OK, "close")


def _leave(index: u64) -> None:
    exit_thread(0)


def _spin(index: u64) -> None:
    while True:
        yield_now()


def _thread() -> None:
    """A caller that waits for its answer is told, so is who watches; the status can be read, and nothing else done."""
    global _channel
    _channel = _make(Method.ACCOUNT_CREATE_CHANNEL)
    server = spawn(1, _hold_the_call)
    caller = spawn(2, _call_and_note)
    await_state(caller, ThreadState.WAITING)
    while _answer.load() != _WAITING:
        yield_now()
    told = _make(Method.ACCOUNT_CREATE_NOTIFICATION)
    do(server, Method.THREAD_NOTIFY_EXIT, told, _BIT)
    do(server, Method.DESTROY)
    await_state(server, ThreadState.ENDED)
    await_state(caller, ThreadState.ENDED)
    check_equal(_answer.load(), Status.PEER_CLOSED, "what the caller was told")
    check_equal(ask(told, Method.NOTIFICATION_TAKE), _BIT, "the watcher's bits")
    status, _ = invoke(server, Method.THREAD_WRITE_REGISTERS, 0)
    expect(status, Status.DESTROYED, "an operation on a thread that was destroyed")
    check_equal(ask(server, Method.THREAD_EXIT_STATUS), 0, "exit status")
    expect(close(server), Status.OK, "close")
    expect(close(caller), Status.OK, "close")
    expect(close(told), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _hold_the_call(index: u64) -> None:
    message = Message()
    _, _ = reply_receive(_channel, addr(message))
    _answer.store(_WAITING)
    while True:
        yield_now()


def _call_and_note(index: u64) -> None:
    message = Message()
    status = call(_channel, addr(message))
    _answer.store(u64(status))
    exit_thread(0)


def _reply() -> None:
    global _channel
    _channel = _make(Method.ACCOUNT_CREATE_CHANNEL)
    caller = spawn(2, _call_and_note)
    message = Message()
    status, _ = reply_receive(_channel, addr(message))
    expect(status, Status.OK, "receive")
    reply = ask(_channel, Method.CHANNEL_KEEP_REPLY, ROOT_ACCOUNT)
    do(reply, Method.DESTROY)
    await_state(caller, ThreadState.ENDED)
    check_equal(_answer.load(), Status.DESTROYED, "what the caller was told")
    status, _ = invoke(reply, Method.REPLY_ANSWER, 0, 0, 0, 0)
    expect(status, Status.DESTROYED, "an answer through it")
    expect(close(reply), Status.OK, "close")
    expect(close(caller), Status.OK, "close")
    expect(close(_channel), Status.OK, "close")


def _interrupt_line_is_free_again() -> None:
    """Exclusively held, bound, and destroyed while a second handle refers to it: others can have the line."""
    told = _make(Method.ACCOUNT_CREATE_NOTIFICATION)
    first = _make_interrupt(20, 0)
    do(first, Method.INTERRUPT_BIND, told, _BIT)
    copied = ask(first, Method.COPY, ALL_RIGHTS)
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, 20, 0)
    expect(status, Status.BUSY, "a line that is taken")
    do(first, Method.DESTROY)
    status, _ = invoke(copied, Method.INTERRUPT_ACKNOWLEDGE)
    expect(status, Status.DESTROYED, "an operation on an interrupt that was destroyed")
    status, second = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, 20, 0)
    for _ in patience():
        if status == Status.OK:
            break
        yield_now()
        status, second = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, 20, 0)
    expect(status, Status.OK, "the line again")
    do(second, Method.INTERRUPT_IMITATE)
    handles: array[u64, 4] = array(copied, first, second, told)
    for handle in handles:
        expect(close(handle), Status.OK, "close")
    _await_count(ObjectKind.INTERRUPT, 0)
    _await_count(ObjectKind.NOTIFICATION, 0)


def _make_thread_with_ring(is_waiting: bool) -> u64:
    global _notification, _places
    _places += 1
    _answer.store(0)
    _notification = _make(Method.ACCOUNT_CREATE_NOTIFICATION)
    thread = make(0, _wait_for_completions if is_waiting else _look_for_completions)
    do(thread, Method.THREAD_CREATE_RING, _place(), COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    return thread


def _place() -> u64:
    return _PLACE + _places * _STRIDE



def _fill(ring: ptr[Ring]) -> None:
    open_ring(ring, _place())
    entries: array[Submission, _WAITING] = array(
        Submission(operation=u8(Operation.TIMER), slot=0, deadline_ns=_FAR),
        Submission(operation=u8(Operation.WATCH), slot=1, user_data=1, capability=_notification, word0=4),
        Submission(
            operation=u8(Operation.WATCH), slot=2, user_data=2, flags=u8(SubmissionFlags.PERSISTENT),
            capability=_notification, word0=_BIT,
        ),
    )
    for index in range(u64(_WAITING)):
        _ = ring.submit(addr(entries[index]))


def _note_statuses(ring: ptr[Ring]) -> None:
    for index in range(u64(_WAITING)):
        _statuses[index].store(0)
    completion: Completion = zeroed()
    while ring.next_completion(addr(completion)):
        _statuses[completion.user_data].store(u64(completion.status))


def _wait_for_completions(index: u64) -> None:
    ring: Ring = zeroed()
    _fill(addr(ring))
    status = ring.enter(_WAITING, _WAITING)
    _note_statuses(addr(ring))
    _answer.store(u64(status))
    exit_thread(0)


def _look_for_completions(index: u64) -> None:
    """Until its ring is gone."""
    ring: Ring = zeroed()
    _fill(addr(ring))
    status = ring.enter(_WAITING, 0)
    _answer.store(1 << 32)
    while status == Status.OK:
        status = ring.enter(0, 0)
    status = ring.enter(0, 0)
    _answer.store(u64(status))
    exit_thread(0)


def _expect_destroyed(thread: u64, rings: u64) -> None:
    await_state(thread, ThreadState.ENDED)
    for index in range(u64(_WAITING)):
        check_numbered(_statuses[index].load(), Status.DESTROYED, "status of the operation in slot", index)
    _await_count(ObjectKind.RING, rings)
    expect(close(thread), Status.OK, "close")
    expect(close(_notification), Status.OK, "close")
    _await_count(ObjectKind.NOTIFICATION, 0)
    _walk()


def _ring_of_a_waiting_thread() -> None:
    rings = ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.RING)
    thread = _make_thread_with_ring(True)
    await_state(thread, ThreadState.WAITING)
    do(thread, Method.RING_DESTROY)
    _expect_destroyed(thread, rings)
    check_equal(_answer.load(), Status.DESTROYED, "what the thread was told")


def _ring_of_a_running_thread() -> None:
    """Its next look at the ring tells it. The pages stay mapped, and say what became of the operations."""
    rings = ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.RING)
    thread = _make_thread_with_ring(False)
    while _answer.load() == 0:
        yield_now()
    do(thread, Method.RING_DESTROY)
    ring: Ring = zeroed()
    open_ring(addr(ring), _place())
    _note_statuses(addr(ring))
    _expect_destroyed(thread, rings)
    check_equal(_answer.load(), Status.BAD_CALL, "what a thread without a ring is told")


def _ring_of_a_thread_that_has_none() -> None:
    thread = make(0, _spin)
    status, _ = invoke(thread, Method.RING_DESTROY)
    expect(status, Status.WOULD_BLOCK, "the ring of a thread that has none")
    status, weak = invoke(OWN_THREAD, Method.COPY, u64(ALL_RIGHTS) & ~u64(Right.MANAGE))
    expect(status, Status.OK, "copy")
    status, _ = invoke(weak, Method.RING_DESTROY)
    expect(status, Status.NO_RIGHT, "without the right")
    expect(close(weak), Status.OK, "close")
    do(thread, Method.DESTROY)
    await_state(thread, ThreadState.ENDED)
    expect(close(thread), Status.OK, "close")
