"""The direct door with five levels of page tables turned on first, so that the core must leave them."""
from typing import NoReturn

from boot.core import start
from boot.core.handoff import Handoff
from boot.core.identity import enter_identity_map
from boot.core.pages import allocate_below, allocate_bytes, mark
from boot.core.paging_levels import change_tables
from boot.core.report import fail
from boot.direct import entry  # noqa: F401 - the code that calls _start
from boot.direct.reception import receive
from boot.direct.start_info import StartInfo
from boot.limine.protocol import MEMORY_BOOTLOADER_RECLAIMABLE
from compiler.prelude import addr, const, export, mem64, ptr, u64, zeroed
from kernel.arch.x86_64 import registers

PRESENT_WRITABLE = const(3)
LOW_MEMORY = const(0xA0000)

_handoff: Handoff = zeroed()


@export("_start")
def begin(info: ptr[StartInfo]) -> NoReturn:
    receive(info, addr(_handoff))
    mark(u64(addr(_handoff.archive[0])), u64(len(_handoff.archive)), MEMORY_BOOTLOADER_RECLAIMABLE)
    page = allocate_below(LOW_MEMORY)
    root = allocate_bytes(4096, 4096)
    mem64[root] = registers.read_cr3() | PRESENT_WRITABLE
    change_tables(page, root, registers.read_cr4() | u64(registers.CR4_FIVE_LEVELS))
    if (registers.read_cr4() & registers.CR4_FIVE_LEVELS) == 0:
        fail("five-level paging is not on")
    enter_identity_map(page)
    start.boot(addr(_handoff))
