"""The header of every kernel object, and the account that pays for it.

The two are in one file because each names the other: an object knows who paid, and an account is an object.
Invariants: I-CAP-1: the header is an object's first field, so the object's address is its header's. I-CAP-2: an object
whose count has reached zero never gets another reference.
Not here: counting (reference.py), charging (account.py).
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import addr, array, atomic, guarded_by, ptr, sizeof, struct, u32, u64
from kernel.abi.objects import RESOURCES
from kernel.sync.spinlock import SpinLock


class State(IntEnum):
    ALIVE = 0
    DYING = 1               # its end has begun: no operation starts on it any more
    DEAD = 2                # nothing is left but this header, until the last reference goes


@struct(size=48)                        # so that an object's own fields begin on 16 bytes
class Object:
    references: atomic[u64]
    kind: u32               # abi ObjectKind
    state: atomic[u32]
    account: ptr[Account] | None
    next: ptr[Object] | None            # the queue of objects that wait for their end; its user owns it
    found: u64              # references that the walker has found; 0 outside it


@struct
class Budget:
    """One resource of an account."""
    available: atomic[u64]  # what can still be charged: the limit less what is charged
    limit: atomic[u64]      # the hard limit, reserved from the parent
    soft_limit: atomic[u64]             # charges above it are told once; 0 is none
    is_told: atomic[u32]    # 1 from the telling until the charges have fallen well below the soft limit


@struct
class CpuBudget:
    """CPU time under a cap (core/throttle.py)."""
    lock: SpinLock
    with guarded_by("lock"):
        window: u64         # the time window that `used_ns` is about
        used_ns: u64


@struct
class Account:
    header: Object          # header.account is the parent
    budgets: array[Budget, RESOURCES]
    watcher_bits: atomic[u64]           # what the watcher is signalled; set first, so that there is one watcher
    watcher: atomic[u64]                # address of the notification that is told about soft limits; 0 is none
    cpu_share: atomic[u32]              # thousandths of one CPU; 0 is no cap
    cpu_budget: CpuBudget
    highest_priority: atomic[u32]       # of any thread that it pays for

    def budget(self, resource: u32) -> ptr[Budget]:
        return addr(self.budgets[resource])


assert sizeof(Object) == 48
