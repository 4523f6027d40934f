"""Invocations that follow in a chain: each is carried out by its ring's own thread, whoever ends what was before it.

THREAD_SET_BASES tells: a thread can set its own bases while it runs, and nobody else can.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, u8, u16, u32, u64, zeroed
from kernel.abi.bootinfo import OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import MAX_CHAIN, Completion, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadRegisters, ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.messages import FIRST_USER_DATA, come_to_rest, drop_channel, new_channel, new_ring
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, ring_enter, yield_now

_CASES = const(12)
_LINK = const(SubmissionFlags.LINK)
_SILENT = const(SubmissionFlags.SILENT)
_SOON_NS = const(1_000_000)             # until a timer's deadline
_STORM = const(2_000)
_STORM_FULL = const(100_000)

_other: Ring = zeroed()                 # the ring of the other thread
_thread: u64 = 0                        # that thread
_step: atomic[u64] = 0                  # how far it has come
_registers: ThreadRegisters = zeroed()


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("after_a_timer")
    _after_a_timer()
    begin("in_one_chain")
    _in_one_chain()
    begin("cancelled")
    _cancelled()
    begin("silent_ends_a_wait")
    _silent_ends_a_wait()
    begin("deadline")
    _deadline()
    begin("receiver_hears")
    _receiver_hears()
    begin("after_an_answer")
    _after_an_answer()
    begin("suspended")
    _suspended(False)
    begin("sent_elsewhere")
    _suspended(True)
    begin("ring_destroyed")
    _ring_destroyed()
    begin("killed")
    _killed()
    begin("storm")
    _storm()
    end()


def _put(
    ring: ptr[Ring], operation: u64, slot: u64, flags: u64, handle: u64, word0: u64 = 0, word1: u64 = 0,
    length: u64 = 0, deadline_ns: u64 = 0,
) -> None:
    entry = Submission(
        operation=u8(operation), slot=u16(slot), flags=u8(flags), length=u32(length), user_data=FIRST_USER_DATA + slot,
        capability=handle, word0=word0, word1=word1, deadline_ns=deadline_ns,
    )
    _ = ring.submit(addr(entry))


def _put_bases(ring: ptr[Ring], slot: u64, flags: u64, thread: u64, base: u64, deadline_ns: u64 = 0) -> None:
    """Sets the bases of a thread, which must be the one that carries it out."""
    _put(ring, Operation.INVOKE, slot, flags, thread, 0, base, Method.THREAD_SET_BASES, deadline_ns)


def _expect(slot: u64, status: u64) -> u64:
    """The main thread's next completion. Returns its first word."""
    found: Completion = zeroed()
    check(messages.ring.next_completion(addr(found)), "a completion is there")
    check_equal(found.user_data, FIRST_USER_DATA + slot, "completion of slot")
    check_equal(u64(found.status), status, "status")
    return found.word0


def _expect_other(slot: u64, status: u64) -> None:
    """The other thread's next completion, soon."""
    found: Completion = zeroed()
    while not _other.next_completion(addr(found)):
        yield_now()
    check_equal(found.user_data, FIRST_USER_DATA + slot, "completion of slot")
    check_equal(u64(found.status), status, "status")


def _await_step(step: u64) -> None:
    while _step.load("acquire") != step:
        yield_now()


def _now() -> u64:
    """Asks a timer that is due."""
    _put(addr(messages.ring), Operation.TIMER, 9, 0, 0, deadline_ns=1)
    check_equal(u64(messages.ring.enter(1, 1)), Status.OK, "enter")
    return _expect(9, Status.OK)


def _begin(function: u64) -> None:
    """Starts the other thread, with a ring and a channel."""
    global _thread
    _step.store(0)
    new_channel(0)
    _thread = make(0, _run, function)
    new_ring(0, _thread, 31)
    open_ring(addr(_other), messages.place[0])
    do(_thread, Method.THREAD_START)


def _end() -> None:
    message = Message()
    _, _ = reply_receive(0, addr(message))          # what is still owed
    finish(_thread)
    drop_channel()
    come_to_rest()


def _after_a_timer() -> None:
    """Whether the thread waits for as much as there will be, or less, or not at all."""
    ring = addr(messages.ring)
    for completions in range(u64(4)):
        _put(ring, Operation.TIMER, 0, _LINK, 0, deadline_ns=_now() + _SOON_NS)
        _put_bases(ring, 1, _LINK, OWN_THREAD, 0x1000)
        _put(ring, Operation.NOP, 2, 0, 0)
        status, taken = ring_enter(3, completions, 0)
        expect(status, Status.OK, "enter")
        check_equal(taken, 3, "taken")
        check_equal(u64(messages.ring.enter(0, 3)), Status.OK, "enter")
        _ = _expect(0, Status.OK)
        _ = _expect(1, Status.OK)
        _ = _expect(2, Status.OK)
    do(OWN_THREAD, Method.THREAD_SET_BASES, 0, 0)


