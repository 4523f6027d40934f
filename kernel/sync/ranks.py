"""Lock ranks: the order in which locks may be taken, lowest first.

Invariant I-SYNC-1: a CPU takes a lock only while every lock that it holds has a lower rank. Checked in debug
builds by a mask of held ranks per CPU; a CPU never holds two locks of one rank.
"""
from enum import IntEnum

from compiler.prelude import const, option, percpu, u32

LOCK_CHECKS = const(option("DEBUG", False))


class Rank(IntEnum):
    CPUS = 0                # one CPU is switched on or off line
    ACCOUNTS = 1            # the limits of all accounts
    PROCESSES = 2           # the list of all processes
    PROCESS = 3             # a process's threads and its exit; objects are queued for their end inside
    TABLE = 4               # a capability table or the lease records grow; memory is allocated inside
    SPACE = 5               # an address space's tables and ranges
    LEASES = 6              # the free lease records; nothing but frames and the console is taken inside
    MAPPINGS = 7            # the mappings of one Memory; nothing is taken inside
    FLUSHES = 8             # one CPU's requests that wait for answers; nothing is taken inside
    INTERRUPTS = 9          # which lines of devices there are
    INTERRUPT = 10          # one line and those who share it; notifications are signalled inside, which may end objects
    DESTRUCTION = 11        # the queue of objects that wait for their end; nothing is taken inside
    GRACE = 12              # whether a grace period runs; nothing is taken inside
    IO_APIC = 13            # the registers of all I/O APICs; nothing is taken inside
    NOTIFICATION = 14       # the watches of one notification; rings are posted to inside
    RING = 15               # one ring's indices and completions; taken by whoever posts
    CHANNEL = 16            # the calls and receivers of one channel; the lease of a call is noted inside
    LEASE = 17              # the uses of one lease; nothing is taken inside
    RUN_QUEUE = 18          # the ready threads of one CPU; nothing is taken inside
    BUDGET = 19             # the CPU time of one account; nothing is taken inside
    TIMERS = 20             # the timers of one CPU; nothing is taken inside
    SLAB = 21               # the slabs of one size class; new ones come from the frame allocator
    FRAMES = 22             # the frame allocator; nothing is taken inside
    CONSOLE = 23            # one line of output; last, so that any code can log


_held: percpu[u32] = 0


def note_taken(rank: u32) -> None:
    global _held
    assert _held >> rank == 0, "a lock was taken against the order of ranks"
    _held |= u32(1) << rank


def is_any_held() -> bool:
    """Whether this CPU holds a lock, as far as builds with LOCK_CHECKS know."""
    return _held != 0


def note_released(rank: u32) -> None:
    global _held
    _held &= ~(u32(1) << rank)
