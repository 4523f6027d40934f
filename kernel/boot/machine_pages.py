"""The pages of abi/machine.py, as Memory: filled once, then sealed."""
from compiler.prelude import addr, copy, ptr, sizeof, u64
from kernel.abi.errors import Status
from kernel.abi.machine import MachineInfo, Region, TimePage
from kernel.arch.x86_64 import clock, cpu, serial
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.boot.memory_total import memory_total_mebibytes
from kernel.caps.object import Account
from kernel.core.configuration import given, regions
from kernel.core.destruction import release
from kernel.objects.fresh import first_page
from kernel.objects.memory import make_memory, prepare, seal
from kernel.objects.memory_block import Memory


def make_time_page(account: ptr[Account]) -> ptr[Memory] | None:
    memory = _make(account, sizeof(TimePage))
    if memory is None:
        return None
    page = ptr[TimePage](first_page(memory))
    clock.describe(page)
    page.boot_seconds = given.boot_seconds
    return _seal(memory)


def make_machine_info(account: ptr[Account]) -> ptr[Memory] | None:
    memory = _make(account, sizeof(MachineInfo))
    if memory is None:
        return None
    info = ptr[MachineInfo](first_page(memory))
    info.cpus = u64(cpu.running_cpus.load("relaxed"))
    info.memory_mebibytes = memory_total_mebibytes(regions())
    info.has_serial_line = u64(serial.is_present)
    if given.screen.width != 0:
        info.screen = copy(given.screen)
        info.screen.address -= given.direct_map
    info.region_count = given.region_count
    for index in range(info.region_count):
        region = addr(given.regions[index])
        info.regions[index] = Region(base=region.base, length=region.length, kind=region.kind)
    return _seal(memory)


def _make(account: ptr[Account], length: u64) -> ptr[Memory] | None:
    """Contiguous, so that the kernel sees it in one piece."""
    memory, _ = make_memory(account, (length + PAGE_BYTES - 1) >> PAGE_SHIFT, True)
    if memory is not None:
        while memory.ready_pages != memory.frames.pages:
            prepare(memory)
    return memory


def _seal(memory: ptr[Memory]) -> ptr[Memory] | None:
    if seal(memory) == Status.OK:
        return memory
    release(addr(memory.header))
    return None
