"""What the kernel asks of its loader, by the Limine boot protocol.

The loader finds these in the loaded image by their magic words and writes the address of each answer into it.
"""
from boot.limine import protocol
from boot.limine.protocol import BaseRevisionTag, EndMarker, MpRequest, Request, StartMarker
from compiler.prelude import placed

_start: StartMarker = placed(StartMarker(), section=".limine_requests_start", keep=True)

base_revision: BaseRevisionTag = placed(BaseRevisionTag(), section=".limine_requests", keep=True)

bootloader_info: Request = placed(
    Request(feature_0=protocol.BOOTLOADER_INFO_0, feature_1=protocol.BOOTLOADER_INFO_1),
    section=".limine_requests",
    keep=True,
)
# The command line comes with the file: its own feature is younger than Limine 8.
executable_file: Request = placed(
    Request(feature_0=protocol.EXECUTABLE_FILE_0, feature_1=protocol.EXECUTABLE_FILE_1),
    section=".limine_requests",
    keep=True,
)
direct_map: Request = placed(
    Request(feature_0=protocol.HHDM_0, feature_1=protocol.HHDM_1),
    section=".limine_requests",
    keep=True,
)
memory_map: Request = placed(
    Request(feature_0=protocol.MEMORY_MAP_0, feature_1=protocol.MEMORY_MAP_1),
    section=".limine_requests",
    keep=True,
)
executable_address: Request = placed(
    Request(feature_0=protocol.EXECUTABLE_ADDRESS_0, feature_1=protocol.EXECUTABLE_ADDRESS_1),
    section=".limine_requests",
    keep=True,
)
modules: Request = placed(
    Request(feature_0=protocol.MODULE_0, feature_1=protocol.MODULE_1),
    section=".limine_requests",
    keep=True,
)
root_table: Request = placed(
    Request(feature_0=protocol.RSDP_0, feature_1=protocol.RSDP_1),
    section=".limine_requests",
    keep=True,
)
date: Request = placed(
    Request(feature_0=protocol.DATE_AT_BOOT_0, feature_1=protocol.DATE_AT_BOOT_1),
    section=".limine_requests",
    keep=True,
)
framebuffer: Request = placed(
    Request(feature_0=protocol.FRAMEBUFFER_0, feature_1=protocol.FRAMEBUFFER_1),
    section=".limine_requests",
    keep=True,
)
processors: MpRequest = placed(MpRequest(flags=protocol.MP_X2APIC), section=".limine_requests", keep=True)

_end: EndMarker = placed(EndMarker(), section=".limine_requests_end", keep=True)
