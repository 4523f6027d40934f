"""Threads from outside: made, started, stopped, moved, examined, killed in every state, on every CPU there is."""

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, copy, export, naked, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.abi.syscall import Call, Exit
from kernel.abi.thread import ThreadRegisters, ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import STACKS, ask, await_state, do, expect, finish, make, spawn
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(13)
_ROUNDS = const(300)
_MANY = const(10_000)
_EXIT = const(Call.EXIT)
_EXIT_THREAD = const(Exit.THREAD)


_handles: array[u64, _MANY] = zeroed()
_counters: array[atomic[u64], STACKS] = zeroed()
_seen: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("start_and_exit")
    _start_and_exit()
    begin("states")
    _states()
    begin("hogs_all_progress")
    _hogs_all_progress()
    begin("suspend_resume")
    _suspend_resume()
    begin("kill_in_every_state")
    _kill_in_every_state()
    begin("priority")
    _priority()
    begin("affinity")
    _affinity()
    begin("registers")
    _registers()
    begin("bases")
    _bases()
    begin("refusals")
    _refusals()
    begin("exit_notice")
    _exit_notice()
    begin("many_lives")
    _many_lives()
    begin("ten_thousand_at_once")
    _ten_thousand_at_once()
    end()


def await_progress(index: u64) -> None:
    before = _counters[index].load()
    for _ in patience():
        if _counters[index].load() > before + 10:
            return
        yield_now()
    check(False, "a thread makes no progress")


def count_for_ever(index: u64) -> None:
    while True:
        _ = _counters[index].fetch_add(1)


def note_and_exit(index: u64) -> None:
    _ = _counters[index].fetch_add(1)
    exit_thread(index + 40)


def _start_and_exit() -> None:
    before = _counters[1].load()
    handle = spawn(1, note_and_exit)
    await_state(handle, ThreadState.ENDED)
    check_equal(_counters[1].load(), before + 1, "runs")
    check_equal(ask(handle, Method.THREAD_EXIT_STATUS), 41, "exit status")
    expect(close(handle), Status.OK, "close")


def _states() -> None:
    handle = make(1, count_for_ever)
    check_equal(ask(handle, Method.THREAD_STATE), ThreadState.NEW, "new")
    do(handle, Method.THREAD_START)
    check_equal(ask(handle, Method.THREAD_STATE), ThreadState.RUNNABLE, "runnable")
    status, _ = invoke(handle, Method.THREAD_START)
    expect(status, Status.BUSY, "a second start")
    status, _ = invoke(handle, Method.THREAD_EXIT_STATUS)
    expect(status, Status.WOULD_BLOCK, "exit status of a thread that runs")
    finish(handle)


def _hogs_all_progress() -> None:
    """More threads than CPUs, none of which ever gives up its CPU."""
    handles: array[u64, STACKS] = zeroed()
    for index in range(u64(STACKS)):
        handles[index] = spawn(index, count_for_ever)
    for index in range(u64(STACKS)):
        await_progress(index)
    for index in range(u64(STACKS)):
        check(ask(handles[index], Method.THREAD_CPU_TIME) != 0, "time is charged")
        finish(handles[index])


def _suspend_resume() -> None:
    handle = spawn(1, count_for_ever)
    for _ in range(20):
        await_progress(1)
        do(handle, Method.THREAD_SUSPEND)
        await_state(handle, ThreadState.STOPPED)
        before = _counters[1].load()
        for _ in range(20):
            yield_now()
        check_equal(_counters[1].load(), before, "a suspended thread runs")
        do(handle, Method.THREAD_RESUME)
    status, _ = invoke(handle, Method.THREAD_RESUME)
    expect(status, Status.OK, "a second resume")
    await_progress(1)
    finish(handle)


def _kill_in_every_state() -> None:
    new = make(1, count_for_ever)
    finish(new)
    running = spawn(1, count_for_ever)
    await_progress(1)
    finish(running)
    suspended = spawn(1, count_for_ever)
    do(suspended, Method.THREAD_SUSPEND)
    await_state(suspended, ThreadState.STOPPED)
    do(suspended, Method.THREAD_KILL, 7)
    await_state(suspended, ThreadState.ENDED)
    do(suspended, Method.THREAD_KILL, 8)
    check_equal(ask(suspended, Method.THREAD_EXIT_STATUS), 7, "the first killer's status stays")
    do(suspended, Method.THREAD_RESUME)
    check_equal(ask(suspended, Method.THREAD_STATE), ThreadState.ENDED, "a dead thread is not resumed")
    expect(close(suspended), Status.OK, "close")


def _priority() -> None:
    """On one CPU a thread of lower priority gets nothing while this one runs."""
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    low = make(1, count_for_ever)
    do(low, Method.THREAD_SET_AFFINITY, 0, 1)
    do(low, Method.THREAD_SET_PRIORITY, 10)
    do(low, Method.THREAD_START)
    before = _counters[1].load()
    for _ in range(1000):
        yield_now()
    check_equal(_counters[1].load(), before, "a lower priority runs")
    do(low, Method.THREAD_SET_PRIORITY, 32)
    await_progress(1)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)
    finish(low)


def _affinity() -> None:
    handle = spawn(1, count_for_ever)
    for _ in range(20):
        do(handle, Method.THREAD_SET_AFFINITY, 0, 1)
        await_progress(1)
        status, _ = invoke(handle, Method.THREAD_SET_AFFINITY, 0, 2)
        if status == Status.OK:
            await_progress(1)
    finish(handle)


