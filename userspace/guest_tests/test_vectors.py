"""Vector registers: they survive preemption and migration, and nothing of them reaches another process."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import array, asm_x64, atomic, const, export, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_THREAD
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import PATIENCE, STACK_BYTES, do, expect, finish, spawn, stack_of
from userspace.lib.syscall import close, exit_process, yield_now

_CASES = const(3)
_THREADS = const(4)
_ROUNDS = const(200)                    # of each thread, with a yield or a forced preemption in each
_CHILDREN = const(20)
_SEED = const(0x0123_4567_89AB_CDEF)

_rounds: array[atomic[u64], 8] = zeroed()
_wrong: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("preempted_and_moved")
    _preempted_and_moved()
    begin("across_yields")
    _across_yields()
    begin("nothing_leaks")
    _nothing_leaks()
    end()


@asm_x64
def _fill(value: u64) -> None:
    """The same in every register, and the control words."""
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq xmm\\n, rdi")
    raw("punpcklqdq xmm\\n, xmm\\n")
    raw(".endr")


@asm_x64
def _difference(value: u64) -> u64:
    """0 if every register holds the value in both halves."""
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq rdx, xmm\\n")
    xor(rdx, rdi)
    or_(rax, rdx)
    raw("punpckhqdq xmm\\n, xmm\\n")
    raw("movq rdx, xmm\\n")
    xor(rdx, rdi)
    or_(rax, rdx)
    raw(".endr")


@asm_x64
def _spin_with(value: u64, turns: u64) -> u64:
    """Fills, waits in a loop without touching memory or vectors, and compares: 0 if nothing has changed."""
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq xmm\\n, rdi")
    raw("punpcklqdq xmm\\n, xmm\\n")
    raw(".endr")
    label("again")
    dec(rsi)
    jne("again")
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq rdx, xmm\\n")
    xor(rdx, rdi)
    or_(rax, rdx)
    raw("punpckhqdq xmm\\n, xmm\\n")
    raw("movq rdx, xmm\\n")
    xor(rdx, rdi)
    or_(rax, rdx)
    raw(".endr")


@asm_x64
def _or_of_all() -> u64:
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq rdx, xmm\\n")
    or_(rax, rdx)
    raw("punpckhqdq xmm\\n, xmm\\n")
    raw("movq rdx, xmm\\n")
    or_(rax, rdx)
    raw(".endr")


def _spin(index: u64) -> None:
    while True:
        if _spin_with(_SEED >> index, 100_000) != 0:
            _ = _wrong.fetch_add(1)
        _ = _rounds[index].fetch_add(1)


def _await_rounds(index: u64, count: u64) -> None:
    for _ in range(PATIENCE):
        if _rounds[index].load() >= count:
            return
        yield_now()
    check(False, "a thread makes no progress")


def _preempted_and_moved() -> None:
    """More threads than CPUs, moved from CPU to CPU meanwhile."""
    handles: array[u64, _THREADS] = zeroed()
    for index in range(u64(_THREADS)):
        handles[index] = spawn(index, _spin)
    for number in range(u64(_ROUNDS)):
        for index in range(u64(_THREADS)):
            do(handles[index], Method.THREAD_SET_AFFINITY, 0, 1 if number & 1 == 0 else 0xFFFF_FFFF)
        _await_rounds(number % _THREADS, number)
    for index in range(u64(_THREADS)):
        finish(handles[index])
    check_equal(_wrong.load(), 0, "registers that changed")


def _across_yields() -> None:
    other = spawn(1, _spin)
    for number in range(u64(_ROUNDS * 10)):
        _fill(number)
        yield_now()
        if _difference(number) != 0:
            check_equal(_difference(number), 0, "registers after a yield")
    finish(other)
    check_equal(_wrong.load(), 0, "registers that changed")


def _tell_leak(argument: u64) -> None:
    """The first use of vectors of a process: they must be empty."""
    exit_process(0 if _or_of_all() == 0 else u64(1))


def _nothing_leaks() -> None:
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    for _ in range(_CHILDREN):
        process, thread = make_child(_tell_leak, 0, stack_of(2) + STACK_BYTES)
        do(thread, Method.THREAD_SET_AFFINITY, 0, 1)
        _fill(_SEED)
        do(thread, Method.THREAD_START)
        _, status = await_end(process)
        check_equal(status, 0, "what a new process finds in its vector registers")
        expect(close(thread), Status.OK, "close")
        expect(close(process), Status.OK, "close")
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)
