"""The Limine boot protocol, base revision 3: request identifiers and the layouts of requests and responses.

Owns: every number and layout of the protocol, for the kernel that asks and for our loaders that answer.
Source: PROTOCOL.md of the Limine project (feature list, memory layout, machine state at entry).
Revision 3 differs from 2: the direct map holds only usable, loader-reclaimable, executable-and-modules and
framebuffer regions; the RSDP and the EFI system table come as physical addresses; the loader writes the
revision it used into the second word of the base revision tag.
Invariants: every address in a response is virtual, inside the direct map, unless its field says physical.
Not here: how a loader finds requests (boot/core/requests.py).
"""
from compiler.prelude import atomic, const, sizeof, struct, u8, u16, u32, u64, volatile

BASE_REVISION = const(3)
BASE_REVISION_MAGIC_0 = const(0xF9562B2D5C95A6C8)
BASE_REVISION_MAGIC_1 = const(0x6A7B384944536BDC)

START_MARKER_0 = const(0xF6B8F4B39DE7D1AE)
START_MARKER_1 = const(0xFAB91A6940FCB9CF)
START_MARKER_2 = const(0x785C6ED015D3E316)
START_MARKER_3 = const(0x181E920A7852B9D9)
END_MARKER_0 = const(0xADC0E0531BB10D03)
END_MARKER_1 = const(0x9572709F31764C62)

COMMON_MAGIC_0 = const(0xC7B1DD30DF4C8B88)
COMMON_MAGIC_1 = const(0x0A82E883A194F07B)

# The two words that follow the common magic name the feature.
BOOTLOADER_INFO_0 = const(0xF55038D8E2A1202F)
BOOTLOADER_INFO_1 = const(0x279426FCF5F59740)
EXECUTABLE_CMDLINE_0 = const(0x4B161536E598651E)
EXECUTABLE_CMDLINE_1 = const(0xB390AD4A2F1F303A)
FIRMWARE_TYPE_0 = const(0x8C2F75D90BEF28A8)
FIRMWARE_TYPE_1 = const(0x7045A4688EAC00C3)
STACK_SIZE_0 = const(0x224EF0460A8E8926)
STACK_SIZE_1 = const(0xE1CB0FC25F46EA3D)
HHDM_0 = const(0x48DCF1CB8AD2B852)
HHDM_1 = const(0x63984E959A98244B)
FRAMEBUFFER_0 = const(0x9D5827DCD881DD75)
FRAMEBUFFER_1 = const(0xA3148604F6FAB11B)
PAGING_MODE_0 = const(0x95C1A0EDAB0944CB)
PAGING_MODE_1 = const(0xA4E5CB3842F7488A)
MP_0 = const(0x95A67B819A1B857E)
MP_1 = const(0xA0B61B723B6A73E0)
MEMORY_MAP_0 = const(0x67CF3D9D378A806F)
MEMORY_MAP_1 = const(0xE304ACDFC50C3C62)
ENTRY_POINT_0 = const(0x13D86C035A1CD3E1)
ENTRY_POINT_1 = const(0x2B0CAA89D8F3026A)
EXECUTABLE_FILE_0 = const(0xAD97E90E83F1ED67)
EXECUTABLE_FILE_1 = const(0x31EB5D1C5FF23B69)
MODULE_0 = const(0x3E7E279702BE32AF)
MODULE_1 = const(0xCA1C4F3BD1280CEE)
RSDP_0 = const(0xC5E77B6B397E7B43)
RSDP_1 = const(0x27637845ACCDCF3C)
EFI_SYSTEM_TABLE_0 = const(0x5CEBA5163EAAF6D6)
EFI_SYSTEM_TABLE_1 = const(0x0A6981610CF65FCC)
DATE_AT_BOOT_0 = const(0x502746E184C088AA)
DATE_AT_BOOT_1 = const(0xFBC5EC83E6327893)
EXECUTABLE_ADDRESS_0 = const(0x71BA76863CC55F63)
EXECUTABLE_ADDRESS_1 = const(0xB2644A48C516A487)

MEMORY_USABLE = const(0)
MEMORY_RESERVED = const(1)
MEMORY_ACPI_RECLAIMABLE = const(2)
MEMORY_ACPI_NVS = const(3)
MEMORY_BAD = const(4)
MEMORY_BOOTLOADER_RECLAIMABLE = const(5)
MEMORY_EXECUTABLE_AND_MODULES = const(6)
MEMORY_FRAMEBUFFER = const(7)

FIRMWARE_BIOS = const(0)
FIRMWARE_UEFI_32 = const(1)
FIRMWARE_UEFI_64 = const(2)

PAGING_FOUR_LEVEL = const(0)
PAGING_FIVE_LEVEL = const(1)

MP_X2APIC = const(1)                    # request: wanted if possible; response: enabled
FRAMEBUFFER_RGB = const(1)
LOWEST_EXECUTABLE_ADDRESS = const(0xFFFFFFFF80000000)
SMALLEST_STACK_BYTES = const(65536)


@struct
class BaseRevisionTag:
    magic_0: u64 = BASE_REVISION_MAGIC_0
    loaded_revision: volatile[u64] = BASE_REVISION_MAGIC_1     # the revision in force, from loaders that know 3
    requested_revision: volatile[u64] = BASE_REVISION          # 0 once the loader agreed


@struct
class StartMarker:
    word_0: u64 = START_MARKER_0
    word_1: u64 = START_MARKER_1
    word_2: u64 = START_MARKER_2
    word_3: u64 = START_MARKER_3


@struct
class EndMarker:
    word_0: u64 = END_MARKER_0
    word_1: u64 = END_MARKER_1


