"""The framebuffer of QEMU's and Bochs's standard display adapter, set through its own mode registers.

Source: QEMU docs/specs/standard-vga; PCI Local Bus 3.0, 3.2.2.3.2 (configuration mechanism 1).
"""
from boot.limine.protocol import FRAMEBUFFER_RGB, Framebuffer
from compiler.prelude import const, ptr, u16, u32, u64
from kernel.arch.x86_64 import registers

CONFIGURATION_ADDRESS = const(0xCF8)
CONFIGURATION_DATA = const(0xCFC)
CONFIGURATION_ENABLE = const(1 << 31)
BOCHS_DISPLAY = const(0x11111234)       # device 1111, vendor 1234
DEVICES_ON_BUS = const(32)
FIRST_BAR = const(0x10)
BAR_IS_IO = const(1)
BAR_MASK = const(0xFFFFFFF0)

INDEX_PORT = const(0x1CE)
VALUE_PORT = const(0x1CF)
REGISTER_ID = const(0)
REGISTER_WIDTH = const(1)
REGISTER_HEIGHT = const(2)
REGISTER_DEPTH = const(3)
REGISTER_ENABLE = const(4)
REGISTER_VIRTUAL_WIDTH = const(6)
ID_MASK = const(0xFFF0)
ID_FAMILY = const(0xB0C0)
ENABLE_LINEAR = const(0x41)

WIDTH = const(1024)
HEIGHT = const(768)
DEPTH = const(32)


def open_display(framebuffer: ptr[Framebuffer]) -> None:
    """Fills `framebuffer` where there is such an adapter; else leaves its address 0."""
    address = _find_adapter()
    if address == 0 or (_read_mode(REGISTER_ID) & ID_MASK) != ID_FAMILY:
        return
    _write_mode(REGISTER_ENABLE, 0)
    _write_mode(REGISTER_WIDTH, WIDTH)
    _write_mode(REGISTER_HEIGHT, HEIGHT)
    _write_mode(REGISTER_DEPTH, DEPTH)
    _write_mode(REGISTER_ENABLE, ENABLE_LINEAR)
    framebuffer.address = address
    framebuffer.width = WIDTH
    framebuffer.height = HEIGHT
    framebuffer.pitch = u64(_read_mode(REGISTER_VIRTUAL_WIDTH)) * (DEPTH // 8)
    framebuffer.bpp = DEPTH
    framebuffer.memory_model = FRAMEBUFFER_RGB
    framebuffer.red_mask_size = 8
    framebuffer.red_mask_shift = 16
    framebuffer.green_mask_size = 8
    framebuffer.green_mask_shift = 8
    framebuffer.blue_mask_size = 8
    framebuffer.blue_mask_shift = 0


def _find_adapter() -> u64:
    """Address of the frame memory, 0 when there is no such adapter on the first bus."""
    for device in range(u32(DEVICES_ON_BUS)):
        if _read_configuration(device, 0) == BOCHS_DISPLAY:
            bar = _read_configuration(device, FIRST_BAR)
            if (bar & BAR_IS_IO) == 0:
                return u64(bar & BAR_MASK)
    return 0


def _read_configuration(device: u32, register: u32) -> u32:
    registers.out32(CONFIGURATION_ADDRESS, CONFIGURATION_ENABLE | (device << 11) | register)
    return registers.in32(CONFIGURATION_DATA)


def _read_mode(register: u16) -> u16:
    registers.out16(INDEX_PORT, register)
    return registers.in16(VALUE_PORT)


def _write_mode(register: u16, value: u16) -> None:
    registers.out16(INDEX_PORT, register)
    registers.out16(VALUE_PORT, value)
