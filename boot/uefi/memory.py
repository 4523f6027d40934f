"""The end of boot services: the firmware's last memory map becomes ours.

What boot services occupied stays out of the loader's reach (its stack and page tables lie there) but the kernel
may reclaim it. Source: UEFI 2.10, 7.2 (memory types), 7.4.6 (ExitBootServices may fail once the map has changed).
"""
from boot.core import pages
from boot.core.report import fail
from boot.limine import protocol
from boot.uefi import firmware
from boot.uefi.console import close_console
from boot.uefi.firmware import BootServices, MemoryDescriptor, SystemTable, call_firmware
from compiler.prelude import addr, array, const, ptr, u8, u32, u64, zeroed
from kernel.arch.x86_64 import registers
from kernel.arch.x86_64.pages import PAGE_BYTES

MAP_BYTES = const(1 << 16)
ATTEMPTS = const(16)
HIGHEST_CODE_PAGE = const(0xFFFFFFFF)

_map: array[u8, MAP_BYTES] = zeroed(align=8)


def leave_firmware(image: u64, system: ptr[SystemTable]) -> None:
    """Ends boot services and tells the core what memory there is."""
    boot = ptr[BootServices](system.boot_services)
    size: u64 = 0
    key: u64 = 0
    descriptor_bytes: u64 = 0
    version: u64 = 0
    for attempt in range(ATTEMPTS):
        size = MAP_BYTES
        place = u64(addr(_map))
        status = call_firmware(
            boot.get_memory_map, u64(addr(size)), place, u64(addr(key)), u64(addr(descriptor_bytes)), u64(addr(version))
        )
        if status != firmware.SUCCESS:
            fail("the firmware's memory map does not fit into 64 KiB")
        if call_firmware(boot.exit_boot_services, image, key, 0, 0, 0) == firmware.SUCCESS:
            break
        if attempt == ATTEMPTS - 1:
            fail("the firmware does not end its boot services")
    registers.disable_interrupts()
    close_console()
    for index in range(size // descriptor_bytes):
        descriptor = ptr[MemoryDescriptor](u64(addr(_map)) + index * descriptor_bytes)
        pages.add_region(descriptor.start, descriptor.page_count * PAGE_BYTES, _region_kind(descriptor.kind))
    pages.finish_regions()


def allocate_code_page(system: ptr[SystemTable]) -> u64:
    """A page below 4 GiB that the firmware lets execute."""
    boot = ptr[BootServices](system.boot_services)
    place: u64 = HIGHEST_CODE_PAGE
    kind: u64 = firmware.LOADER_CODE
    status = call_firmware(boot.allocate_pages, firmware.ALLOCATE_BELOW, kind, 1, u64(addr(place)), 0)
    if status != firmware.SUCCESS:
        fail("not enough memory below 4 GiB for a page of code")
    return place


def _region_kind(kind: u32) -> u64:
    match kind:
        case 1 | 2 | 3 | 4:             # loader and boot services, code and data
            return protocol.MEMORY_BOOTLOADER_RECLAIMABLE
        case 7:                         # conventional
            return protocol.MEMORY_USABLE
        case 8:
            return protocol.MEMORY_BAD
        case 9:
            return protocol.MEMORY_ACPI_RECLAIMABLE
        case 10:
            return protocol.MEMORY_ACPI_NVS
        case _:
            return protocol.MEMORY_RESERVED
