"""A VBE mode information block read as a framebuffer.

Source: VBE 3.0, function 01h: from version 3 on the linear form of a mode has fields of its own.
"""
from boot.core.fields import u16_at, u32_at
from boot.limine.protocol import FRAMEBUFFER_RGB, Framebuffer
from compiler.prelude import const, ptr, span, u8, u16, u32, u64

MODE_INFO_BYTES = const(256)
PITCH = const(16)
WIDTH = const(18)
HEIGHT = const(20)
DEPTH = const(25)
MASKS = const(31)
ADDRESS = const(40)
LINEAR_PITCH = const(50)
LINEAR_MASKS = const(54)
VERSION_3 = const(0x300)


def describe_mode(mode_info: u64, version: u32, framebuffer: ptr[Framebuffer]) -> None:
    info = span(ptr[u8](mode_info), MODE_INFO_BYTES)
    is_new = version >= VERSION_3 and u16_at(info, LINEAR_PITCH) != 0
    masks: u64 = LINEAR_MASKS if is_new else MASKS
    framebuffer.address = u64(u32_at(info, ADDRESS))
    framebuffer.width = u64(u16_at(info, WIDTH))
    framebuffer.height = u64(u16_at(info, HEIGHT))
    framebuffer.pitch = u64(u16_at(info, LINEAR_PITCH if is_new else PITCH))
    framebuffer.bpp = u16(info[DEPTH])
    framebuffer.memory_model = FRAMEBUFFER_RGB
    framebuffer.red_mask_size = info[masks]
    framebuffer.red_mask_shift = info[masks + 1]
    framebuffer.green_mask_size = info[masks + 2]
    framebuffer.green_mask_shift = info[masks + 3]
    framebuffer.blue_mask_size = info[masks + 4]
    framebuffer.blue_mask_shift = info[masks + 5]
