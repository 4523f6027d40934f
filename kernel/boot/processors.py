"""Bringing up the other CPUs: memory for each, a signal to all, and a bounded wait."""
from boot.limine.protocol import MpInfo
from compiler.prelude import addr, const, memory_fill, ptr, sizeof, spin_hint, u8, u32, u64
from kernel.arch.x86_64 import clock, clock_step, cpu
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.smp import processor_door, starts
from kernel.config import CPU_START_POLLS
from kernel.core import log
from kernel.core.configuration import given
from kernel.core.log_ring import LogRing
from kernel.memory import kernel_space, physical, stacks, user_view, window

_RING_ORDER = const(1)
_AREA_ORDER = const(2)

assert cpu.AREA_BYTES == PAGE_BYTES << _AREA_ORDER
assert sizeof(LogRing) <= PAGE_BYTES << _RING_ORDER


def start_processors() -> str:
    """Returns what keeps them from starting, or nothing. A CPU that does not answer is reported and left out."""
    started: u64 = 0
    for number in range(given.cpu_count):
        if started + 1 == given.cpu_limit:
            break
        info = ptr[MpInfo](given.cpu_infos[number])
        if info.lapic_id == given.boot_apic_id:
            continue
        started += 1
        frame = physical.allocate(_AREA_ORDER)
        ring = physical.allocate(_RING_ORDER)
        if frame == 0 or ring == 0:
            return "out of memory"
        area = window.address(frame)
        memory_fill(ptr[u8](area), 0, cpu.AREA_BYTES)
        memory_fill(ptr[u8](window.address(ring)), 0, sizeof(LogRing))
        if not stacks.make(kernel_space.root, started, cpu.gs_base_of(area)):
            return "out of memory"
        if cpu.is_isolated and not user_view.show_cpu(started, area):
            return "out of memory for page tables"
        start = addr(starts[started])
        start.page_tables = kernel_space.root
        start.stack_end = stacks.kernel_stack_end(started)
        start.area = area
        start.log_ring = window.address(ring)
        start.index = u32(started)
        cpu.known_cpus = u32(started) + 1
        info.extra_argument = u64(start)
        # The store releases the CPU; all that it will read is written.
        info.goto_address.store(u64(processor_door), "release")
    for index in range(u64(1), started + 1):
        if not _answers(index):
            _report_silent(index)
    _check_clocks()
    return ""


def are_all_running() -> bool:
    return u64(cpu.running_cpus.load("acquire")) == given.cpu_count


def _answers(index: u64) -> bool:
    for _ in range(CPU_START_POLLS):
        if starts[index].is_running.load("acquire") != 0:
            return True
        clock_step.look()
        spin_hint()
    return False


def _check_clocks() -> None:
    step = clock_step.largest()
    if step > clock_step.TOLERATED:
        if clock.use_event_timer():
            log.warn(f"boot: the CPUs' time stamps differ by {step}: time is taken from the event timer")
        else:
            log.warn(f"boot: the CPUs' time stamps differ by {step}, and there is no other clock: time goes awry")
    elif not clock.is_steady and not clock.use_event_timer():
        log.warn("boot: time stamps may change their rate, and there is no other clock: time may run unevenly")


def _report_silent(index: u64) -> None:
    log.error(f"boot: cpu {index} does not answer and is left out")
