"""The UEFI door: an application that the firmware starts from the EFI system partition of a CD, stick or disk."""
from typing import NoReturn

from boot.core import start
from boot.core.handoff import Handoff
from boot.core.identity import enter_identity_map
from boot.limine import protocol
from boot.uefi import firmware
from boot.uefi.archive_file import read_archive
from boot.uefi.console import open_console
from boot.uefi.firmware import BootServices, ConfigurationTable, SystemTable
from boot.uefi.graphics import open_graphics
from boot.uefi.memory import allocate_code_page, leave_firmware
from compiler.prelude import addr, asm_x64, export, naked, ptr, sizeof, u64, zeroed
from compiler.prelude.x64 import *

_handoff: Handoff = zeroed()


@export("_start")
@naked
@asm_x64
def enter_application(image: u64, system: ptr[SystemTable]) -> NoReturn:
    """Arguments come as firmware passes them: in rcx and rdx. The application never returns."""
    and_(rsp, -16)
    mov(rdi, rcx)
    mov(rsi, rdx)
    call(begin)


def begin(image: u64, system: ptr[SystemTable]) -> NoReturn:
    open_console(system)
    _ = firmware.call_firmware(ptr[BootServices](system.boot_services).set_watchdog_timer, 0, 0, 0, 0, 0)
    _handoff.loader_name = b"Ringneck uefi\0"
    _handoff.firmware_type = protocol.FIRMWARE_UEFI_64
    _handoff.archive = read_archive(image, system)
    _handoff.command_line = _handoff.archive[0:0]
    _handoff.rsdp = _find_root_pointer(system)
    _handoff.efi_system_table = u64(system)
    open_graphics(system, addr(_handoff.framebuffer))
    page = allocate_code_page(system)
    leave_firmware(image, system)
    enter_identity_map(page)
    start.boot(addr(_handoff))


def _find_root_pointer(system: ptr[SystemTable]) -> u64:
    """The ACPI 2 table where there is one, else that of ACPI 1, else 0."""
    found: u64 = 0
    for index in range(system.table_count):
        table = ptr[ConfigurationTable](system.tables + index * sizeof(ConfigurationTable))
        if table.guid_low == firmware.ACPI_2_TABLE_LOW and table.guid_high == firmware.ACPI_2_TABLE_HIGH:
            return table.address
        if table.guid_low == firmware.ACPI_1_TABLE_LOW and table.guid_high == firmware.ACPI_1_TABLE_HIGH:
            found = table.address
    return found
