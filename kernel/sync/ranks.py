"""Lock ranks: the order in which locks may be taken, lowest first.

Invariant I-SYNC-1: a CPU takes a lock only while every lock that it holds has a lower rank. Checked in debug
builds by a mask of held ranks per CPU; a CPU never holds two locks of one rank.
"""
from enum import IntEnum

from compiler.prelude import const, option, percpu, u32

LOCK_CHECKS = const(option("DEBUG", False))


class Rank(IntEnum):
    TABLE = 0               # a capability table or the lease records grow; memory is allocated inside
    LEASE = 1               # the uses of one lease
    LEASES = 2              # the free lease records; nothing but frames and the console is taken inside
    RING = 3                # one ring's indices and completions; taken by whoever posts
    SLAB = 4                # the slabs of one size class; new ones come from the frame allocator
    FRAMES = 5              # the frame allocator; nothing is taken inside
    CONSOLE = 6             # one line of output; last, so that any code can log


_held: percpu[u32] = 0


def note_taken(rank: u32) -> None:
    global _held
    assert _held >> rank == 0, "a lock was taken against the order of ranks"
    _held |= u32(1) << rank


def note_released(rank: u32) -> None:
    global _held
    _held &= ~(u32(1) << rank)
