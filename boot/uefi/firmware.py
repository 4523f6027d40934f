"""The tables and protocols of UEFI as far as the loader calls them, and the call itself.

Source: UEFI 2.10: 4.3 (system table), 4.4 (boot services), 9.1 (loaded image), 12.4 and 12.5 (text output),
13.4 and 13.5 (files), 12.9 (graphics output); 2.3.4 (calling convention of x64 firmware).
"""
from compiler.prelude import asm_x64, const, naked, offsetof, struct, u32, u64
from compiler.prelude.x64 import *

SUCCESS = const(0)
ERROR = const(1 << 63)
INVALID_PARAMETER = const(ERROR + 2)
UNSUPPORTED = const(ERROR + 3)
NOT_FOUND = const(ERROR + 14)
SECURITY_VIOLATION = const(ERROR + 26)

ALLOCATE_BELOW = const(1)
LOADER_CODE = const(1)
LOADER_DATA = const(2)
OPEN_TO_READ = const(1)
END_OF_FILE = const(0xFFFFFFFFFFFFFFFF)


@struct
class Guid:
    low: u64 = 0
    high: u64 = 0


LOADED_IMAGE: Guid = Guid(low=0x11D295625B1B31A1, high=0x3B7269C9A0003F8E)
FILE_SYSTEM: Guid = Guid(low=0x11D26459964E5B22, high=0x3B7269C9A000398E)
GRAPHICS_OUTPUT: Guid = Guid(low=0x4A3823DC9042A9DE, high=0x6A5180D0DE7AFB96)
ACPI_2_TABLE_LOW = const(0x11D3E4F18868E871)
ACPI_2_TABLE_HIGH = const(0x81883CC7800022BC)
ACPI_1_TABLE_LOW = const(0x11D32D88EB9D2D30)
ACPI_1_TABLE_HIGH = const(0x4DC13F279000169A)


@struct
class SystemTable:
    signature: u64
    revision: u32
    header_size: u32
    header_checksum: u64
    vendor: u64
    vendor_revision: u64
    console_in_handle: u64
    console_in: u64
    console_out_handle: u64
    console_out: u64                    # address of a TextOutput
    error_out_handle: u64
    error_out: u64
    runtime_services: u64
    boot_services: u64                  # address of a BootServices
    table_count: u64
    tables: u64                         # address of ConfigurationTable records


@struct
class ConfigurationTable:
    guid_low: u64
    guid_high: u64
    address: u64


@struct
class BootServices:
    header_0: u64
    header_1: u64
    header_2: u64
    raise_tpl: u64
    restore_tpl: u64
    allocate_pages: u64
    free_pages: u64
    get_memory_map: u64
    allocate_pool: u64
    free_pool: u64
    create_event: u64
    set_timer: u64
    wait_for_event: u64
    signal_event: u64
    close_event: u64
    check_event: u64
    install_protocol: u64
    reinstall_protocol: u64
    uninstall_protocol: u64
    handle_protocol: u64
    reserved: u64
    register_notify: u64
    locate_handle: u64
    locate_device_path: u64
    install_table: u64
    load_image: u64
    start_image: u64
    exit: u64
    unload_image: u64
    exit_boot_services: u64
    next_count: u64
    stall: u64
    set_watchdog_timer: u64
    connect_controller: u64
    disconnect_controller: u64
    open_protocol: u64
    close_protocol: u64
    open_protocol_information: u64
    protocols_per_handle: u64
    locate_handle_buffer: u64
    locate_protocol: u64


@struct
class TextOutput:
    reset: u64
    output_string: u64


@struct
class LoadedImage:
    revision: u64
    parent: u64
    system_table: u64
    device: u64
    file_path: u64
    reserved: u64
    options_size: u64
    options: u64
    image_base: u64
    image_size: u64


@struct
class FileSystem:
    revision: u64
    open_volume: u64


@struct
class FileProtocol:
    revision: u64
    open: u64
    close: u64
    delete: u64
    read: u64
    write: u64
    get_position: u64
    set_position: u64


@struct
class GraphicsOutput:
    query_mode: u64
    set_mode: u64
    blit: u64
    mode: u64                           # address of a GraphicsMode


@struct
class GraphicsMode:
    mode_count: u32
    current: u32
    info: u64                           # address of a GraphicsInfo
    info_size: u64
    frame_buffer: u64
    frame_buffer_size: u64


@struct
class GraphicsInfo:
    version: u32
    width: u32
    height: u32
    pixel_format: u32
    red_mask: u32
    green_mask: u32
    blue_mask: u32
    reserved_mask: u32
    pixels_per_line: u32


@struct
class MemoryDescriptor:
    kind: u32
    padding: u32
    start: u64
    virtual_start: u64
    page_count: u64
    attributes: u64


assert offsetof(SystemTable, "boot_services") == 96
assert offsetof(BootServices, "exit_boot_services") == 232
assert offsetof(BootServices, "locate_protocol") == 320
assert offsetof(GraphicsMode, "frame_buffer") == 24


@naked
@asm_x64
def call_firmware(function: u64, first: u64, second: u64, third: u64, fourth: u64, fifth: u64) -> u64:
    """Calls firmware. Unused arguments may hold anything. Returns the status."""
    push(rbp)
    mov(rbp, rsp)
    and_(rsp, -16)
    sub(rsp, 48)                        # room for the callee's four register arguments and the fifth
    mov(rax, rdi)
    mov([rsp, 32], r9)
    mov(r9, r8)
    mov(r8, rcx)
    mov(rcx, rsi)
    raw("call rax")
    mov(rsp, rbp)
    pop(rbp)
    ret()
