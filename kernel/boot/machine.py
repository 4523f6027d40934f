"""What the loader told about the machine, copied: the answers lie in memory that is later reused.

Owns: the copies. Written once, by read_answers(), on the boot CPU; read-only from then on.
"""
from boot.limine.protocol import (
    BootloaderInfoResponse,
    ExecutableAddressResponse,
    ExecutableFileResponse,
    File,
    Framebuffer,
    FramebufferResponse,
    HhdmResponse,
    MemoryMapEntry,
    MemoryMapResponse,
    ModuleResponse,
    MpResponse,
)
from compiler.prelude import addr, array, const, copy, ptr, span, struct, u8, u32, u64, zeroed
from kernel.boot import firmware_tables, requests
from kernel.config import (
    COMMAND_LINE_BYTES,
    CPU_LIMIT,
    LOADER_NAME_BYTES,
    MEMORY_REGION_LIMIT,
    MODULE_LIMIT,
    MODULE_NAME_BYTES,
)
from kernel.core import screen
from kernel.core.options import is_equal
from kernel.memory.regions import TOO_MANY, put_in_order

TOO_LONG = const(0xFFFF_FFFF_FFFF_FFFF)


@struct
class Module:
    address: u64                        # in the physical window
    length: u64
    name: array[u8, MODULE_NAME_BYTES]  # the last part of its path
    name_length: u64


direct_map: u64 = 0
image_physical: u64 = 0
boot_apic_id: u32 = 0
cpu_count: u64 = 0
cpu_infos: array[u64, CPU_LIMIT] = zeroed()             # addresses of MpInfo records, in loader memory
module_count: u64 = 0
modules: array[Module, MODULE_LIMIT] = zeroed()

_given_regions: array[MemoryMapEntry, MEMORY_REGION_LIMIT] = zeroed()
_regions: array[MemoryMapEntry, MEMORY_REGION_LIMIT] = zeroed()
_region_count: u64 = 0
_command_line: array[u8, COMMAND_LINE_BYTES] = zeroed()
_command_line_length: u64 = 0
_loader_name: array[u8, LOADER_NAME_BYTES] = zeroed()
_loader_name_length: u64 = 0


def regions() -> span[MemoryMapEntry]:
    return _regions[0:_region_count]


def command_line() -> span[u8]:
    return _command_line[0:_command_line_length]


def loader_name() -> span[u8]:
    return _loader_name[0:_loader_name_length]


def read_answers() -> str:
    """Copies every answer. Returns what is wrong with them, or nothing."""
    if requests.base_revision.requested_revision != 0:
        return "the loader does not speak revision 3 of the Limine boot protocol: use a late Limine 8 or newer"
    firmware_tables.note_root()
    _take_screen()
    problem = _read_loader()
    if len(problem) == 0:
        problem = _read_memory()
    if len(problem) == 0:
        problem = _read_modules()
    if len(problem) == 0:
        problem = _read_processors()
    return problem


def _read_loader() -> str:
    global _loader_name_length, _command_line_length
    answer = requests.bootloader_info.response
    if answer == 0:
        return "the loader did not tell its name"
    name = ptr[BootloaderInfoResponse](answer).name
    _loader_name_length = _copy_text(name, addr(_loader_name[0]), LOADER_NAME_BYTES)
    answer = requests.executable_file.response
    if answer == 0:
        return "the loader did not give the command line"
    text = ptr[File](ptr[ExecutableFileResponse](answer).file).string
    _command_line_length = _copy_text(text, addr(_command_line[0]), COMMAND_LINE_BYTES)
    if _loader_name_length == TOO_LONG or _command_line_length == TOO_LONG:
        return "the kernel command line is longer than 1024 bytes, or the loader's name longer than 32"
    return ""


def _take_screen() -> None:
    """The first screen; a machine need not have any."""
    answer = requests.framebuffer.response
    if answer == 0 or ptr[FramebufferResponse](answer).framebuffer_count == 0:
        return
    screen.start(ptr[Framebuffer](_pointer(ptr[FramebufferResponse](answer).framebuffers, 0)))


def _read_memory() -> str:
    global direct_map, image_physical, _region_count
    answer = requests.direct_map.response
    if answer == 0:
        return "the loader did not tell where physical memory is mapped"
    direct_map = ptr[HhdmResponse](answer).offset
    answer = requests.executable_address.response
    if answer == 0:
        return "the loader did not tell where it put the kernel"
    image_physical = ptr[ExecutableAddressResponse](answer).physical_base
    answer = requests.memory_map.response
    if answer == 0:
        return "the loader did not give the memory map"
    memory_map = ptr[MemoryMapResponse](answer)
    if memory_map.entry_count > MEMORY_REGION_LIMIT:
        return "the memory map has more than 512 regions"
    for index in range(memory_map.entry_count):
        _given_regions[index] = copy(ptr[MemoryMapEntry](_pointer(memory_map.entries, index))[0])
    _region_count = put_in_order(_given_regions[0 : memory_map.entry_count], _regions[0:MEMORY_REGION_LIMIT])
    if _region_count == TOO_MANY:
        return "the regions of the memory map overlap in more than 512 pieces"
    return ""


def module_file(name: span[u8]) -> span[u8]:
    """The contents of the module NAME.elf; empty when there is none."""
    for index in range(module_count):
        module = addr(modules[index])
        if _is_elf_named(module.name[0 : module.name_length], name):
            return span(ptr[u8](module.address), module.length)
    return b""


def has_module(name: span[u8]) -> bool:
    return len(module_file(name)) != 0


def _is_elf_named(file: span[u8], name: span[u8]) -> bool:
    if len(file) != len(name) + 4 or not is_equal(file[len(name) :], ".elf"):
        return False
    for index in range(len(name)):
        if file[index] != name[index]:
            return False
    return True


def _read_modules() -> str:
    global module_count
    answer = requests.modules.response
    if answer == 0:
        return "the loader gave no modules: the first program, init.elf, must be one"
    response = ptr[ModuleResponse](answer)
    if response.module_count > MODULE_LIMIT:
        return "there are more than 16 modules"
    module_count = response.module_count
    for index in range(module_count):
        file = ptr[File](_pointer(response.modules, index))
        module = addr(modules[index])
        module.address = file.address
        module.length = file.size
        module.name_length = _copy_text(_last_part(file.path), addr(module.name[0]), MODULE_NAME_BYTES)
        if module.name_length == TOO_LONG:
            return "the name of a module is longer than 32 bytes"
    return ""


def _read_processors() -> str:
    global boot_apic_id, cpu_count
    answer = requests.processors.response
    if answer == 0:
        return "the loader did not list the processors"
    response = ptr[MpResponse](answer)
    boot_apic_id = response.bsp_lapic_id
    cpu_count = min(response.cpu_count, CPU_LIMIT)
    for index in range(cpu_count):
        cpu_infos[index] = _pointer(response.cpus, index)
    return ""


def _pointer(list_address: u64, index: u64) -> u64:
    return ptr[u64](list_address)[index]


def _last_part(path: u64) -> u64:
    """The address behind the last slash of a zero-terminated text."""
    text = ptr[u8](path)
    start: u64 = 0
    index: u64 = 0
    while text[index] != 0:
        if text[index] == 0x2F:
            start = index + 1
        index += 1
    return path + start


def _copy_text(source: u64, destination: ptr[u8], room: u64) -> u64:
    """Copies a zero-terminated text and returns its length, TOO_LONG when there is no room for it."""
    text = ptr[u8](source)
    length: u64 = 0
    while text[length] != 0:
        if length == room:
            return TOO_LONG
        destination[length] = text[length]
        length += 1
    return length
