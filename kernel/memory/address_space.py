"""A user address space: page tables whose upper half is the kernel's and whose lower half is a process's.

For now every frame that is mapped belongs to the address space and goes with it.
"""
from compiler.prelude import u64
from kernel.abi.layout import USER_END, USER_LOWEST
from kernel.arch.x86_64 import paging
from kernel.memory import kernel_space, physical
from kernel.memory_map import PAGE_BYTES


def create() -> u64:
    """The top table of an empty address space; 0 when memory runs out."""
    root = physical.allocate_zeroed()
    if root != 0:
        paging.share_upper_half(root, kernel_space.root)
    return root


def map_fresh(root: u64, start: u64, length: u64, access: u64) -> bool:
    """Maps zeroed frames at whole pages. Returns False, part of them mapped, when memory runs out.

    Requires: the range lies in the user's part and nothing is mapped in it.
    """
    assert USER_LOWEST <= start and length <= USER_END - start
    address = start
    while address < start + length:
        frame = physical.allocate_zeroed()
        if frame == 0:
            return False
        if not paging.map_range(root, address, frame, PAGE_BYTES, access, physical.allocate_zeroed):
            physical.release_frame(frame)
            return False
        address += PAGE_BYTES
    return True


def destroy(root: u64) -> None:
    """Requires: no CPU has it in force, nor will."""
    paging.release_lower_half(root, physical.release_frame)
    physical.release_frame(root)
