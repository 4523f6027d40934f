"""Where the kernel begins, on the boot CPU and on every other: ordered lists of named steps.

The boot CPU takes the first list on the loader's page tables and stack, the second on its own.
"""
from collections.abc import Callable
from typing import NoReturn

from boot.limine.protocol import MEMORY_BOOTLOADER_RECLAIMABLE
from compiler.prelude import addr, array, const, export, panic, ptr, span, struct, u8, u64, zeroed
from kernel.abi.system import KernelState
from kernel.arch.x86_64 import (
    apic,
    barriers,
    clock,
    clock_step,
    contexts,
    cpu,
    fpu,
    gdt,
    isolation,
    mailbox,
    paging,
    tlb,
    traps,
)
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import read_time_stamp, start_count
from kernel.arch.x86_64.smp import CpuStart, change_tables_and_stack
from kernel.boot import machine, options, processors
from kernel.boot.firmware import read_firmware
from kernel.boot.first_process import start_first_process
from kernel.boot.memory_total import memory_total_mebibytes
from kernel.boot.summary import write_clocks, write_summary
from kernel.config import LEAST_MEMORY_MEBIBYTES
from kernel.core import alarm, configuration, cpu_queue, framebuffer, log, online, schedule, state, trace, wait
from kernel.core import panic as panic_report
from kernel.core.log_ring import LogRing
from kernel.entry import direct, exception, fault, syscall  # noqa: F401 - called by name from arch/x86_64/entry.py
from kernel.entry.invoke import invoke
from kernel.memory import address_space, kernel_space, physical, stacks, user_view, window
from kernel.objects import kinds
from kernel.selftest import tests
from kernel.selftest.choice import SELFTEST
from kernel.submit import cancel, invocations, operations, ring_wait

_EARLY_STACK_BYTES = const(8192)
_BOOT_CPU = const(0)


@struct
class Step:
    name: str
    run: Callable[[], str]              # returns what went wrong, or nothing


_screen_place: u64 = 0
_early_stack: array[u8, _EARLY_STACK_BYTES] = zeroed(align=16)


@export("_start")
def start() -> NoReturn:
    """Entered by the loader, interrupts off."""
    cpu.use_area(cpu.boot_area(), _BOOT_CPU)
    clock.start()
    log.start()
    steps: array[Step, 6] = array(
        Step(name="loader", run=machine.read_answers),
        Step(name="options", run=options.read_options),
        Step(name="greeting", run=_greet),
        Step(name="processor", run=_find_features),
        Step(name="exceptions", run=_load_early_tables),
        Step(name="memory", run=_take_over_memory),
    )
    _take(span(addr(steps[0]), len(steps)))
    change_tables_and_stack(kernel_space.root, stacks.kernel_stack_end(_BOOT_CPU), u64(_continue_on_own_stack))


def _continue_on_own_stack() -> NoReturn:
    framebuffer.move(_screen_place)
    _ = state.change(KernelState.EARLY_BOOT, KernelState.INITIALIZING, read_time_stamp())
    steps: array[Step, 9] = array(
        Step(name="tables", run=_load_own_tables),
        Step(name="interrupts", run=_start_interrupt_controllers),
        Step(name="firmware", run=read_firmware),
        Step(name="objects", run=_open_objects),
        Step(name="scheduler", run=_open_scheduler),
        Step(name="processors", run=processors.start_processors),
        Step(name="reclaim", run=_reclaim_loader_memory),
        Step(name="clocks", run=write_clocks),
        Step(name="summary", run=write_summary),
    )
    _take(span(addr(steps[0]), len(steps)))
    _ = state.change(KernelState.INITIALIZING, KernelState.RUNNING, read_time_stamp())
    if SELFTEST:
        tests.run_on_boot_cpu()
    start_first_process()


@export("start_processor")
def start_processor(start: ptr[CpuStart]) -> NoReturn:
    """Where every other CPU comes to from processor_door, on its own stack and the kernel's page tables."""
    cpu.use_area(start.area, start.index)
    log.use_ring(ptr[LogRing](start.log_ring))
    _load_tables_of(u64(start.index))
    cpu.turn_on_features()
    fpu.turn_on_features()
    barriers.turn_on()
    apic.start()
    for _ in range(clock_step.LOOKS):
        clock_step.look()
    _ = cpu.running_cpus.fetch_add(1, "acq_rel")
    start.is_running.store(1, "release")
    if SELFTEST:
        tests.run_on_other_cpu()
    schedule.run()


def _greet() -> str:
    """The kernel's first line. What runs from here to the end of the boot is counted by `make bench`."""
    start_count()
    log.info("boot: the kernel begins")
    return ""


def _take(steps: span[Step]) -> None:
    for index in range(len(steps)):
        problem = steps[index].run()
        if len(problem) != 0:
            log.error(f"boot: {steps[index].name}: {problem}")
            panic("the kernel cannot start on this machine")


