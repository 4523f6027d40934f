"""What the loader told about the machine, copied into the configuration: its answers lie in memory that is reused.

Not here: where the copies are (core/configuration.py).
"""
from boot.limine.protocol import (
    BootloaderInfoResponse,
    DateAtBootResponse,
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
    RsdpResponse,
)
from compiler.prelude import addr, array, const, copy, ptr, span, u8, u64, zeroed
from kernel.boot import requests
from kernel.config import (
    COMMAND_LINE_BYTES,
    CPU_LIMIT,
    LOADER_NAME_BYTES,
    MEMORY_REGION_LIMIT,
    MODULE_LIMIT,
    MODULE_NAME_BYTES,
)
from kernel.core import log, screen
from kernel.core.configuration import given
from kernel.core.options import is_equal
from kernel.memory.regions import TOO_MANY, put_in_order

TOO_LONG = const(0xFFFF_FFFF_FFFF_FFFF)
_SPACE = const(0x20)

_told_regions: array[MemoryMapEntry, MEMORY_REGION_LIMIT] = zeroed()


def read_answers() -> str:
    """Copies every answer. Returns what is wrong with them, or nothing."""
    if requests.base_revision.requested_revision != 0:
        return "the loader does not speak revision 3 of the Limine boot protocol: use a late Limine 8 or newer"
    _read_date_and_tables()
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
    answer = requests.bootloader_info.response
    if answer == 0:
        return "the loader did not tell its name"
    name = ptr[BootloaderInfoResponse](answer).name
    given.loader_name_length = _copy_text(name, addr(given.loader_name[0]), LOADER_NAME_BYTES)
    answer = requests.executable_file.response
    if answer == 0:
        return "the loader did not give the command line"
    text = ptr[File](ptr[ExecutableFileResponse](answer).file).string
    given.command_line_length = _copy_text(text, addr(given.command_line[0]), COMMAND_LINE_BYTES)
    if given.command_line_length == TOO_LONG:
        given.command_line_length = _whole_words()
        log.warn("boot: the command line is longer than 1024 bytes: the words behind are left out")
    return "the loader's name is longer than 32 bytes" if given.loader_name_length == TOO_LONG else ""


def _whole_words() -> u64:
    """How much of the command line is there without its last word, which may have been cut."""
    length: u64 = COMMAND_LINE_BYTES
    while length != 0 and given.command_line[length - 1] != _SPACE:
        length -= 1
    return length


def _read_date_and_tables() -> None:
    """A machine need have neither."""
    answer = requests.date.response
    if answer != 0:
        given.boot_seconds = ptr[DateAtBootResponse](answer).timestamp
    answer = requests.root_table.response
    if answer != 0:
        given.root_pointer = ptr[RsdpResponse](answer).address


def _take_screen() -> None:
    """The first screen; a machine need not have any."""
    answer = requests.framebuffer.response
    if answer == 0 or ptr[FramebufferResponse](answer).framebuffer_count == 0:
        return
    form = ptr[Framebuffer](_pointer(ptr[FramebufferResponse](answer).framebuffers, 0))
    if screen.start(form):
        given.screen = copy(form[0])
        given.screen.edid_size = 0
        given.screen.edid = 0


def _read_memory() -> str:
    answer = requests.direct_map.response
    if answer == 0:
        return "the loader did not tell where physical memory is mapped"
    given.direct_map = ptr[HhdmResponse](answer).offset
    answer = requests.executable_address.response
    if answer == 0:
        return "the loader did not tell where it put the kernel"
    given.image_physical = ptr[ExecutableAddressResponse](answer).physical_base
    answer = requests.memory_map.response
    if answer == 0:
        return "the loader did not give the memory map"
    memory_map = ptr[MemoryMapResponse](answer)
    if memory_map.entry_count > MEMORY_REGION_LIMIT:
        return "the memory map has more than 512 regions"
    for index in range(memory_map.entry_count):
        _told_regions[index] = copy(ptr[MemoryMapEntry](_pointer(memory_map.entries, index))[0])
    given.region_count = put_in_order(_told_regions[0 : memory_map.entry_count], given.regions[0:MEMORY_REGION_LIMIT])
    if given.region_count == TOO_MANY:
        return "the regions of the memory map overlap in more than 512 pieces"
    return ""


def module_file(name: span[u8]) -> span[u8]:
    """The contents of the module NAME.elf; empty when there is none."""
    for index in range(given.module_count):
        module = addr(given.modules[index])
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
    answer = requests.modules.response
    if answer == 0:
        return "the loader gave no modules: the first program, init.elf, must be one"
    response = ptr[ModuleResponse](answer)
    if response.module_count > MODULE_LIMIT:
        return "there are more than 16 modules"
    given.module_count = response.module_count
    for index in range(given.module_count):
        file = ptr[File](_pointer(response.modules, index))
        module = addr(given.modules[index])
        module.address = file.address
        module.length = file.size
        module.name_length = _copy_text(_last_part(file.path), addr(module.name[0]), MODULE_NAME_BYTES)
        if module.name_length == TOO_LONG:
            return "the name of a module is longer than 32 bytes"
    return ""


def _read_processors() -> str:
    answer = requests.processors.response
    if answer == 0:
        return "the loader did not list the processors"
    response = ptr[MpResponse](answer)
    given.boot_apic_id = response.bsp_lapic_id
    given.cpu_count = min(response.cpu_count, CPU_LIMIT)
    for index in range(given.cpu_count):
        given.cpu_infos[index] = _pointer(response.cpus, index)
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
