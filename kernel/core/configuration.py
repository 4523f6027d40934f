"""What the loader and the command line told the kernel: parsed once, and read-only from then on.

Owns: `given`, filled by boot/machine.py and boot/options.py on the loader's page tables.
Invariants: I-CORE-9: the kernel's own page tables map it read-only, so that a write after the boot is a panic.
"""
from boot.limine.protocol import Framebuffer, MemoryMapEntry
from compiler.prelude import addr, array, ptr, sizeof, span, struct, u8, u32, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.config import (
    COMMAND_LINE_BYTES,
    CPU_LIMIT,
    LOADER_NAME_BYTES,
    MEMORY_REGION_LIMIT,
    MODULE_LIMIT,
    MODULE_NAME_BYTES,
)


@struct
class Module:
    address: u64                        # in the physical window
    length: u64
    name: array[u8, MODULE_NAME_BYTES]  # the last part of its path
    name_length: u64


@struct(align=PAGE_BYTES)
class Configuration:
    """Pages of its own: nothing that is written later may share one with it."""
    direct_map: u64                     # where the loader mapped physical memory
    image_physical: u64
    root_pointer: u64                   # of ACPI, physical; 0: none was told
    boot_seconds: u64                   # the date, in seconds since 1970
    screen: Framebuffer                 # where the loader mapped it; of width 0: there is none
    loader_name: array[u8, LOADER_NAME_BYTES]
    loader_name_length: u64
    command_line: array[u8, COMMAND_LINE_BYTES]
    command_line_length: u64
    regions: array[MemoryMapEntry, MEMORY_REGION_LIMIT]     # in order, none overlaps another
    region_count: u64
    modules: array[Module, MODULE_LIMIT]
    module_count: u64
    cpu_infos: array[u64, CPU_LIMIT]    # addresses of MpInfo records, in loader memory
    cpu_count: u64
    boot_apic_id: u32
    # What the command line chose.
    cpu_limit: u64                      # CPUs that are brought up at most
    first_program: span[u8]             # the module, without .elf, that becomes the first process
    barriers: u32                       # Wish (arch/x86_64/detour.py)
    isolation: u32                      # Wish
    contexts: u32                       # Wish, which cannot be ON
    has_exit_device: bool
    is_panic_action_chosen: bool
    panic_action: u64                   # PanicAction (machine_end.py)


given: Configuration = zeroed()


def pages() -> span[u8]:
    """What the kernel's page tables map read-only."""
    return span(ptr[u8](addr(given)), sizeof(Configuration))


def regions() -> span[MemoryMapEntry]:
    return given.regions[0 : given.region_count]


def command_line() -> span[u8]:
    return given.command_line[0 : given.command_line_length]


def loader_name() -> span[u8]:
    return given.loader_name[0 : given.loader_name_length]
