"""Two pages that nobody can write: the time without the kernel's help, and what machine this is.

The first process has both as Memory (bootinfo.StartInfo).
"""
from boot.limine.protocol import Framebuffer
from compiler.prelude import array, const, sizeof, struct, u64
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.config import MEMORY_REGION_LIMIT

TIME_SHIFT = const(32)


@struct
class TimePage:
    """((time stamp - start) * ns_per_tick) >> TIME_SHIFT is the time in nanoseconds since the kernel began. Where
    is_counted is 0 the time stamps of the CPUs are not in step, and only the kernel knows the time."""
    start: u64
    ns_per_tick: u64
    ticks_per_second: u64
    is_counted: u64
    boot_seconds: u64       # since 1970, by the machine's clock when the kernel was loaded; 0: not known


@struct
class Region:
    """Part of the physical memory map."""
    base: u64
    length: u64
    kind: u64               # as the Limine boot protocol numbers them


@struct
class MachineInfo:
    cpus: u64               # that run
    memory_mebibytes: u64
    has_serial_line: u64    # COM1, which the kernel has set up
    screen: Framebuffer     # as the loader made it, its address physical; of width 0: there is none
    region_count: u64
    regions: array[Region, MEMORY_REGION_LIMIT]     # in ascending order, none overlapping


assert sizeof(TimePage) <= PAGE_BYTES
