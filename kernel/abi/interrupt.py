"""Interrupts as drivers see them: where one comes from, how it is signalled, which CPUs take it."""
from enum import IntEnum, IntFlag

from compiler.prelude import const


class Source(IntFlag):
    """How SYSTEM_CREATE_INTERRUPT reads its argument `line`."""
    LEVEL = 1               # the line stays active until the device is content; else its edge counts
    LOW = 2                 # active when low
    SHARED = 4              # others may have the same line
    MESSAGE = 8             # sent by the device itself (MSI); `line` is 0, INTERRUPT_MESSAGE tells what to send
    ISA = 16                # `line` is a number of the old PC; the firmware says which line that is, and how it behaves


SOURCE_BITS = const(31)


class Routing(IntEnum):
    FIXED = 0               # to the CPU of this index
    ROUND_ROBIN = 1         # to each CPU in turn
    LEAST_BUSY = 2          # to a CPU that idles, or has the fewest threads to run
    BROADCAST = 3           # to all CPUs at once


class InterruptState(IntFlag):
    UNACKNOWLEDGED = 1      # it came, and its holder has not said that it has been dealt with
    MASKED = 2              # the line is held back by the kernel
    STORM = 4               # it came too often: held back until INTERRUPT_REARM


STORM_LIMIT = const(5_000)              # interrupts of one line
STORM_WINDOW_NS = const(100_000_000)    # within this time are a storm
COUNTED_CPUS = const(32)                # CPUs whose interrupts are counted one by one
