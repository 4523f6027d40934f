"""What programs know of the machine without asking: the time, the CPUs, the memory."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import const, export, ptr, sizeof, u64, u128
from kernel.abi.bootinfo import OWN_PROCESS, SYSTEM, StartInfo
from kernel.abi.errors import Status
from kernel.abi.layout import START_INFO
from kernel.abi.machine import TIME_SHIFT, MachineInfo, TimePage
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.system import KernelState
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.lib.syscall import invoke, yield_now
from userspace.lib.time_stamp import time_stamp

_CASES = const(3)
_PAGE = const(4096)
_TIME_PLACE = const(0x5000_0000)
_INFO_PLACE = const(0x5100_0000)
_SAMPLES = const(1000)
_YEAR_2020 = const(1_577_836_800)


@export("main")
def main(ring: u64) -> None:
    plan(_CASES)
    _never_writable()
    _time()
    _info()
    end()


def _map(memory: u64, place: u64, length: u64, access: u64) -> u64:
    status, _ = invoke(memory, Method.MEMORY_MAP, OWN_PROCESS, place | access, 0, length)
    return u64(status)


def _start_info() -> ptr[StartInfo]:
    return ptr[StartInfo](START_INFO)


def _never_writable() -> None:
    begin("never_writable")
    check_equal(_map(_start_info().time, _TIME_PLACE, _PAGE, READ | WRITE), Status.SEALED, "time to write")
    check_equal(_map(_start_info().machine, _INFO_PLACE, _PAGE, READ | WRITE), Status.SEALED, "the machine to write")


def _time() -> None:
    begin("time")
    check_equal(_map(_start_info().time, _TIME_PLACE, _PAGE, READ), Status.OK, "map the time")
    page = ptr[TimePage](_TIME_PLACE)
    check_equal(page.is_counted, 1, "time stamps are in step")
    check(page.ticks_per_second > 1_000_000, "a rate")
    check(page.boot_seconds > _YEAR_2020, "the date")
    _, running = invoke(SYSTEM, Method.SYSTEM_STATE_TIME, KernelState.RUNNING)
    last = running
    for _ in range(_SAMPLES):
        now = _now_ns(page)
        check(now >= last, "time does not go back")
        last = now
        yield_now()
    check(last - running < 600_000_000_000, "time is not far from the kernel's")


def _now_ns(page: ptr[TimePage]) -> u64:
    return u64((u128(time_stamp() - page.start) * u128(page.ns_per_tick)) >> TIME_SHIFT)


def _info() -> None:
    begin("info")
    length = (sizeof(MachineInfo) + _PAGE - 1) // _PAGE * _PAGE
    check_equal(_map(_start_info().machine, _INFO_PLACE, u64(length), READ), Status.OK, "map it")
    info = ptr[MachineInfo](_INFO_PLACE)
    check(info.cpus >= 1 and info.cpus <= 256, "CPUs")
    check_equal(info.memory_mebibytes, 256, "memory")
    end_of_last: u64 = 0
    for index in range(info.region_count):
        check(info.regions[index].base >= end_of_last, "regions in order")
        end_of_last = info.regions[index].base + info.regions[index].length
    check(info.region_count > 2, "regions")