def _in_one_chain() -> None:
    ring = addr(messages.ring)
    for turn in range(u64(100)):
        for slot in range(u64(MAX_CHAIN)):
            last = slot + 1 == MAX_CHAIN
            _put(ring, Operation.INVOKE, slot, 0 if last else _LINK, OWN_THREAD, length=Method.THREAD_STATE)
        _put(ring, Operation.NOP, 8, 0, 0)
        check_equal(u64(messages.ring.enter(9, turn % 10)), Status.OK, "enter")
        check_equal(u64(messages.ring.unread()), 9, "completions")
        _ = _expect(0, Status.OK)
        _ = _expect(8, Status.OK)
        for slot in range(u64(1), u64(MAX_CHAIN)):
            _ = _expect(slot, Status.OK)


def _cancelled() -> None:
    """It is due, and its thread has not come to it yet."""
    ring = addr(messages.ring)
    _put(ring, Operation.TIMER, 0, _LINK, 0, deadline_ns=1)
    _put_bases(ring, 1, _LINK, OWN_THREAD, 0x1000)
    _put(ring, Operation.NOP, 2, 0, 0)
    _put(ring, Operation.CANCEL, 3, 0, 0, 1, FIRST_USER_DATA + 1)
    check_equal(u64(messages.ring.enter(4, 4)), Status.OK, "enter")
    _ = _expect(0, Status.OK)
    _ = _expect(1, Status.CANCELLED)
    _ = _expect(2, Status.CANCELLED)
    _ = _expect(3, Status.OK)


def _silent_ends_a_wait() -> None:
    """Nobody waits for the completion of what ends without one."""
    ring = addr(messages.ring)
    _put(ring, Operation.TIMER, 0, _LINK, 0, deadline_ns=_now() + _SOON_NS)
    _put_bases(ring, 1, _SILENT, OWN_THREAD, 0)
    check_equal(u64(messages.ring.enter(2, 2)), Status.OK, "enter")
    _ = _expect(0, Status.OK)
    check_equal(u64(messages.ring.unread()), 0, "more completions")


def _run(function: u64) -> None:
    """The other thread: what it does, and that it comes back from its wait."""
    match function:
        case 0:
            _call_meanwhile()
        case 1:
            _receive_meanwhile()
        case 2:
            _watch_meanwhile()
        case _:
            _wait_meanwhile()
    exit_thread(0)


def _call_meanwhile() -> None:
    """Waits for the answer to a call in registers while an invocation is due."""
    message = Message(word0=1)
    _ = call(messages.client, addr(message))
    _put(addr(_other), Operation.TIMER, 0, _LINK, 0, deadline_ns=1)
    _put_bases(addr(_other), 1, _LINK, _thread, 0x1000)
    _put(addr(_other), Operation.NOP, 2, 0, 0)
    _put(addr(_other), Operation.SEND, 3, _LINK | _SILENT, messages.client)
    _put_bases(addr(_other), 4, _LINK, _thread, 0x1000, message.word0)
    _put(addr(_other), Operation.NOP, 5, 0, 0)
    _ = _other.enter(6, 0)
    _ = call(messages.client, addr(message))
    _step.store(1, "release")
    while True:
        yield_now()


def _receive_from_other(word0: u64) -> None:
    """Answers what was received, with this first word, and waits for the next call or message."""
    message = Message(word0=word0)
    status, _ = reply_receive(messages.channel, addr(message))
    expect(status, Status.OK, "receive")


def _come_due_in_call(deadline_ns: u64) -> None:
    """The other thread waits for the answer to its second call, and the second chain has come to its invocation."""
    _receive_from_other(0)
    message = Message(word0=deadline_ns)
    _, _ = reply_receive(0, addr(message))
    await_state(_thread, ThreadState.WAITING)
    _receive_from_other(0)
    _receive_from_other(0)


def _deadline() -> None:
    """It ends an invocation that is due, while its thread is in a call."""
    _begin(0)
    _come_due_in_call(_now() + _SOON_NS)
    _expect_other(0, Status.OK)
    _expect_other(1, Status.OK)
    _expect_other(2, Status.OK)
    _expect_other(4, Status.TIMEOUT)
    _expect_other(5, Status.CANCELLED)
    message = Message()
    _, _ = reply_receive(0, addr(message))
    _await_step(1)
    _end()


def _receive_meanwhile() -> None:
    """Waits for a call while an invocation comes due."""
    message = Message()
    _put(addr(_other), Operation.SEND, 0, _LINK | _SILENT, messages.client)
    _put_bases(addr(_other), 1, 0, _thread, 0x1000)
    _ = _other.enter(2, 0)
    status, _ = reply_receive(messages.noted[0].load(), addr(message))
    messages.noted[3].store(u64(status))
    _step.store(1, "release")
    while True:
        yield_now()


