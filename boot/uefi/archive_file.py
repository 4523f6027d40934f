"""The boot archive read from the volume that the application was started from.

Every failure says which file and what the firmware answered.
"""
from boot.core.report import fail, fail_about
from boot.core.rounding import round_up
from boot.uefi import firmware
from boot.uefi.facts import ARCHIVE_PATH
from boot.uefi.firmware import BootServices, FileProtocol, FileSystem, LoadedImage, SystemTable, call_firmware
from compiler.prelude import addr, array, const, ptr, span, u8, u16, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES

LIMIT = const(0xFFFFFFFF)
LONGEST_PATH = const(64)

_path: array[u16, LONGEST_PATH] = zeroed()


def read_archive(image: u64, system: ptr[SystemTable]) -> span[u8]:
    boot = ptr[BootServices](system.boot_services)
    loaded = ptr[LoadedImage](_find_protocol(boot, image, addr(firmware.LOADED_IMAGE)))
    volume = _find_protocol(boot, loaded.device, addr(firmware.FILE_SYSTEM))
    root: u64 = 0
    if call_firmware(ptr[FileSystem](volume).open_volume, volume, u64(addr(root)), 0, 0, 0) != firmware.SUCCESS:
        fail("the volume that this loader was started from cannot be opened")
    file = _open(root)
    length = _measure(file)
    place: u64 = LIMIT
    pages = round_up(length, PAGE_BYTES) // PAGE_BYTES
    allocate = boot.allocate_pages
    status = call_firmware(allocate, firmware.ALLOCATE_BELOW, firmware.LOADER_DATA, pages, u64(addr(place)), 0)
    if status != firmware.SUCCESS:
        fail("not enough memory below 4 GiB for the boot archive")
    wanted = length
    status = call_firmware(ptr[FileProtocol](file).read, file, u64(addr(wanted)), place, 0, 0)
    if status != firmware.SUCCESS or wanted != length:
        fail_about("cannot be read to its end", ARCHIVE_PATH)
    _ = call_firmware(ptr[FileProtocol](file).close, file, 0, 0, 0, 0)
    return span(ptr[u8](place), length)


def _find_protocol(boot: ptr[BootServices], handle: u64, guid: ptr[firmware.Guid]) -> u64:
    interface: u64 = 0
    if call_firmware(boot.handle_protocol, handle, u64(guid), u64(addr(interface)), 0, 0) != firmware.SUCCESS:
        fail("the firmware cannot tell which volume this loader was started from")
    return interface


def _open(root: u64) -> u64:
    length: u64 = 0
    for value in ARCHIVE_PATH:
        _path[length] = u16(value)
        length += 1
    file: u64 = 0
    open_function = ptr[FileProtocol](root).open
    status = call_firmware(open_function, root, u64(addr(file)), u64(addr(_path)), firmware.OPEN_TO_READ, 0)
    if status == firmware.NOT_FOUND:
        fail_about("this file is missing on the boot volume", ARCHIVE_PATH)
    if status != firmware.SUCCESS:
        fail_about("this file cannot be opened", ARCHIVE_PATH)
    return file


def _measure(file: u64) -> u64:
    """The file's size: the position after seeking its end."""
    size: u64 = 0
    functions = ptr[FileProtocol](file)
    if call_firmware(functions.set_position, file, firmware.END_OF_FILE, 0, 0, 0) != firmware.SUCCESS:
        fail_about("the size of this file cannot be read", ARCHIVE_PATH)
    if call_firmware(functions.get_position, file, u64(addr(size)), 0, 0, 0) != firmware.SUCCESS or size == 0:
        fail_about("this file is empty", ARCHIVE_PATH)
    _ = call_firmware(functions.set_position, file, 0, 0, 0, 0)
    return size
