"""The kernel's half of the address space, and the units of memory.

    ffff_8000_0000_0000   physical window: all memory of the machine, where the loader put it (memory/window.py)
    ffff_ff80_0000_0000   devices: registers of hardware, uncached
    ffff_ffc0_0000_0000   CPU stacks: one slot per CPU, guard pages between stacks
    ffff_ffff_8000_0000   the kernel image: requests, text, read-only data, data

Everything but the window lies in the last 512 GiB, under one entry of the top page table. The upper half is the same
in every address space: its top-level entries are made at boot and never change.
"""
from compiler.prelude import const

MEBIBYTE = const(1 << 20)

UPPER_HALF = const(0xFFFF_8000_0000_0000)
DEVICES = const(0xFFFF_FF80_0000_0000)
STACKS = const(0xFFFF_FFC0_0000_0000)
STACK_SLOT_BYTES = const(128 * 1024)
IMAGE = const(0xFFFF_FFFF_8000_0000)
