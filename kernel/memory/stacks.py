"""Stacks of a CPU: one to run on, four for exceptions that need their own, each with an unmapped page below.

The last word of an exception stack is the gs base of its CPU (arch/x86_64/entry.py). Their ends are 16 bytes
under the top of the memory, where that word lies.
"""
from compiler.prelude import const, ptr, u64
from kernel.arch.x86_64 import paging
from kernel.arch.x86_64.gdt import EXCEPTION_STACKS
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.config import EXCEPTION_STACK_BYTES, KERNEL_STACK_BYTES
from kernel.memory import physical, window
from kernel.memory_map import IMAGE, STACK_SLOT_BYTES, STACKS

_GS_BASE_BYTES = const(16)              # keeps the end aligned

_BYTES_USED = const(PAGE_BYTES + KERNEL_STACK_BYTES + EXCEPTION_STACKS * (PAGE_BYTES + EXCEPTION_STACK_BYTES))
assert _BYTES_USED <= STACK_SLOT_BYTES


def make(root: u64, cpu_index: u64, gs_base: u64) -> bool:
    """Maps the stacks of one CPU. Returns False when memory runs out."""
    if not _map_stack(root, kernel_stack_end(cpu_index), KERNEL_STACK_BYTES):
        return False
    for number in range(u64(EXCEPTION_STACKS)):
        last_word = exception_stack_end(cpu_index, number)
        if not _map_stack(root, last_word + _GS_BASE_BYTES, EXCEPTION_STACK_BYTES):
            return False
        # Through the window: the tables may not be in force yet.
        frame = paging.translate(root, last_word) & paging.ADDRESS
        ptr[u64](window.address(frame) + (last_word & (PAGE_BYTES - 1)))[0] = gs_base
    return True


def kernel_stack_end(cpu_index: u64) -> u64:
    return STACKS + cpu_index * STACK_SLOT_BYTES + PAGE_BYTES + KERNEL_STACK_BYTES


def is_below_stack(address: u64) -> bool:
    """Whether an address lies in the unmapped page under the kernel stack of some CPU."""
    return address >= STACKS and (address - STACKS) % STACK_SLOT_BYTES < PAGE_BYTES and address < IMAGE


def exception_stack_end(cpu_index: u64, number: u64) -> u64:
    top = kernel_stack_end(cpu_index) + (number + 1) * (PAGE_BYTES + EXCEPTION_STACK_BYTES)
    return top - _GS_BASE_BYTES


def exception_stack_ends(cpu_index: u64, ends: ptr[u64]) -> None:
    for number in range(u64(EXCEPTION_STACKS)):
        ends[number] = exception_stack_end(cpu_index, number)


def _map_stack(root: u64, end: u64, length: u64) -> bool:
    address = end - length
    while address < end:
        frame = physical.allocate_zeroed()
        if frame == 0:
            return False
        if not paging.map_range(root, address, frame, PAGE_BYTES, paging.KERNEL_DATA, physical.allocate_zeroed):
            return False
        address += PAGE_BYTES
    return True
