"""Rings whose user writes whatever comes to mind: entries that change while they are taken, indices that cannot be.

The kernel may refuse anything, and must stay whole: the walker looks at what is left.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, u32, u64, wrap_add, wrap_mul, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.ring import COMPLETION_CAPACITY, OPERATION_NUMBERS, SLOTS, SUBMISSION_PLACES
from kernel.abi.thread import ThreadState
from userspace.guest_tests.messages import come_to_rest, count_objects
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, ring_cancel, ring_enter, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(3)
_ENTRIES = const(100_000)
_ENTRIES_FULL = const(1_000_000)
_PLACE = const(0x2000_0000)
_RING_BYTES = const(8192)
_NAMES = const(4)                       # values that user_data takes, so that everything can be cancelled
_SOON_NS = const(20_000)
_FAR = const(1 << 62)
_WORDS = const(8)                       # of an entry

_ring: Ring = zeroed()
_handles: array[u64, 4] = zeroed()
_entries: u64 = 0
_finished: atomic[u64] = 0
_jump: u32 = 0
_is_head: bool = False
_status: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    global _entries
    plan(_CASES)
    begin("entries_rewritten")
    _entries = rounds(_ENTRIES, _ENTRIES_FULL)
    _ = monotonic_ns()
    come_to_rest()
    before = count_objects()
    notification = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _handles[0] = ask(notification, Method.COPY, Right.SIGNAL | Right.WAIT | Right.INSPECT)
    _handles[1] = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_CHANNEL, 20)
    _handles[2] = ask(_handles[1], Method.COPY, Right.SEND)
    victim = make(0, _submit_all)
    writer = make(1, _rewrite)
    do(victim, Method.THREAD_CREATE_RING, _PLACE, COMPLETION_CAPACITY)
    do(victim, Method.THREAD_START)
    do(writer, Method.THREAD_START)
    while _finished.load() == 0:
        yield_now()
    finish(writer)
    await_state(victim, ThreadState.ENDED)
    check_equal(ask(victim, Method.THREAD_EXIT_STATUS), 0, "status of the thread that submitted")
    check_equal(u64(close(victim)), Status.OK, "close")
    begin("nothing_is_left")
    for index in range(u64(3)):
        _ = close(_handles[index])
    check_equal(u64(close(notification)), Status.OK, "close")
    come_to_rest()
    check_equal(count_objects(), before, "objects")
    begin("indices_jumped")
    for bit in range(u32(32)):
        for step in range(u32(3)):
            _try_jump(wrap_add(u32(1) << bit, step), False)
            _try_jump(wrap_add(u32(1) << bit, step), True)
    _try_jump(0xFFFF_FFFF, False)
    _try_jump(0xFFFF_FFFF, True)
    come_to_rest()
    end()


def _submit_all(index: u64) -> None:
    """Hands over whatever stands in the queue, until so many entries were taken."""
    open_ring(addr(_ring), _PLACE)
    left = _entries
    tail: u32 = 0
    while left != 0:
        head = _ring.kernel_page.submission_head.value.load("acquire")
        tail = wrap_add(head, SUBMISSION_PLACES)
        _ring.user_page.submission_tail.value.store(tail, "release")
        status, taken = ring_enter(SUBMISSION_PLACES, 0, 0)
        _ring.user_page.completion_head.value.store(_ring.kernel_page.completion_tail.value.load(), "release")
        left -= min(left, taken)
        if status == Status.BROKEN:
            exit_thread(1)
        if taken < 8:
            for slot in range(u64(SLOTS)):
                for name in range(u64(_NAMES)):
                    _ = ring_cancel(slot, name)
            _ring.user_page.completion_head.value.store(_ring.kernel_page.completion_tail.value.load(), "release")
    _finished.store(1)
    exit_thread(0)


def _rewrite(index: u64) -> None:
    """Writes entries anew, word by word, while they are taken."""
    while _ring.places == 0:
        yield_now()
    random: u64 = 77
    words = ptr[u64](u64(_ring.submissions))
    while True:
        random = _next(random)
        place = random >> 32 & (SUBMISSION_PLACES - 1)
        words[place * _WORDS + (random >> 40) % _WORDS] = _word((random >> 40) % _WORDS, _next(random))


def _word(which: u64, random: u64) -> u64:
    """Something for this word of an entry that is not always refused."""
    match which:
        case 0:
            operation = random % (OPERATION_NUMBERS + 1)
            length = random >> 40 & 0x3333_00FF if random >> 30 & 1 != 0 else random >> 32
            return operation | (random >> 8 & 7) << 8 | (random >> 16) % (SLOTS + 2) << 16 | length << 32
        case 1:
            return random % _NAMES
        case 2:
            return random if random & 15 == 0 else _handles[random >> 8 & 3]
        case 7:
            return monotonic_ns() + random % _SOON_NS if random >> 60 < 14 else random >> 63 << 62
        case _:
            return random >> 50 if random & 1 != 0 else random


def _try_jump(jump: u32, is_head: bool) -> None:
    """A ring with an index that far from where it was: broken unless it can be."""
    global _jump, _is_head
    _jump = jump
    _is_head = is_head
    thread = make(0, _jump_once)
    do(thread, Method.THREAD_CREATE_RING, _PLACE + 0x10_0000, COMPLETION_CAPACITY)
    do(thread, Method.THREAD_START)
    await_state(thread, ThreadState.ENDED)
    can_be = not is_head and jump <= SUBMISSION_PLACES
    check_numbered(_status.load(), Status.OK if can_be else u64(Status.BROKEN), "enter after a jump of", u64(jump))
    check_equal(u64(close(thread)), Status.OK, "close")
    do(OWN_PROCESS, Method.PROCESS_UNMAP, _PLACE + 0x10_0000, _RING_BYTES)


def _jump_once(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _PLACE + 0x10_0000)
    if _is_head:
        ring.user_page.completion_head.value.store(_jump, "release")
    else:
        ring.user_page.submission_tail.value.store(_jump, "release")
    status, _ = ring_enter(1, 0, 0)
    _status.store(u64(status))
    exit_thread(0)


def _next(word: u64) -> u64:
    word ^= word >> 12
    word ^= word << 25
    word ^= word >> 27
    return wrap_mul(word, 0x2545_F491_4F6C_DD1D)
