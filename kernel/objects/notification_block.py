"""The notification, as memory."""
from compiler.prelude import atomic, guarded_by, ptr, struct, u64
from kernel.caps.object import Object
from kernel.complete.ring_block import Record
from kernel.sync.spinlock import SpinLock


@struct
class Notification:
    header: Object
    bits: atomic[u64]                   # set, and taken by nobody yet
    interest: atomic[u64]               # bits that watches want
    lock: SpinLock
    with guarded_by("lock"):
        watches: ptr[Record] | None
