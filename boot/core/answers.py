"""The response to every request that the kernel makes and this loader knows; others stay unanswered.

Records lie in loader-reclaimable memory and are named to the kernel by their direct-map addresses.
The memory map is answered last, when nothing is allocated any more (finish_memory_map).
"""
from boot.core import files, processors
from boot.core.files import copy_text, make_file
from boot.core.handoff import LOADER_VERSION, Handoff
from boot.core.kernel_image import KernelImage
from boot.core.memory_map import MAX_REGIONS
from boot.core.pages import allocate_bytes, memory
from boot.core.paging import DIRECT_MAP
from boot.core.real_time_clock import read_date
from boot.limine import protocol
from boot.limine.protocol import Request
from compiler.prelude import addr, copy, ptr, sizeof, span, u8, u32, u64


def answer_request(
    request: ptr[Request], handoff: ptr[Handoff], image: ptr[KernelImage], command_line: span[u8]
) -> None:
    """Everything that needs neither processors nor the final memory map."""
    response: u64 = 0
    match request.feature_0:
        case protocol.BOOTLOADER_INFO_0:
            response = _bootloader_info(handoff)
        case protocol.EXECUTABLE_CMDLINE_0:
            response = _one_word(copy_text(command_line, command_line[0:0]) + DIRECT_MAP)
        case protocol.FIRMWARE_TYPE_0:
            response = _one_word(handoff.firmware_type)
        case protocol.STACK_SIZE_0 | protocol.ENTRY_POINT_0:
            response = _one_word(0)
        case protocol.HHDM_0:
            response = _one_word(DIRECT_MAP)
        case protocol.PAGING_MODE_0:
            response = _one_word(protocol.PAGING_FOUR_LEVEL)
        case protocol.FRAMEBUFFER_0:
            response = _framebuffer(handoff)
        case protocol.EXECUTABLE_FILE_0:
            content = files.open_kernel(handoff.archive)
            response = _one_word(make_file(b"kernel.elf", content, command_line, DIRECT_MAP) + DIRECT_MAP)
        case protocol.MODULE_0:
            response = _list(addr(files.modules[0]), files.module_count)
        case protocol.RSDP_0:
            if handoff.rsdp != 0:
                response = _one_word(handoff.rsdp)
        case protocol.EFI_SYSTEM_TABLE_0:
            if handoff.efi_system_table != 0:
                response = _one_word(handoff.efi_system_table)
        case protocol.DATE_AT_BOOT_0:
            response = _one_word(read_date())
        case protocol.EXECUTABLE_ADDRESS_0:
            response = _two_words(image.physical_base, image.virtual_base)
        case _:
            pass
    if response != 0:
        request.response = response + DIRECT_MAP


def answer_processors(request: ptr[Request], is_x2apic: bool, boot_apic_id: u32) -> None:
    response = ptr[protocol.MpResponse](allocate_bytes(sizeof(protocol.MpResponse), 8))
    response.flags = protocol.MP_X2APIC if is_x2apic else 0
    response.bsp_lapic_id = boot_apic_id
    response.cpu_count = processors.count
    response.cpus = _pointers(addr(processors.infos[0]), processors.count) + DIRECT_MAP
    request.response = u64(response) + DIRECT_MAP


def reserve_memory_map() -> u64:
    """Memory for the answer to the memory map request: the answer must not change the map."""
    return allocate_bytes(MAX_REGIONS * (sizeof(protocol.MemoryMapEntry) + 8) + sizeof(protocol.MemoryMapResponse), 8)


def finish_memory_map(request: ptr[Request], place: u64) -> None:
    """Fills the reserved memory with the map as it is now. Nothing may be allocated from here on."""
    response = ptr[protocol.MemoryMapResponse](place)
    pointers = place + sizeof(protocol.MemoryMapResponse)
    entries = pointers + MAX_REGIONS * 8
    for index in range(memory.count):
        entry = entries + index * sizeof(protocol.MemoryMapEntry)
        ptr[protocol.MemoryMapEntry](entry)[0] = copy(memory.regions[index])
        ptr[u64](pointers + index * 8)[0] = entry + DIRECT_MAP
    response.entry_count = memory.count
    response.entries = pointers + DIRECT_MAP
    request.response = place + DIRECT_MAP


def _bootloader_info(handoff: ptr[Handoff]) -> u64:
    name = copy_text(handoff.loader_name, LOADER_VERSION[0:0])
    version = copy_text(LOADER_VERSION, LOADER_VERSION[0:0])
    return _two_words(name + DIRECT_MAP, version + DIRECT_MAP)


def _framebuffer(handoff: ptr[Handoff]) -> u64:
    if handoff.framebuffer.address == 0:
        return 0
    framebuffer = ptr[protocol.Framebuffer](allocate_bytes(sizeof(protocol.Framebuffer), 8))
    framebuffer[0] = copy(handoff.framebuffer)
    framebuffer.address = handoff.framebuffer.address + DIRECT_MAP
    place = u64(framebuffer)
    return _list(addr(place), 1)


def _list(addresses: ptr[u64], count: u64) -> u64:
    """A response that holds a count and the address of an array of addresses."""
    return _two_words(count, _pointers(addresses, count) + DIRECT_MAP)


def _pointers(addresses: ptr[u64], count: u64) -> u64:
    """Identity addresses copied to an array of direct-map addresses."""
    place = allocate_bytes(max(count, 1) * 8, 8)
    for index in range(count):
        ptr[u64](place + index * 8)[0] = addresses[index] + DIRECT_MAP
    return place


def _one_word(word: u64) -> u64:
    """A response of revision 0 with one field."""
    place = allocate_bytes(16, 8)
    ptr[u64](place + 8)[0] = word
    return place


def _two_words(first: u64, second: u64) -> u64:
    place = allocate_bytes(24, 8)
    ptr[u64](place + 8)[0] = first
    ptr[u64](place + 16)[0] = second
    return place
