"""The user half of the address space, and what a program finds in its registers when it starts.

A process's first thread starts with its stack pointer on a 16-byte boundary, the address of its ring (ring.py) in rdi
and every other register zero.
"""
from compiler.prelude import const

USER_LOWEST = const(0x1000)                         # the null page is never mapped
USER_END = const(0x0000_7FFF_FFFF_F000)             # nor is the last page: no user address touches the boundary
FIRST_RING = const(0x0000_7FFF_0000_0000)
START_INFO = const(0x0000_7FFF_0001_0000)           # a page: bootinfo.py
FIRST_STACK_END = const(0x0000_7FFF_1000_0000)
FIRST_STACK_BYTES = const(64 * 1024)
