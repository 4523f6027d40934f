"""CPUs off line and back, under load: no thread is lost, none stands still."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import array, atomic, const, export, u64, zeroed
from kernel.abi.bootinfo import INSPECT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from userspace.guest_tests.report import begin, check, end, plan
from userspace.guest_tests.threads import PATIENCE, do, expect, finish, spawn
from userspace.lib.syscall import invoke, yield_now

_CASES = const(3)
_HOGS = const(4)
_ROUNDS = const(100)
_CPUS = const(8)

_counters: array[atomic[u64], 8] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("off_and_on_under_load")
    _off_and_on_under_load()
    begin("last_cpu_stays")
    _last_cpu_stays()
    begin("refusals")
    _refusals()
    end()


def _cpu_count() -> u64:
    count: u64 = 0
    while count < _CPUS:
        status, _ = invoke(INSPECT, Method.INSPECT_IDLE_TIME, count)
        if status != Status.OK:
            break
        count += 1
    return count


def _hog(index: u64) -> None:
    while True:
        _ = _counters[index].fetch_add(1)


def _await_progress(index: u64) -> None:
    before = _counters[index].load()
    for _ in range(PATIENCE):
        if _counters[index].load() > before:
            return
        yield_now()
    check(False, "a thread stands still")


def _off_and_on_under_load() -> None:
    count = _cpu_count()
    hogs: array[u64, _HOGS] = zeroed()
    for index in range(u64(_HOGS)):
        hogs[index] = spawn(index, _hog)
    for number in range(u64(_ROUNDS)):
        if count == 1:
            break
        index = number % count
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
        _await_progress(number % _HOGS)
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)
    for index in range(u64(_HOGS)):
        _await_progress(index)
        finish(hogs[index])


def _last_cpu_stays() -> None:
    count = _cpu_count()
    for index in range(count - 1):
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, count - 1, 0)
    expect(status, Status.BUSY, "the last CPU")
    hog = spawn(1, _hog)
    _await_progress(1)
    finish(hog)
    for index in range(count - 1):
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)


def _refusals() -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 255, 0)
    expect(status, Status.BAD_ARGUMENT, "a CPU that is not there")
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 1 << 32, 0)
    expect(status, Status.BAD_ARGUMENT, "a number that is no CPU's")
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 0, 2)
    expect(status, Status.BAD_ARGUMENT, "neither on nor off")
