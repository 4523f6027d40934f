"""The states of the kernel, as programs that watch over the system see them."""
from enum import IntEnum

from compiler.prelude import const


class KernelState(IntEnum):
    EARLY_BOOT = 0          # on the loader's stack and page tables
    INITIALIZING = 1
    RUNNING = 2             # programs run
    SHUTTING_DOWN = 3       # ends in power off or a restart; no new programs
    PANIC = 4
    SUSPENDED = 5


KERNEL_STATES = const(6)
