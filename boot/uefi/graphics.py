"""The framebuffer of the graphics output protocol, in a mode that a console can use.

A mode of at least 1024 x 768 stays as it is: it is the panel's own. A smaller one gives way to the smallest such mode.
"""
from boot.limine.protocol import FRAMEBUFFER_RGB, Framebuffer
from boot.uefi import firmware
from boot.uefi.firmware import BootServices, GraphicsInfo, GraphicsMode, GraphicsOutput, SystemTable, call_firmware
from compiler.prelude import addr, const, count_ones, count_zeros_right, ptr, u8, u32, u64

LEAST_WIDTH = const(1024)
LEAST_HEIGHT = const(768)
RED_FIRST = const(0)
BLUE_FIRST = const(1)
BY_MASKS = const(2)
NO_MODE = const(0xFFFFFFFF)
PIXEL_BYTES = const(4)


def open_graphics(system: ptr[SystemTable], framebuffer: ptr[Framebuffer]) -> None:
    """Fills `framebuffer`; leaves its address 0 where the firmware offers no linear one."""
    boot = ptr[BootServices](system.boot_services)
    interface: u64 = 0
    guid = u64(addr(firmware.GRAPHICS_OUTPUT))
    if call_firmware(boot.locate_protocol, guid, 0, u64(addr(interface)), 0, 0) != firmware.SUCCESS:
        return
    output = ptr[GraphicsOutput](interface)
    current = ptr[GraphicsInfo](ptr[GraphicsMode](output.mode).info)
    if current.width < LEAST_WIDTH or current.height < LEAST_HEIGHT or current.pixel_format > BY_MASKS:
        wanted = _choose_mode(output)
        if wanted != NO_MODE:
            _ = call_firmware(output.set_mode, interface, u64(wanted), 0, 0, 0)
    mode = ptr[GraphicsMode](output.mode)
    info = ptr[GraphicsInfo](mode.info)
    if info.pixel_format <= BY_MASKS and mode.frame_buffer != 0:
        _describe(mode, info, framebuffer)


def _choose_mode(output: ptr[GraphicsOutput]) -> u32:
    best: u32 = NO_MODE
    best_area: u64 = 0xFFFFFFFFFFFFFFFF
    for number in range(ptr[GraphicsMode](output.mode).mode_count):
        info_address: u64 = 0
        size: u64 = 0
        status = call_firmware(output.query_mode, u64(output), u64(number), u64(addr(size)), u64(addr(info_address)), 0)
        if status != firmware.SUCCESS:
            continue
        info = ptr[GraphicsInfo](info_address)
        area = u64(info.width) * u64(info.height)
        if info.width >= LEAST_WIDTH and info.height >= LEAST_HEIGHT and info.pixel_format <= BY_MASKS:
            if area < best_area:
                best = number
                best_area = area
    return best


def _describe(mode: ptr[GraphicsMode], info: ptr[GraphicsInfo], framebuffer: ptr[Framebuffer]) -> None:
    red: u32 = 0x000000FF
    green: u32 = 0x0000FF00
    blue: u32 = 0x00FF0000
    if info.pixel_format == BLUE_FIRST:
        red = 0x00FF0000
        blue = 0x000000FF
    if info.pixel_format == BY_MASKS:
        red = info.red_mask
        green = info.green_mask
        blue = info.blue_mask
    framebuffer.address = mode.frame_buffer
    framebuffer.width = u64(info.width)
    framebuffer.height = u64(info.height)
    framebuffer.pitch = u64(info.pixels_per_line) * PIXEL_BYTES
    framebuffer.bpp = PIXEL_BYTES * 8
    framebuffer.memory_model = FRAMEBUFFER_RGB
    framebuffer.red_mask_size = u8(count_ones(red))
    framebuffer.red_mask_shift = u8(count_zeros_right(red))
    framebuffer.green_mask_size = u8(count_ones(green))
    framebuffer.green_mask_shift = u8(count_zeros_right(green))
    framebuffer.blue_mask_size = u8(count_ones(blue))
    framebuffer.blue_mask_shift = u8(count_zeros_right(blue))
