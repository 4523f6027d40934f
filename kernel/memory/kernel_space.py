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
from compiler.prelude import addr, const, memory_fill, ptr, span, u8, u64
from kernel.arch.x86_64 import cpu, paging
from kernel.arch.x86_64.image import data_start, image_end, image_start, rodata_start, text_start
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.memory import physical, window
from kernel.memory_map import DEVICES

_PAIR = const(1)                        # order of two frames

root: u64 = 0                           # physical address of the top table, set once; with isolation, of a pair

_next_device: u64 = DEVICES


def build(regions: span[MemoryMapEntry], image_physical: u64, frozen: span[u8]) -> bool:
    """Makes the tables; they are not yet in force. `frozen` are pages of the image's data that nobody may write to from
    then on. Returns False when memory runs out."""
    global root
    if cpu.has_huge_pages:
        paging.use_huge_pages()
    if cpu.is_isolated:
        paging.use_second_tops()
    root = take_root()
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


def take_root() -> u64:
    """An empty top table; with isolation a pair. Returns 0 when memory runs out."""
    if not cpu.is_isolated:
        return physical.allocate_zeroed()
    place = physical.allocate(_PAIR)
    if place != 0:
        memory_fill(ptr[u8](window.address(place)), 0, PAGE_BYTES << _PAIR)
    return place


def release_root(place: u64) -> None:
    physical.release(place, _PAIR if cpu.is_isolated else 0)


def share_upper_half(top: u64) -> None:
    """Gives a new address space what it has of the kernel."""
    paging.share_upper_half(top, root)
    if cpu.is_isolated:
        paging.share_upper_half(top + PAGE_BYTES, root + PAGE_BYTES)


def show_to_programs(start: u64, end: u64) -> bool:
    """Has the pages of a range in programs' page tables too, with isolation. Returns False when memory runs out.

    Requires: no process exists."""
    at = start & ~u64(PAGE_BYTES - 1)
    while at < end:
        entry = paging.translate(root, at)
        if paging.translate(root + PAGE_BYTES, at) == 0:
            access = entry & ~u64(paging.ADDRESS | paging.ACCESSED | paging.DIRTY)
            physical_place = entry & paging.ADDRESS
            if not paging.map_range(
                root + PAGE_BYTES, at, physical_place, PAGE_BYTES, access, physical.allocate_zeroed
            ):
                return False
        at += PAGE_BYTES
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