@struct
class Request:
    """A request without fields of its own; every other request begins with the same six words."""
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = 0
    feature_1: u64 = 0
    revision: u64 = 0
    response: volatile[u64] = 0         # address of the response, 0 while unanswered


@struct
class StackSizeRequest:
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = STACK_SIZE_0
    feature_1: u64 = STACK_SIZE_1
    revision: u64 = 0
    response: volatile[u64] = 0
    stack_size: u64 = SMALLEST_STACK_BYTES


@struct
class PagingModeRequest:
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = PAGING_MODE_0
    feature_1: u64 = PAGING_MODE_1
    revision: u64 = 1
    response: volatile[u64] = 0
    mode: u64 = PAGING_FOUR_LEVEL
    max_mode: u64 = PAGING_FOUR_LEVEL
    min_mode: u64 = PAGING_FOUR_LEVEL


@struct
class MpRequest:
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = MP_0
    feature_1: u64 = MP_1
    revision: u64 = 0
    response: volatile[u64] = 0
    flags: u64 = 0


@struct
class EntryPointRequest:
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = ENTRY_POINT_0
    feature_1: u64 = ENTRY_POINT_1
    revision: u64 = 0
    response: volatile[u64] = 0
    entry: u64 = 0


@struct
class ModuleRequest:
    magic_0: u64 = COMMON_MAGIC_0
    magic_1: u64 = COMMON_MAGIC_1
    feature_0: u64 = MODULE_0
    feature_1: u64 = MODULE_1
    revision: u64 = 0
    response: volatile[u64] = 0
    internal_module_count: u64 = 0      # read from revision 1 on
    internal_modules: u64 = 0


@struct
class EmptyResponse:
    """Stack size and entry point: granted."""
    revision: u64 = 0


@struct
class BootloaderInfoResponse:
    revision: u64 = 0
    name: u64 = 0                       # zero-terminated text
    version: u64 = 0                    # zero-terminated text


@struct
class ExecutableCmdlineResponse:
    revision: u64 = 0
    cmdline: u64 = 0                    # zero-terminated text


@struct
class FirmwareTypeResponse:
    revision: u64 = 0
    firmware_type: u64 = 0


@struct
class HhdmResponse:
    revision: u64 = 0
    offset: u64 = 0


@struct
class FramebufferResponse:
    revision: u64 = 0
    framebuffer_count: u64 = 0
    framebuffers: u64 = 0               # address of an array of addresses of Framebuffer


@struct
class Framebuffer:
    address: u64 = 0
    width: u64 = 0
    height: u64 = 0
    pitch: u64 = 0                      # bytes from one line to the next
    bpp: u16 = 0                        # bits per pixel
    memory_model: u8 = 0
    red_mask_size: u8 = 0
    red_mask_shift: u8 = 0
    green_mask_size: u8 = 0
    green_mask_shift: u8 = 0
    blue_mask_size: u8 = 0
    blue_mask_shift: u8 = 0
    unused_0: u8 = 0
    unused_1: u16 = 0
    unused_2: u32 = 0
    edid_size: u64 = 0
    edid: u64 = 0
    mode_count: u64 = 0                 # from response revision 1 on
    modes: u64 = 0


@struct
class PagingModeResponse:
    revision: u64 = 0
    mode: u64 = 0


@struct
class MpResponse:
    revision: u64 = 0
    flags: u32 = 0
    bsp_lapic_id: u32 = 0
    cpu_count: u64 = 0                  # with the boot processor; processors that did not answer are missing
    cpus: u64 = 0                       # address of an array of addresses of MpInfo


@struct
class MpInfo:
    processor_id: u32                   # ACPI processor UID
    lapic_id: u32
    reserved: u64
    goto_address: atomic[u64]           # a store releases the parked processor, with its MpInfo's address in rdi
    extra_argument: u64


@struct
class MemoryMapResponse:
    revision: u64 = 0
    entry_count: u64 = 0
    entries: u64 = 0                    # address of an array of addresses of MemoryMapEntry, sorted by base


@struct
class MemoryMapEntry:
    base: u64 = 0                       # physical
    length: u64 = 0
    kind: u64 = 0                       # MEMORY_...


@struct
class ExecutableFileResponse:
    revision: u64 = 0
    file: u64 = 0                       # address of a File


@struct
class ModuleResponse:
    revision: u64 = 0
    module_count: u64 = 0
    modules: u64 = 0                    # address of an array of addresses of File


@struct
class File:
    revision: u64 = 0
    address: u64 = 0                    # page aligned
    size: u64 = 0
    path: u64 = 0                       # zero-terminated text with a leading slash
    string: u64 = 0                     # zero-terminated text: the command line of this file
    media_type: u32 = 0
    unused: u32 = 0
    tftp_ip: u32 = 0
    tftp_port: u32 = 0
    partition_index: u32 = 0
    mbr_disk_id: u32 = 0
    disk_uuid_0: u64 = 0
    disk_uuid_1: u64 = 0
    partition_uuid_0: u64 = 0
    partition_uuid_1: u64 = 0
    filesystem_uuid_0: u64 = 0
    filesystem_uuid_1: u64 = 0


@struct
class RsdpResponse:
    revision: u64 = 0
    address: u64 = 0                    # physical


@struct
class EfiSystemTableResponse:
    revision: u64 = 0
    address: u64 = 0                    # physical


@struct
class DateAtBootResponse:
    revision: u64 = 0
    timestamp: u64 = 0                  # seconds since 1970, from the real-time clock


@struct
class ExecutableAddressResponse:
    revision: u64 = 0
    physical_base: u64 = 0
    virtual_base: u64 = 0


assert sizeof(Request) == 48
assert sizeof(PagingModeRequest) == 72
assert sizeof(Framebuffer) == 80
assert sizeof(MpInfo) == 32
assert sizeof(File) == 112
