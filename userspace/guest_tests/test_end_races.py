"""An operation's result, its cancel and its deadline meet on several CPUs: one final completion, in order, and true.

One pair of threads races signals against watches, one answers with bytes against calls. After the final completion of a
call its pieces of the message buffer are filled with a pattern, which nothing may change until they are used again.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, struct, u16, u32, u64, wrap_mul, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.ring import (
    MESSAGE_BYTES,
    SLOTS,
    Completion,
    CompletionFlags,
    Operation,
    Submission,
    SubmissionFlags,
)
from kernel.abi.thread import ThreadState
from userspace.guest_tests.messages import come_to_rest
from userspace.guest_tests.report import begin, check, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_cancel, ring_enter, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(3)
_ROUNDS = const(4_000)                  # of each pair
_ROUNDS_FULL = const(50_000)
_PLACE = const(0x2000_0000)
_STRIDE = const(0x10_0000)
_BUFFERS = const(0x3000_0000)
_BUFFER_BYTES = const(2 * SLOTS * MESSAGE_BYTES)
_CAPACITY = const(31)
_SLOT = const(4)
_CANCEL_NAME = const(9)
_SPREAD_NS = const(20_000)
_FAR = const(1 << 62)
_PATIENT = const(64)                    # one of so many rounds lets the result come first: where CPUs of the host are
#                                         scarce it never does by itself
_PATTERN = const(0x5A5A_5A5A_5A5A_5A5A)
_ANSWER = const(0x1111_1111_1111_1111)
_PIECE_WORDS = const(MESSAGE_BYTES // 8)


@struct
class Tally:
    results: u64
    cancels: u64
    timeouts: u64
    problem: u64


_rounds: u64 = 0
_notification: u64 = 0
_channel: u64 = 0
_round: atomic[u64] = 0                 # of the watch that waits for a signal
_tallies: array[Tally, 4] = zeroed()
_signals: atomic[u64] = 0
_may_end: atomic[u64] = 0
_finished: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    global _rounds, _notification, _channel
    plan(_CASES)
    begin("signal_cancel_deadline")
    _ = monotonic_ns()                  # finds the time page, before several threads look for it
    _rounds = rounds(_ROUNDS, _ROUNDS_FULL)
    _notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _channel = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 32)
    threads: array[u64, 4] = zeroed()
    threads[0] = make(0, _watch)
    threads[1] = make(1, _signal)
    threads[2] = make(2, _call)
    threads[3] = make(3, _answer)
    for index in range(u64(4)):
        do(threads[index], Method.THREAD_CREATE_RING, _PLACE + index * _STRIDE, _CAPACITY)
        _ = invoke(threads[index], Method.THREAD_SET_AFFINITY, 0, u64(1) << index)
        do(threads[index], Method.THREAD_START)
    while _finished.load() != 3:
        yield_now()
    _judge(0)
    begin("answer_cancel_deadline")
    _judge(2)
    finish(threads[3])
    begin("nothing_is_left")
    for index in range(u64(3)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(u64(close(threads[index])), Status.OK, "close", index)
    come_to_rest()
    end()


def _judge(index: u64) -> None:
    tally = addr(_tallies[index])
    check_numbered(tally.problem, 0, "problem", index)
    check_numbered(tally.results + tally.cancels + tally.timeouts, _rounds, "final completions", index)
    check(tally.results != 0 and tally.cancels + tally.timeouts != 0, "more than one way to end")


def _watch(index: u64) -> None:
    """A round ends with one completion; bits that it did not bring are still in the notification."""
    tally = addr(_tallies[index])
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + index * _STRIDE)
    random: u64 = 12345
    for turn in range(_rounds):
        random = _next(random)
        is_patient = turn % _PATIENT == 0
        entry = Submission(
            operation=Operation.WATCH, slot=_SLOT, user_data=turn, capability=_notification, word0=1,
            deadline_ns=u64(_FAR) if is_patient else monotonic_ns() + random % _SPREAD_NS,
        )
        _ = ring.submit(addr(entry))
        _, _ = ring_enter(1, 0, 0)
        _round.store(turn + 1)
        while is_patient and ring.unread() == 0:
            yield_now()
        found = _end(addr(ring), turn, random >> 20, tally)
        bits = found & 0xFFFF
        while _signals.load() != turn + 1 and tally.problem == 0:
            yield_now()
        _, left = invoke(_notification, Method.NOTIFICATION_TAKE)
        if bits + left != 1:
            tally.problem = 10          # the signal was lost, or came twice
        if tally.problem != 0:
            break
    _may_end.store(1)
    _ = _finished.fetch_add(1)
    exit_thread(0)


def _signal(index: u64) -> None:
    """Once for each round, at some moment."""
    random: u64 = 999
    for turn in range(_rounds):
        while _round.load() <= turn and _may_end.load() == 0:
            yield_now()
        random = _next(random)
        _pass_time(random)
        _, _ = invoke(_notification, Method.NOTIFICATION_SIGNAL, 1)
        _ = _signals.fetch_add(1)
    _ = _finished.fetch_add(1)
    exit_thread(0)


def _end(ring: ptr[Ring], name: u64, random: u64, tally: ptr[Tally]) -> u64:
    """Ends the operation of a round by a cancel at some moment, and takes its completion. Returns the first word of a
    result, the index of its completion above 16 bits, or 0."""
    _pass_time(random)
    if random & 0x200 != 0:
        yield_now()                     # where there is one CPU only, the other side has its turn
    found: Completion = zeroed()
    if random & 0x100 != 0:
        status = ring_cancel(_SLOT, name)
        if not ring.take(addr(found)):
            tally.problem = 1           # the cancel has returned, and the completion is not there
            return 0
        if status == Status.OK and found.status == Status.OK:
            tally.problem = 2           # a result that is called cancelled, or the other way round
    else:
        entry = Submission(operation=Operation.CANCEL, user_data=_CANCEL_NAME | 1 << 40, word0=_SLOT, word1=name)
        _ = ring.submit(addr(entry))
        _, _ = ring_enter(1, 0, 0)
        if not ring.take(addr(found)) or found.user_data != name:
            tally.problem = 3           # the cancel's completion comes after its target's
            return 0
        last: Completion = zeroed()
        if not ring.take(addr(last)) or last.user_data != _CANCEL_NAME | 1 << 40:
            tally.problem = 4
    extra: Completion = zeroed()
    if found.user_data != name or ring.take(addr(extra)):
        tally.problem = 5               # doubled, or another's
    match u64(found.status):
        case Status.OK:
            tally.results += 1
            return found.word0 & 0xFFFF | u64(found.sequence) << 16 | u64(found.length) << 32
        case Status.CANCELLED:
            tally.cancels += 1
        case Status.TIMEOUT:
            tally.timeouts += 1
        case _:
            tally.problem = 6
    return 0


def _map_buffer(ring: ptr[Ring], index: u64) -> u64:
    memory = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, _BUFFER_BYTES)
    place = _BUFFERS + index * _STRIDE
    _, _ = invoke(memory, Method.MEMORY_MAP, OWN_PROCESS, place | READ | WRITE, 0, _BUFFER_BYTES)
    entry = Submission(operation=Operation.SET_BUFFER, slot=1, user_data=1, capability=memory)
    _ = ring.submit(addr(entry))
    _, _ = ring_enter(1, 1, 0)
    found: Completion = zeroed()
    _ = ring.take(addr(found))
    return place


def _call(index: u64) -> None:
    tally = addr(_tallies[index])
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + index * _STRIDE)
    place = _map_buffer(addr(ring), index)
    random: u64 = 4711
    for piece in range(u64(2 * SLOTS)):
        _fill(place, piece, _PATTERN)
    for turn in range(_rounds):
        random = _next(random)
        _fill(place, _SLOT, turn)
        is_patient = turn % _PATIENT == 0
        entry = Submission(
            operation=Operation.CALL, slot=_SLOT, user_data=turn, capability=_channel, length=MESSAGE_BYTES,
            deadline_ns=u64(_FAR) if is_patient else monotonic_ns() + random % (4 * _SPREAD_NS),
        )
        _ = ring.submit(addr(entry))
        _, _ = ring_enter(1, 0, 0)
        while is_patient and ring.unread() == 0:
            yield_now()
        found = _end(addr(ring), turn, random >> 20, tally)
        if found != 0:
            piece = SLOTS + (found >> 16) % SLOTS
            if found >> 32 != MESSAGE_BYTES or not _is_full_of(place, piece, _ANSWER):
                tally.problem = 11
            _fill(place, piece, _PATTERN)
        _fill(place, _SLOT, _PATTERN)
        if turn % 8 == 0 and not _is_untouched(place):
            tally.problem = 12          # written to after the final completion
        if tally.problem != 0:
            break
    _ = _finished.fetch_add(1)
    exit_thread(0)


def _answer(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + index * _STRIDE)
    place = _map_buffer(addr(ring), index)
    for slot in range(u64(SLOTS)):
        _fill(place, slot, _ANSWER)
    entry = Submission(operation=Operation.RECEIVE, slot=1, user_data=1, capability=_channel)
    _ = ring.submit(addr(entry))
    entries: u64 = 1
    found: Completion = zeroed()
    while True:
        _, taken = ring_enter(entries, 1, 0)
        entries -= taken
        while ring.take(addr(found)):
            if u64(found.flags) & CompletionFlags.MORE != 0:
                answer = Submission(
                    operation=Operation.REPLY, flags=SubmissionFlags.SILENT, slot=u16(2 + found.sequence % 16),
                    user_data=2, capability=found.reply, length=u32(MESSAGE_BYTES), word0=7,
                )
                _ = ring.submit(addr(answer))
                entries += 1


def _fill(place: u64, piece: u64, pattern: u64) -> None:
    words = ptr[u64](place + piece * MESSAGE_BYTES)
    for word in range(u64(_PIECE_WORDS)):
        words[word] = pattern


def _is_full_of(place: u64, piece: u64, pattern: u64) -> bool:
    words = ptr[u64](place + piece * MESSAGE_BYTES)
    for word in range(u64(_PIECE_WORDS)):
        if words[word] != pattern:
            return False
    return True


def _is_untouched(place: u64) -> bool:
    for piece in range(u64(2 * SLOTS)):
        if not _is_full_of(place, piece, _PATTERN):
            return False
    return True


def _pass_time(random: u64) -> None:
    until = monotonic_ns() + random % _SPREAD_NS
    while monotonic_ns() < until:
        pass


def _next(word: u64) -> u64:
    word ^= word >> 12
    word ^= word << 25
    word ^= word >> 27
    return wrap_mul(word, 0x2545_F491_4F6C_DD1D)
