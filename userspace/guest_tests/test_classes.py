"""CPUs that heed priorities, and CPUs that give every thread its turn: switched to and fro under load."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, atomic, const, export, naked, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.syscall import Call
from kernel.abi.thread import SchedulingClass, ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import ask, await_state, do, expect
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(3)
_THREADS = const(100)
_PRIORITIES = const(20)                 # from the lowest on
_CPUS = const(8)
_YIELD = const(Call.YIELD)
_OWN_PRIORITY = const(50)

_threads: array[u64, _THREADS] = zeroed()
_counters: array[atomic[u64], _THREADS] = zeroed()
_times: array[u64, _THREADS] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("refusals")
    _refusals()
    begin("priorities_do_not_count")
    _start_threads()
    _priorities_do_not_count()
    begin("switched_under_load")
    _switched_under_load()
    _end_threads()
    end()


def _all_cpus() -> u64:
    mask: u64 = 0
    for index in range(u64(_CPUS)):
        status, _ = invoke(INSPECT, Method.INSPECT_TIMERS, index)
        if status == Status.OK:
            mask |= 1 << index
    return mask


def _use(scheduling: SchedulingClass) -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_SET_CLASS, 0, _all_cpus(), u64(scheduling))
    expect(status, Status.OK, "a class of scheduling")


def _refuse(handle: u64, group: u64, mask: u64, scheduling: u64, wanted: Status) -> None:
    status, _ = invoke(handle, Method.SYSTEM_SET_CLASS, group, mask, scheduling)
    expect(status, wanted, "a class of scheduling that is refused")


def _refusals() -> None:
    _refuse(SYSTEM, 0, 1, 2, Status.BAD_ARGUMENT)
    _refuse(SYSTEM, 4, 0, 0, Status.BAD_ARGUMENT)
    _refuse(SYSTEM, 0, 1 << 63, 0, Status.BAD_ARGUMENT)
    weak = ask(SYSTEM, Method.COPY, u64(ALL_RIGHTS) & ~u64(Right.MANAGE))
    _refuse(weak, 0, 1, 0, Status.NO_RIGHT)
    expect(close(weak), Status.OK, "close")


@naked
@asm_x64
def _count_and_yield(counter: u64) -> None:
    """Without a stack."""
    label("again")
    raw("lock inc qword ptr [rdi]")
    mov(eax, _YIELD)
    syscall()
    jmp("again")


def _start_threads() -> None:
    """Of different priorities, all below the one of this thread."""
    do(OWN_THREAD, Method.THREAD_SET_PRIORITY, _OWN_PRIORITY)
    for index in range(u64(_THREADS)):
        status, thread = invoke(
            ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(_count_and_yield), 0x1000,
            u64(addr(_counters[index])),
        )
        expect(status, Status.OK, "creation of a thread")
        _threads[index] = thread
        do(thread, Method.THREAD_SET_PRIORITY, index % _PRIORITIES)
        do(thread, Method.THREAD_START)


def _end_threads() -> None:
    for index in range(u64(_THREADS)):
        do(_threads[index], Method.THREAD_KILL, 0)
    for index in range(u64(_THREADS)):
        await_state(_threads[index], ThreadState.ENDED)
        expect(close(_threads[index]), Status.OK, "close")


def _await_all() -> None:
    """Every thread goes on."""
    for index in range(u64(_THREADS)):
        before = _counters[index].load()
        is_lost = True
        for _ in patience():
            if _counters[index].load() != before:
                is_lost = False
                break
            yield_now()
        check_numbered(u64(is_lost), 0, "a thread stands still:", index)
        if is_lost:
            return


def _priorities_do_not_count() -> None:
    _use(SchedulingClass.ROUND_ROBIN)
    _await_all()
    _await_all()


def _switched_under_load() -> None:
    """No thread is lost, and nobody's time goes back."""
    for number in range(rounds(10, 100)):
        _use(SchedulingClass.PRIORITY)
        for _ in range(10):
            yield_now()
        _use(SchedulingClass.ROUND_ROBIN)
        _await_all()
        for index in range(u64(_THREADS)):
            now = ask(_threads[index], Method.THREAD_CPU_TIME)
            check_numbered(u64(now < _times[index]), 0, "time that went back in round", number)
            _times[index] = now
    _use(SchedulingClass.PRIORITY)
