"""The process: a protection domain with its capabilities, its threads and how it ended.

Locks: lock (Rank.PROCESS) guards the list of threads, the exit's cause and status, and who is told about it.
Not here: what ends a process (objects/process.py).
"""
from __future__ import annotations

from compiler.prelude import addr, array, atomic, const, guarded_by, ptr, span, struct, u8, u32, u64
from kernel.caps.capability import Capability
from kernel.caps.object import Object
from kernel.caps.table import Table
from kernel.core.work_block import Work
from kernel.memory.address_space import AddressSpace
from kernel.sync.spinlock import SpinLock

NAME_BYTES = const(32)


@struct
class Process:
    header: Object
    table: Table
    lock: SpinLock
    space: AddressSpace
    holds: atomic[u32]                  # threads that have not ended, and one until the process begins to end
    is_frozen: atomic[u32]              # 1: none of its threads runs in user mode
    sweep: Work
    with guarded_by("lock"):
        first_thread: ptr[Object] | None        # linked by the threads
        next_swept: ptr[Object] | None  # of the threads, the first that the sweep has not come to (thread_list.py)
        is_sweeping: bool               # with a reference on the process
        highest_priority: u32           # that a thread of it was given, or whoever killed or froze it had
        exceptions: Capability          # of its exception channel; no object: it has none
        exit_watcher: ptr[Object] | None        # the notification that is told
    asking_itself: atomic[u32]          # threads that wait for a verdict that only another of its threads can give
    parent: ptr[Object] | None          # whose exception channel is asked next
    exit_bits: u64
    exit_status: u64
    exit_cause: u32                     # abi ExitCause
    end_step: atomic[u32]               # what its end does next (objects/process.py)
    cursor: u32                         # slots that its end has emptied
    name_length: u32
    next: ptr[Process] | None           # among all processes
    previous: ptr[Process] | None
    name: array[u8, NAME_BYTES]         # for people

    def name_text(self) -> span[u8]:
        return span(ptr[u8](addr(self.name)), u64(self.name_length))
