"""Operations of all kinds mixed, on rings of two places, from four threads: nothing lost, nothing doubled.

Each thread notes which of its slots are in use and what their completion must be named. A ring that is full is emptied
by cancelling, since its neighbours may be as full.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, struct, u16, u32, u64, wrap_mul, zeroed
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, CompletionFlags, Operation, Submission
from kernel.abi.thread import ThreadState
from userspace.guest_tests.messages import come_to_rest
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_cancel, ring_enter, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(2)
_THREADS = const(4)
_CAPACITY = const(2)
_SLOTS = const(8)
_OPERATIONS = const(20_000)             # of each thread
_OPERATIONS_FULL = const(250_000)
_PLACE = const(0x2000_0000)
_STRIDE = const(0x10_0000)
_KINDS = const(13)
_FAR = const(1 << 62)
_SOON_NS = const(60_000)
_COPY_BYTES = const(0x4_0000)           # of each of two Memories; a third of it at the most is copied
_CALL_NS = const(400_000)


@struct
class Player:
    ring: Ring
    random: u64
    next_user_data: u64
    expected: array[u64, _SLOTS]        # user_data of the operation in the slot; 0: free
    token: u64                          # of a call that it has to answer
    submitted: u64
    completed: u64
    problem: u64                        # number of the first thing that was wrong


_players: array[Player, _THREADS] = zeroed()
_channels: array[u64, _THREADS] = zeroed()
_notifications: array[u64, _THREADS] = zeroed()
_memories: array[u64, 2] = zeroed()
_operations: u64 = 0
_finished: atomic[u64] = 0
_may_end: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    global _operations
    plan(_CASES)
    begin("mixed_operations")
    _operations = rounds(_OPERATIONS, _OPERATIONS_FULL)
    _ = monotonic_ns()                  # finds the time page, before several threads look for it
    threads: array[u64, _THREADS] = zeroed()
    for index in range(u64(_THREADS)):
        _channels[index] = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 32)
        _notifications[index] = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    for index in range(u64(2)):
        _memories[index] = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, _COPY_BYTES)
    for index in range(u64(_THREADS)):
        threads[index] = make(index, _play)
        do(threads[index], Method.THREAD_CREATE_RING, _PLACE + index * _STRIDE, _CAPACITY)
        _pin(threads[index], index)
        do(threads[index], Method.THREAD_START)
    while _finished.load() != _THREADS:
        yield_now()
    for index in range(u64(_THREADS)):
        player = addr(_players[index])
        check_numbered(player.problem, 0, "problem of thread", index)
        check_numbered(player.completed, player.submitted, "completions of thread", index)
    begin("rings_add_up")
    come_to_rest()
    _may_end.store(1)
    for index in range(u64(_THREADS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(u64(close(threads[index])), Status.OK, "close", index)
    come_to_rest()
    end()


def _pin(thread: u64, index: u64) -> None:
    """To a CPU of its own, as far as there are enough."""
    for cpu in range(index, u64(0xFFFF_FFFF_FFFF_FFFF)):
        status, _ = invoke(thread, Method.THREAD_SET_AFFINITY, 0, u64(1) << (cpu % _THREADS))
        if status == Status.OK:
            break


def _play(index: u64) -> None:
    player = addr(_players[index])
    open_ring(addr(player.ring), _PLACE + index * _STRIDE, _CAPACITY)
    player.random = index * 7919 + 1
    player.next_user_data = index << 32 | 1
    for _ in range(_operations):
        _step(player, index)
        if player.problem != 0:
            break
    _empty(player)
    _ = _finished.fetch_add(1)
    while _may_end.load() == 0:
        yield_now()
    exit_thread(0)


def _step(player: ptr[Player], index: u64) -> None:
    """Submits one operation, whatever has to end for it."""
    slot = _random(player) % _SLOTS
    if player.expected[slot] != 0:
        _cancel(player, slot)
    entry = Submission(slot=u16(slot), user_data=player.next_user_data)
    if not _choose(player, addr(entry), index):
        return
    player.next_user_data += 1
    player.expected[slot] = entry.user_data
    player.submitted += 1
    if not player.ring.submit(addr(entry)):
        player.problem = 1
    while True:
        status, taken = ring_enter(1, 0, 0)
        _drain(player)
        if taken == 1 or player.problem != 0:
            break
        if status != Status.STALLED:
            player.problem = 2
        _cancel(player, _random(player) % _SLOTS)


def _choose(player: ptr[Player], entry: ptr[Submission], index: u64) -> bool:
    """Returns False when there is nothing to do of the kind that was drawn."""
    other = (index + 1 + _random(player) % (_THREADS - 1)) % _THREADS
    match _random(player) % _KINDS:
        case 0:
            entry.operation = Operation.NOP
        case 1:
            entry.operation = Operation.TIMER
            entry.deadline_ns = monotonic_ns() + _random(player) % _SOON_NS
        case 2:
            entry.operation = Operation.TIMER
            entry.deadline_ns = _FAR
        case 3:
            entry.operation = Operation.SIGNAL
            entry.capability = _notifications[other]
            entry.word0 = 1 + _random(player) % 15
        case 4:
            entry.operation = Operation.WATCH
            entry.capability = _notifications[index]
            entry.word0 = 1 + _random(player) % 15
        case 5:
            entry.operation = Operation.WATCH
            entry.capability = _notifications[index]
            entry.word0 = 3
            entry.deadline_ns = monotonic_ns() + _random(player) % _SOON_NS
        case 6:
            entry.operation = Operation.INVOKE
            entry.length = u32(Method.NOTIFICATION_PEEK)
            entry.capability = _notifications[other]
        case 7:
            entry.operation = Operation.SEND
            entry.capability = _channels[other]
        case 8:
            entry.operation = Operation.CALL
            entry.capability = _channels[other]
            entry.deadline_ns = monotonic_ns() + _random(player) % _CALL_NS
        case 9 | 10:
            entry.operation = Operation.RECEIVE
            entry.capability = _channels[index]
            entry.word0 = 1
        case 11:
            _choose_copy(player, entry)
        case _:
            if player.token == 0:
                return False
            entry.operation = Operation.REPLY
            entry.capability = player.token
            player.token = 0
    return True


def _choose_copy(player: ptr[Player], entry: ptr[Submission]) -> None:
    """At once, in slices, or refused."""
    entry.operation = Operation.COPY
    entry.capability = _memories[_random(player) & 1]
    entry.word3 = _memories[_random(player) & 1]
    entry.word0 = _random(player) % (_COPY_BYTES // 3)
    entry.word1 = _COPY_BYTES // 2 + _random(player) % (_COPY_BYTES // 8)
    entry.word2 = _random(player) % (_COPY_BYTES // 3)


def _cancel(player: ptr[Player], slot: u64) -> None:
    """Ends what is in a slot, if the kernel has it: its completion is there afterwards."""
    name = player.expected[slot]
    if name == 0:
        return
    status = ring_cancel(slot, name)
    _drain(player)
    if status != Status.NO_SUCH and player.expected[slot] != 0:
        player.problem = 3              # still in flight, or its completion is lost


def _drain(player: ptr[Player]) -> None:
    found: Completion = zeroed()
    while player.ring.take(addr(found)):
        is_known = False
        for slot in range(u64(_SLOTS)):
            if player.expected[slot] == found.user_data:
                is_known = True
                player.expected[slot] = 0
        player.completed += 1
        if not is_known or u64(found.flags) & CompletionFlags.MORE != 0 or found.status == Status.BUSY:
            player.problem = 4
        if found.reply != 0:
            player.token = found.reply


def _empty(player: ptr[Player]) -> None:
    for slot in range(u64(_SLOTS)):
        _cancel(player, slot)
        if player.expected[slot] != 0 and player.problem == 0:
            player.problem = 5


def _random(player: ptr[Player]) -> u64:
    """Of a generator with 64 bits of state (xorshift and a multiplication)."""
    word = player.random
    word ^= word >> 12
    word ^= word << 25
    word ^= word >> 27
    player.random = word
    return wrap_mul(word, 0x2545_F491_4F6C_DD1D) >> 33
