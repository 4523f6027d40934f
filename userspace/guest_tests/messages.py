"""What tests of messages share: the main thread's ring, on which it plays both sides, a channel, and other threads.

A message of this test has four words that count up from the first.
"""
from compiler.prelude import addr, array, atomic, const, copy, u8, u16, u32, u64, zeroed
from kernel.abi.bootinfo import INSPECT, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, Operation, Submission
from userspace.guest_tests.report import check, check_equal
from userspace.guest_tests.threads import ask, do, expect
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.ring import Ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

CEILING = const(40)
STOP = const(0xFFFF)                    # a first word that ends a server
BADGE = const(77)                       # of `client`
FIRST_USER_DATA = const(100)            # of slot 0
CANCEL_USER_DATA = const(99)
_RINGS = const(0x2000_0000)             # where rings are mapped, _RING_STRIDE apart
_RING_STRIDE = const(0x10000)

ring: Ring = zeroed()                   # the main thread's
channel: u64 = 0
client: u64 = 0                         # to send to it, with a badge, under `lease`
lease: u64 = 0
place: array[u64, 4] = zeroed()         # of the rings of other threads
noted: array[atomic[u64], 4] = zeroed()
_places: u64 = 0


def new_channel(ceiling: u64 = CEILING) -> None:
    """A channel, and a capability to call it with a badge, under a lease."""
    global channel, client, lease
    channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, ceiling)
    lease = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
    status, client = invoke(channel, Method.MINT, Right.SEND | Right.COPY | Right.MOVE, BADGE, lease)
    expect(status, Status.OK, "mint")


def drop_channel() -> None:
    _ = close(client)
    _ = close(channel)
    expect(close(lease), Status.OK, "close")


def drop_client() -> None:
    expect(close(client), Status.OK, "close")
    expect(close(lease), Status.OK, "close")


def submit(
    operation: u64, slot: u64, handle: u64, word0: u64 = 0, flags: u64 = 0, length: u64 = 0, deadline_ns: u64 = 0
) -> None:
    entry = Submission(
        operation=u8(operation), slot=u16(slot), flags=u8(flags), length=u32(length), user_data=FIRST_USER_DATA + slot,
        capability=handle, word0=word0, word1=word0 + 1, word2=word0 + 2, word3=word0 + 3, deadline_ns=deadline_ns,
    )
    check(ring.submit(addr(entry)), "submission")
    check_equal(u64(ring.enter(1, 0)), Status.OK, "enter")


def expect_completion(slot: u64, status: u64, flags: u64 = 0) -> Completion:
    """The next completion is of this slot, with this status and these flags."""
    found: Completion = zeroed()
    if not ring.take(addr(found)):
        _ = ring.enter(0, 1)
        check(ring.next_completion(addr(found)), "a completion is there")
    check_equal(found.user_data, FIRST_USER_DATA + slot, "completion of slot")
    check_equal(u64(found.status), status, "status")
    check_equal(u64(found.flags), flags, "flags")
    return copy(found)


def expect_message(slot: u64, word0: u64, flags: u64 = 0) -> u64:
    """Returns its token."""
    found = expect_completion(slot, Status.OK, flags)
    check_equal(found.word0, word0, "first word")
    check_equal(found.word1, word0 + 1, "second word")
    check_equal(found.word2, word0 + 2, "third word")
    check_equal(found.word3, word0 + 3, "fourth word")
    return found.reply


def expect_none() -> None:
    found: Completion = zeroed()
    check(not ring.take(addr(found)), "no completion is there")


def cancel(slot: u64) -> None:
    entry = Submission(operation=Operation.CANCEL, user_data=CANCEL_USER_DATA, word0=slot, word1=FIRST_USER_DATA + slot)
    check(ring.submit(addr(entry)), "submission")
    check_equal(u64(ring.enter(1, 0)), Status.OK, "enter")


def expect_cancel(status: u64) -> None:
    found: Completion = zeroed()
    check(ring.take(addr(found)), "the cancel has completed")
    check_equal(found.user_data, CANCEL_USER_DATA, "completion of the cancel")
    check_equal(u64(found.status), status, "status of the cancel")


def receive_one() -> u64:
    """Receives the call of slot 1 in slot 2. Returns its token."""
    submit(Operation.RECEIVE, 2, channel, 1)
    return expect_completion(2, Status.OK).reply


def new_ring(index: u64, thread: u64, capacity: u64) -> None:
    global _places
    _places += 1
    place[index] = _RINGS + _places * _RING_STRIDE
    do(thread, Method.THREAD_CREATE_RING, place[index], capacity)


def come_to_rest() -> None:
    """Waits for the end of what has been given up, and lets the walker look at the rest."""
    status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    while status == Status.BUSY:
        yield_now()
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    check_equal(faults, 0, "faults that the walker found")


def count_objects() -> u64:
    """All but Memory: the pages of a ring stay mapped."""
    total: u64 = 0
    for kind in range(u64(OBJECT_KINDS)):
        if kind != ObjectKind.MEMORY:
            total += ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
    return total


def call_once(index: u64) -> None:
    message = Message(word0=60, word1=61, word2=62, word3=63)
    status = call(client, addr(message), index & 3)
    noted[0].store(u64(status))
    noted[1].store(message.word0)
    noted[2].store(message.word3)
    exit_thread(0)


def serve(index: u64) -> None:
    """Answers with all words one higher."""
    message = Message()
    while True:
        status, _ = reply_receive(channel, addr(message))
        if status != Status.OK or message.word0 == STOP:
            break
        message.word0 += 1
        message.word1 += 1
        message.word2 += 1
        message.word3 += 1
    noted[3].store(u64(status))
    _, _ = reply_receive(0, addr(message))
    exit_thread(0)