def _find_features() -> str:
    problem = cpu.find_features()
    if len(problem) == 0:
        fpu.find_features()
        given = addr(configuration.given)
        barriers.build(given.barriers, given.direct_map + given.image_physical)
        if barriers.are_on:
            log.info("boot: barriers against speculation are on")
        contexts.decide(given.contexts)
        if cpu.has_contexts:
            log.info("boot: translations of several address spaces are kept")
        isolation.decide(given.isolation)
        if cpu.is_isolated:
            log.info("boot: programs run on page tables without the kernel")
    return problem


def _load_early_tables() -> str:
    """Exceptions are reported from here on. All four special ones share a stack until the real stacks exist."""
    end = u64(addr(_early_stack)) + _EARLY_STACK_BYTES - 16
    ptr[u64](end)[0] = cpu.base
    ends: array[u64, gdt.EXCEPTION_STACKS] = array(end for _ in range(gdt.EXCEPTION_STACKS))
    gdt.load(addr(ends[0]))
    traps.build_gates()
    traps.load()
    return ""


def _take_over_memory() -> str:
    if not window.place(configuration.given.direct_map):
        return "the loader mapped physical memory where the kernel cannot use it"
    if memory_total_mebibytes(configuration.regions()) < LEAST_MEMORY_MEBIBYTES:
        return "the machine has less than 32 MiB of memory"
    if not physical.start(configuration.regions()):
        return "no region of memory can hold the table of frames"
    if not kernel_space.build(configuration.regions(), configuration.given.image_physical, configuration.pages()):
        return "out of memory for page tables"
    if not _map_screen():
        return "out of memory for page tables"
    if not stacks.make(kernel_space.root, _BOOT_CPU, cpu.base):
        return "out of memory for stacks"
    cpu.turn_on_no_execute()
    if cpu.is_isolated:
        if not user_view.show_doors() or not user_view.show_cpu(_BOOT_CPU, cpu.area):
            return "out of memory for page tables"
        # The last thing on the loader's tables, because the isolated ways know only ours.
        isolation.change_doors(configuration.given.direct_map + configuration.given.image_physical)
    return ""


def _map_screen() -> bool:
    """Where it will be found once the kernel's page tables are in force; fast to write to, not to be read."""
    global _screen_place
    if framebuffer.width == 0:
        return True
    physical_place = framebuffer.place() - configuration.given.direct_map
    offset = physical_place & (PAGE_BYTES - 1)
    length = (offset + framebuffer.length() + PAGE_BYTES - 1) & ~u64(PAGE_BYTES - 1)
    access: u64 = paging.KERNEL_DATA | paging.WRITE_COMBINING
    _screen_place = kernel_space.map_hardware(physical_place - offset, length, access)
    if _screen_place == 0:
        return False
    _screen_place += offset
    return True


def _load_own_tables() -> str:
    _load_tables_of(_BOOT_CPU)
    cpu.turn_on_features()
    fpu.turn_on_features()
    barriers.turn_on()
    return ""


def _load_tables_of(index: u64) -> None:
    ends: array[u64, gdt.EXCEPTION_STACKS] = zeroed()
    stacks.exception_stack_ends(index, addr(ends[0]))
    cpu.kernel_stack_end = stacks.kernel_stack_end(index)
    gdt.load(addr(ends[0]))
    traps.load()


def _start_interrupt_controllers() -> str:
    registers = kernel_space.map_device(apic.physical_base(), PAGE_BYTES)
    if registers == 0:
        return "out of memory for page tables"
    apic.mask_legacy_controllers()
    apic.find(registers)
    apic.start()
    mailbox.open_for_spinning()
    return ""


def _open_objects() -> str:
    tlb.start()
    address_space.start()
    kinds.start()
    return ""


def _open_scheduler() -> str:
    if not clock.measure():
        log.warn("boot: there is no clock to measure time by: it may run too fast or too slow")
    wait.start()
    trace.start()
    alarm.start()
    # Before the first thread: it may ask which CPUs there are.
    online.set_online(_BOOT_CPU)
    fault.start()
    panic_report.give_up = exception.give_up
    operations.start(invoke)
    cancel.start()
    invocations.start()
    ring_wait.start()
    mailbox.handlers[mailbox.Request.RESCHEDULE] = cpu_queue.note_request
    return ""


def _reclaim_loader_memory() -> str:
    """Only when every CPU has left the loader's stacks and tables, and all that it told us has been copied."""
    if not processors.are_all_running():
        return ""
    regions = configuration.regions()
    for index in range(len(regions)):
        if regions[index].kind == MEMORY_BOOTLOADER_RECLAIMABLE:
            physical.add_range(regions[index].base, regions[index].base + regions[index].length)
    return ""