def _receiver_hears() -> None:
    messages.noted[0].store(ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 0))
    _begin(1)
    await_state(_thread, ThreadState.WAITING)
    _receive_from_other(0)
    _await_step(1)
    check_equal(messages.noted[3].load(), Status.EVENTS, "status of the receive")
    _expect_other(1, Status.OK)
    _end()
    expect(close(messages.noted[0].load()), Status.OK, "close")


def _call_and_set(turn: u64) -> None:
    _put(addr(_other), Operation.CALL, 0, _LINK, messages.client, turn)
    _put_bases(addr(_other), 1, _LINK, _thread, 0x1000 * (turn % 16))
    _put(addr(_other), Operation.NOP, 2, 0, 0)


def _watch_meanwhile() -> None:
    """Looks at its ring from user mode, without a system call."""
    _call_and_set(0)
    _ = _other.enter(3, 0)
    while _other.unread() != 3:
        pass
    _step.store(1, "release")
    while True:
        yield_now()


def _after_an_answer() -> None:
    """Another thread's system call ends the call."""
    _begin(2)
    _receive_from_other(0)
    message = Message()
    _, _ = reply_receive(0, addr(message))
    _await_step(1)
    _expect_other(0, Status.OK)
    _expect_other(1, Status.OK)
    _expect_other(2, Status.OK)
    _end()


def _wait_meanwhile() -> None:
    """Waits for its ring all the time, once."""
    _call_and_set(0)
    status, taken = ring_enter(3, 3, 0)
    messages.noted[2].store(taken)
    messages.noted[3].store(u64(status))
    _step.store(1, "release")
    while True:
        yield_now()


def _stop_in_wait() -> None:
    """The other thread is suspended where its invocation is due and its wait has to go on."""
    _begin(3)
    _receive_from_other(0)
    await_state(_thread, ThreadState.WAITING)
    do(_thread, Method.THREAD_SUSPEND)
    message = Message()
    _, _ = reply_receive(0, addr(message))
    await_state(_thread, ThreadState.STOPPED)
    check_equal(u64(_other.unread()), 1, "completions while it is stopped")


def _suspended(is_sent: bool) -> None:
    _stop_in_wait()
    if is_sent:
        do(_thread, Method.THREAD_READ_REGISTERS, u64(addr(_registers)))
        check_equal(_registers.rax, Status.OK, "status meanwhile")
        _registers.rip = u64(_arrive)
        do(_thread, Method.THREAD_WRITE_REGISTERS, u64(addr(_registers)))
    do(_thread, Method.THREAD_RESUME)
    _await_step(2 if is_sent else 1)
    _expect_other(0, Status.OK)
    _expect_other(1, Status.OK)
    _expect_other(2, Status.OK)
    if not is_sent:
        check_equal(messages.noted[3].load(), Status.OK, "status of the wait")
        check_equal(messages.noted[2].load(), 3, "entries taken")
    _end()


def _arrive() -> None:
    _step.store(2, "release")
    _put(addr(_other), Operation.NOP, 7, 0, 0)
    _ = _other.enter(1, 0)
    while True:
        yield_now()


def _ring_destroyed() -> None:
    _stop_in_wait()
    do(_thread, Method.RING_DESTROY)
    do(_thread, Method.THREAD_RESUME)
    _await_step(1)
    check_equal(messages.noted[3].load(), Status.DESTROYED, "status of the wait")
    _end()


def _killed() -> None:
    """Whatever the thread waits for while its invocation is due."""
    _stop_in_wait()
    _end()
    _begin(0)
    _come_due_in_call(1 << 62)
    _end()


def _storm() -> None:
    """Chains of a thread whose calls another thread answers; it waits for each number of completions in turn."""
    new_channel()
    global _thread
    _thread = OWN_THREAD
    servers: array[u64, 2] = array(make(1, messages.serve), make(2, messages.serve))
    for server in servers:
        do(server, Method.THREAD_START)
    ring = addr(messages.ring)
    for turn in range(rounds(_STORM, _STORM_FULL)):
        for chain in range(u64(2)):
            _put(ring, Operation.CALL, chain * 4, _LINK, messages.client, turn % messages.STOP)
            _put_bases(ring, chain * 4 + 1, _LINK, OWN_THREAD, 0x1000 * (turn % 16))
            _put(ring, Operation.INVOKE, chain * 4 + 2, _LINK, OWN_THREAD, length=Method.THREAD_STATE)
            _put(ring, Operation.NOP, chain * 4 + 3, 0, 0)
        check_numbered(u64(messages.ring.enter(8, turn % 9)), Status.OK, "enter", turn)
        check_numbered(u64(messages.ring.enter(0, 8)), Status.OK, "enter", turn)
        found: Completion = zeroed()
        for _ in range(u64(8)):
            check(messages.ring.next_completion(addr(found)), "a completion is there")
            check_numbered(u64(found.status), Status.OK, "status", found.user_data)
    do(OWN_THREAD, Method.THREAD_SET_BASES, 0, 0)
    for server in servers:
        finish(server)
    drop_channel()
    come_to_rest()
