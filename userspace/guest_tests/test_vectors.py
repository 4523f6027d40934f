"""Vector registers: they survive preemption and migration, and nothing of them reaches another process."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, struct, u8, u64, zeroed
from kernel.abi.bootinfo import OWN_THREAD
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, end, plan, rounds
from userspace.guest_tests.threads import STACK_BYTES, do, expect, finish, spawn, stack_of
from userspace.guest_tests.vector_registers import LARGEST_BYTES, Width, widest
from userspace.lib.syscall import close, exit_process, yield_now

_CASES = const(3)
_THREADS = const(4)
_SOME = const(250)                      # moves of each thread; the full number of moves is 10,000
_ALL = const(2_500)
_YIELDS = const(2_000)
_TURNS = const(2_000)                   # of a loop while the registers are held
_CHILDREN = const(20)
_SEED = const(0x0123_4567_89AB_CDEF)

@struct(align=LARGEST_BYTES)
class Room:
    bytes: array[u8, LARGEST_BYTES]


_rounds: array[atomic[u64], 8] = zeroed()
_wrong: atomic[u64] = 0
_width: Width = zeroed()
_rooms: array[Room, 8] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    global _width
    _width = widest()
    print(f"vectors: {_width.bits} bits")
    plan(_CASES)
    begin("preempted_and_moved")
    _preempted_and_moved()
    begin("across_yields")
    _across_yields()
    begin("nothing_leaks")
    _nothing_leaks()
    end()


def _room(index: u64) -> u64:
    return u64(addr(_rooms[index]))


def _spin(index: u64) -> None:
    while True:
        if _width.hold(_SEED >> index, _TURNS, _room(index)) != 0:
            _ = _wrong.fetch_add(1)
        _ = _rounds[index].fetch_add(1)


def _await_rounds(index: u64, count: u64) -> None:
    for _ in patience():
        if _rounds[index].load() >= count:
            return
        yield_now()
    check(False, "a thread makes no progress")


def _preempted_and_moved() -> None:
    """More threads than CPUs, moved from CPU to CPU meanwhile."""
    handles: array[u64, _THREADS] = zeroed()
    for index in range(u64(_THREADS)):
        handles[index] = spawn(index, _spin)
    for number in range(rounds(_SOME, _ALL)):
        for index in range(u64(_THREADS)):
            do(handles[index], Method.THREAD_SET_AFFINITY, 0, 1 if number & 1 == 0 else 0xFFFF_FFFF)
        if number % 8 == 0:
            _await_rounds(number // 8 % _THREADS, number)
    for index in range(u64(_THREADS)):
        finish(handles[index])
    check_equal(_wrong.load(), 0, "registers that changed")


def _across_yields() -> None:
    other = spawn(1, _spin)
    for number in range(u64(_YIELDS)):
        _width.fill(number)
        yield_now()
        difference = _width.difference(number, _room(0))
        if difference != 0:
            check_equal(difference, 0, "registers after a yield")
    finish(other)
    check_equal(_wrong.load(), 0, "registers that changed")


def _tell_leak(argument: u64) -> None:
    """The first use of vectors of a process: they must be empty."""
    exit_process(_width.difference(0, _room(2)))


def _nothing_leaks() -> None:
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    for _ in range(_CHILDREN):
        process, thread = make_child(_tell_leak, 0, stack_of(2) + STACK_BYTES)
        do(thread, Method.THREAD_SET_AFFINITY, 0, 1)
        _width.fill(_SEED)
        do(thread, Method.THREAD_START)
        _, status = await_end(process)
        check_equal(status, 0, "what a new process finds in its vector registers")
        expect(close(thread), Status.OK, "close")
        expect(close(process), Status.OK, "close")
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)
