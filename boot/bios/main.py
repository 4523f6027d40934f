"""The BIOS door: the 64-bit loader behind the real-mode stage, for CDs and sticks on machines without UEFI."""
from typing import NoReturn

from boot.bios.facts import FONT_BASE, HANDOFF_MAGIC, MAP_BASE, MODE_INFO_BASE
from boot.bios.root_pointer import find_root_pointer
from boot.bios.video_mode import describe_mode
from boot.core import e820, pages, start
from boot.core.handoff import Handoff
from boot.core.memory_map import kind_of
from boot.core.report import fail
from boot.core.screen_text import open_screen
from boot.direct import entry  # noqa: F401 - the 32-bit code that calls _start
from boot.limine import protocol
from compiler.prelude import addr, export, ptr, sizeof, span, struct, u8, u32, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES

_handoff: Handoff = zeroed()


@struct
class StageReport:
    """What the stage leaves at HANDOFF_BASE."""
    magic: u32
    map_count: u32
    archive_address: u32
    archive_bytes: u32
    has_mode: u32
    video_version: u32                  # VBE, two digits in hexadecimal


@struct
class RangeDescriptor:
    address: u64
    size: u64
    kind: u32
    attributes: u32                     # bit 0 clear: to be ignored


@export("_start")
def begin(report: ptr[StageReport]) -> NoReturn:
    if report.magic != HANDOFF_MAGIC:
        fail("the BIOS loader was started by something that is not its own first stage")
    if report.has_mode != 0:
        describe_mode(MODE_INFO_BASE, report.video_version, addr(_handoff.framebuffer))
        open_screen(addr(_handoff.framebuffer), FONT_BASE)
    _handoff.loader_name = b"Ringneck bios\0"
    _handoff.firmware_type = protocol.FIRMWARE_BIOS
    _handoff.archive = span(ptr[u8](u64(report.archive_address)), u64(report.archive_bytes))
    _handoff.command_line = _handoff.archive[0:0]
    _handoff.rsdp = find_root_pointer()
    for index in range(u64(report.map_count)):
        told = ptr[RangeDescriptor](MAP_BASE + index * sizeof(RangeDescriptor))
        if (told.attributes & 1) != 0:
            pages.add_region(told.address, told.size, e820.region_kind(told.kind))
    pages.finish_regions()
    _check_archive_memory(u64(report.archive_address), u64(report.archive_bytes))
    start.boot(addr(_handoff))


def _check_archive_memory(address: u64, length: u64) -> None:
    """The stage loads without looking at the memory map."""
    for at in range(address, address + length, PAGE_BYTES):
        if kind_of(addr(pages.memory), at) != protocol.MEMORY_USABLE:
            fail("the boot archive does not fit into the memory behind 4 MiB")
