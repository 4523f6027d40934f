"""The channel: where calls meet their receivers.

Calls that find no receiver are queued by priority level: the callers' own blocks, or the records of their rings, are
the queue, so a channel owns no memory. Receivers that find no call wait: the first thread in `receiver`, which is
taken without the lock, other threads and receives of rings in queues.
Invariants: I-CORE-8: a caller counts itself in `queued` before it looks at `receiver`, a receiver puts itself into
`receiver` before it looks at `queued`, with a full fence between, so that one of them finds the other.
Locks: lock (Rank.CHANNEL) guards the queues and who holds the right to receive; `receiver` is emptied by whoever
claims the wait of the thread in it.
"""
from compiler.prelude import array, atomic, const, guarded_by, ptr, struct, u32, u64
from kernel.caps.object import Object
from kernel.complete.ring_block import Record
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.sync.spinlock import SpinLock

LEVELS = const(4)                       # of priority; 3 is received first


@struct(align=64)
class Channel:
    header: Object
    receiver: atomic[u64]               # address of a thread that waits for a call, or 0
    queued: atomic[u32]
    ceiling: u32                        # priority of a thread that has received and not answered, if its own is lower
    lock: SpinLock
    receive_rights: atomic[u32]         # capabilities with the RECEIVE right; without one, calls fail
    with guarded_by("lock"):
        holders: u64                    # whose they are (receive_rights.py)
        last_holder: ptr[Process] | None                # that got one
        callers: array[ptr[Thread] | None, LEVELS]
        records: array[ptr[Record] | None, LEVELS]      # calls and messages from rings
        arrivals: u64                   # calls that have been queued; tells the older of two
        taken: u32                      # calls that have been taken from the queues
    receivers: ptr[Thread] | None
    receives: ptr[Record] | None        # of rings
