"""Memory objects and the mappings that show them in address spaces, as memory.

A mapping is reached from its space's ranges, from its Memory's list and, under a lease, from the lease's list; each of
the three is a hold, and the last hold to go frees it. Whoever takes a mapping off a list has that list's hold.
Invariants: I-MEM-8: `state` of a mapping changes under its space's lock; one that is not ACTIVE belongs to whoever
changed it. I-MEM-9: a space stays while `mappings` counts one of its mappings.
Locks: Memory.lock (Rank.MAPPINGS) guards first, writers and is_sealed, and next and previous of the mappings.
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import atomic, guarded_by, offsetof, ptr, sizeof, struct, u32, u64
from kernel.arch.x86_64.tlb import Flush
from kernel.caps.lease import Use
from kernel.caps.object import Object
from kernel.complete.ring_block import Record
from kernel.core.process_block import Process
from kernel.memory.frame_set import FrameSet
from kernel.memory.range_tree import Node
from kernel.sync.spinlock import SpinLock


class MappingState(IntEnum):
    ACTIVE = 0
    UNMAPPING = 1           # its pages are gone, and some CPU may not know yet
    CHANGING = 2            # its pages have other rights, and some CPU may not know yet
    GONE = 3


@struct
class Memory:
    header: Object
    frames: FrameSet
    lock: SpinLock
    is_sealed: bool                     # never writable any more; set under the lock, read without it for a hint
    is_device: bool                     # a range of a device's: its frames are not the allocator's
    attribute: u64                      # how the processor caches it (paging.UNCACHED and the like)
    ready_pages: u64                    # pages that are full of zeros or have been given out
    charged_frames: u64
    mapped: atomic[u32]                 # mappings that have not been freed
    with guarded_by("lock"):
        writers: u32                    # mappings that may write
        first: ptr[Mapping] | None


@struct
class Mapping:
    use: Use                            # first: a lease knows no more of it
    node: Node
    flush: Flush
    memory: ptr[Memory]                 # with a reference
    process: ptr[Process]
    offset: u64                         # of the range's start in the Memory, in bytes
    access: u32
    allowed: u32                        # the most that `access` can become
    state: u32
    holds: atomic[u32]
    tables: u32                         # that go with it (address_space.detach_tables)
    is_writer: bool
    is_doomed: bool                     # to be unmapped when its change is complete
    lease: u32                          # the lease that it was made under, 0 for none
    epoch: u64
    waiter: ptr[Object] | None          # the thread that waits for the answers, with a reference
    waiter_word: u64
    record: ptr[Record] | None          # the operation of a ring that ends with the answers
    batch: ptr[Mapping] | None          # the next that the same flush is about
    next: ptr[Mapping] | None           # of the same Memory
    previous: ptr[Mapping] | None


assert offsetof(Mapping, "use") == 0
assert sizeof(Mapping) <= 256
assert sizeof(Memory) <= 192


def of_node(node: ptr[Node]) -> ptr[Mapping]:
    return ptr[Mapping](u64(node) - offsetof(Mapping, "node"))


def of_flush(flush: ptr[Flush]) -> ptr[Mapping]:
    return ptr[Mapping](u64(flush) - offsetof(Mapping, "flush"))