def _registers() -> None:
    handle = make(1, count_for_ever)
    registers: ThreadRegisters = zeroed()
    do(handle, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    check_equal(registers.rip, u64(count_for_ever), "rip")
    check_equal(registers.rdi, 1, "argument")
    registers.rip = u64(note_and_exit)
    registers.rdi = 2
    registers.rflags = 0xFFFF_FFFF_FFFF_FEFF
    do(handle, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    do(handle, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    check_equal(registers.rflags & 0xFFFF_F000_0002_3000, 0, "flags that no program may set")
    registers.rflags = 0
    do(handle, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    wrong = copy(registers)
    wrong.rip = 0xFFFF_8000_0000_0000
    status, _ = invoke(handle, Method.THREAD_WRITE_REGISTERS, u64(addr(wrong)))
    expect(status, Status.BAD_ARGUMENT, "a program counter in the kernel")
    wrong.rip = 0x0000_8000_0000_0000
    status, _ = invoke(handle, Method.THREAD_WRITE_REGISTERS, u64(addr(wrong)))
    expect(status, Status.BAD_ARGUMENT, "a program counter that does not exist")
    do(handle, Method.THREAD_START)
    status, _ = invoke(OWN_THREAD, Method.THREAD_WRITE_REGISTERS, u64(addr(registers)))
    expect(status, Status.BUSY, "registers of a thread that runs")
    await_state(handle, ThreadState.ENDED)
    check_equal(ask(handle, Method.THREAD_EXIT_STATUS), 42, "runs with the changed registers")
    expect(close(handle), Status.OK, "close")


def _bases() -> None:
    """The fs base of each thread is its own, whatever CPU it runs on."""
    do(OWN_THREAD, Method.THREAD_SET_BASES, 0x1000_0000, 0x2000_0000)
    handle = make(1, count_for_ever)
    do(handle, Method.THREAD_SET_BASES, 0x3000_0000, 0)
    do(handle, Method.THREAD_START)
    await_progress(1)
    do(handle, Method.THREAD_SUSPEND)
    await_state(handle, ThreadState.STOPPED)
    registers: ThreadRegisters = zeroed()
    do(handle, Method.THREAD_READ_REGISTERS, u64(addr(registers)))
    check_equal(registers.fs_base, 0x3000_0000, "fs base")
    check_equal(registers.gs_base, 0, "gs base")
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_BASES, 0xFFFF_8000_0000_0000, 0)
    expect(status, Status.BAD_ARGUMENT, "a base in the kernel")
    finish(handle)
    do(OWN_THREAD, Method.THREAD_SET_BASES, 0, 0)


def _refusals() -> None:
    status, _ = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, 0, 0x10000, 0)
    expect(status, Status.BAD_ARGUMENT, "an entry at the null page")
    status, _ = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, 0x0000_8000_0000_0000, 0x10000, 0)
    expect(status, Status.BAD_ARGUMENT, "an entry that does not exist")
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_PRIORITY, 64)
    expect(status, Status.BAD_ARGUMENT, "priority 64")
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 0)
    expect(status, Status.BAD_ARGUMENT, "no CPU at all")
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 4, 1)
    expect(status, Status.BAD_ARGUMENT, "a group of CPUs that does not exist")


def _exit_notice() -> None:
    status, notification = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OK, "creation of a notification")
    handle = make(1, note_and_exit)
    do(handle, Method.THREAD_NOTIFY_EXIT, notification, 4)
    status, _ = invoke(handle, Method.THREAD_NOTIFY_EXIT, notification, 4)
    expect(status, Status.BUSY, "a second watcher")
    do(handle, Method.THREAD_START)
    await_state(handle, ThreadState.ENDED)
    for _ in patience():
        if ask(notification, Method.NOTIFICATION_PEEK) == 4:
            break
        yield_now()
    check_equal(ask(notification, Method.NOTIFICATION_TAKE), 4, "notice of the end")
    do(handle, Method.THREAD_NOTIFY_EXIT, notification, 8)
    check_equal(ask(notification, Method.NOTIFICATION_TAKE), 8, "a thread that has ended tells at once")
    expect(close(handle), Status.OK, "close")
    expect(close(notification), Status.OK, "close")


def _many_lives() -> None:
    for number in range(u64(_ROUNDS)):
        handle = spawn(number % STACKS, note_and_exit)
        await_state(handle, ThreadState.ENDED)
        expect(close(handle), Status.OK, "close")
    for _ in patience():
        if ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD) == 1:
            break
        yield_now()
    check_equal(ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD), 1, "threads left over")


@naked
@asm_x64
def _vanish(index: u64) -> None:
    """Ends its thread without a stack."""
    mov(eax, _EXIT)
    mov(esi, _EXIT_THREAD)
    syscall()
    ud2()


def _ten_thousand_at_once() -> None:
    for index in range(u64(_MANY)):
        _handles[index] = make(0, _vanish)
    check_equal(ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD), _MANY + 1, "threads")
    for index in range(u64(_MANY)):
        do(_handles[index], Method.THREAD_START)
    for index in range(u64(_MANY)):
        await_state(_handles[index], ThreadState.ENDED)
        expect(close(_handles[index]), Status.OK, "close")
    for _ in patience():
        if ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD) == 1:
            break
        yield_now()
    check_equal(ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD), 1, "threads left over")
