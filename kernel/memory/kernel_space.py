"""The kernel's own address space: image, window, devices and stacks under page tables of ours.

Invariants: text is readable and executable, read-only data and the configuration readable, all other memory writable
and never executable; the frames of the image are not in the window, so that they cannot be written through it.
"""
from boot.limine.protocol import (
    MEMORY_BOOTLOADER_RECLAIMABLE,
    MEMORY_EXECUTABLE_AND_MODULES,
    MEMORY_USABLE,
    MemoryMapEntry,
)
from compiler.prelude import addr, span, u8, u64
from kernel.arch.x86_64 import cpu, paging
from kernel.arch.x86_64.image import data_start, image_end, image_start, rodata_start, text_start
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.memory import physical, window
from kernel.memory_map import DEVICES

root: u64 = 0                           # physical address of the top table; set once

_next_device: u64 = DEVICES


def build(regions: span[MemoryMapEntry], image_physical: u64, frozen: span[u8]) -> bool:
    """Makes the tables; they are not yet in force. `frozen` are pages of the image's data that nobody may write to from
    then on. Returns False when memory runs out."""
    global root
    if cpu.has_huge_pages:
        paging.use_huge_pages()
    root = physical.allocate_zeroed()
    if root == 0 or not _map_image(image_physical, frozen):
        return False
    image_physical_end = image_physical + (image_end() - image_start())
    for index in range(len(regions)):
        kind = regions[index].kind
        if kind != MEMORY_USABLE and kind != MEMORY_BOOTLOADER_RECLAIMABLE and kind != MEMORY_EXECUTABLE_AND_MODULES:
            continue
        base = regions[index].base
        end = base + regions[index].length
        if base < image_physical_end and image_physical < end:
            if not _map_window(base, max(base, image_physical)) or not _map_window(image_physical_end, end):
                return False
        elif not _map_window(base, end):
            return False
    return True


def map_device(registers: u64, length: u64) -> u64:
    """Maps whole pages of hardware registers, uncached. Returns where, or 0 when memory runs out. Boot only."""
    return map_hardware(registers, length, paging.DEVICE)


def map_hardware(start: u64, length: u64, access: u64) -> u64:
    """As map_device(), for what else is no memory of ours: firmware's tables, the screen."""
    global _next_device
    place = _next_device
    if not paging.map_range(root, place, start, length, access, physical.allocate_zeroed):
        return 0
    _next_device = place + length + PAGE_BYTES
    return place


def _map_image(image_physical: u64, frozen: span[u8]) -> bool:
    frozen_start = u64(addr(frozen[0]))
    frozen_end = frozen_start + u64(len(frozen))
    return (
        _map_part(image_physical, image_start(), text_start(), paging.KERNEL_DATA)
        and _map_part(image_physical, text_start(), rodata_start(), paging.KERNEL_TEXT)
        and _map_part(image_physical, rodata_start(), data_start(), paging.KERNEL_READ_ONLY)
        and _map_part(image_physical, data_start(), frozen_start, paging.KERNEL_DATA)
        and _map_part(image_physical, frozen_start, frozen_end, paging.KERNEL_READ_ONLY)
        and _map_part(image_physical, frozen_end, image_end(), paging.KERNEL_DATA)
    )


def _map_part(image_physical: u64, start: u64, end: u64, access: u64) -> bool:
    place = image_physical + (start - image_start())
    return paging.map_range(root, start, place, end - start, access, physical.allocate_zeroed)


def _map_window(base: u64, end: u64) -> bool:
    if base >= end:
        return True
    return paging.map_range(root, window.address(base), base, end - base, paging.KERNEL_DATA, physical.allocate_zeroed)
