"""The start info read into a hand-off: memory map, archive, command line, root pointer.

Everything that lies in memory which the map calls usable is copied before the core allocates anything.
"""
from boot.core import e820, pages
from boot.core.handoff import Handoff
from boot.core.report import fail
from boot.direct.start_info import START_MAGIC, MapEntry, ModuleEntry, StartInfo
from boot.limine import protocol
from compiler.prelude import array, const, ptr, sizeof, span, u8, u64, zeroed

LONGEST_COMMAND_LINE = const(2048)

_command_line: array[u8, LONGEST_COMMAND_LINE] = zeroed()


def receive(info: ptr[StartInfo], handoff: ptr[Handoff]) -> None:
    """Fills all of the hand-off but the framebuffer."""
    if info.magic != START_MAGIC or info.version < 1:
        fail("started by something that is not QEMU -kernel (no PVH start info of version 1)")
    if info.module_count == 0:
        fail("there is no boot archive: give QEMU -initrd build/boot.tar")
    module = ptr[ModuleEntry](info.modules)
    handoff.loader_name = b"Ringneck direct\0"
    handoff.firmware_type = protocol.FIRMWARE_BIOS
    handoff.archive = span(ptr[u8](module.address), module.size)
    handoff.command_line = _copy_command_line(info.command_line)
    handoff.rsdp = info.rsdp
    for index in range(u64(info.memory_map_count)):
        told = ptr[MapEntry](info.memory_map + index * sizeof(MapEntry))
        pages.add_region(told.address, told.size, e820.region_kind(told.kind))
    pages.finish_regions()


def _copy_command_line(address: u64) -> span[u8]:
    length: u64 = 0
    while address != 0 and ptr[u8](address)[length] != 0:
        if length == LONGEST_COMMAND_LINE:
            fail("the kernel command line is longer than 2048 bytes")
        _command_line[length] = ptr[u8](address)[length]
        length += 1
    return _command_line[0:length]
