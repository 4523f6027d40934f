"""The lease as an object: begun under another, ended by its holder, its expiry or its last reference.

The end is one store; what is in use under the lease, or under leases that nest in it, is taken back afterwards in
slices, and the object waits for that in the queue of endings. A lease with an expiry lasts until then even without
handles: its timer holds a reference.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, noinline, offsetof, ptr, sizeof, struct, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.arch.x86_64.clock import now_ns
from kernel.caps import lease as leases
from kernel.caps import reference, table
from kernel.caps.capability import NO_LEASE
from kernel.caps.lease import Use, UseKind
from kernel.caps.object import Account, Object
from kernel.core import alarm
from kernel.core.destruction import begin_end, release, set_destroyer
from kernel.core.timers import Timer
from kernel.objects.creation import allocate_page, create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_USE_KINDS = const(UseKind.COPY + 1)
_SLICE = const(64)


@struct
class Lease:
    header: Object
    epoch: u64
    record: u32
    cursor: u32                         # records that its end has looked at
    expiry: Timer                       # deadline 0: none
    is_scanned: bool                    # nothing is left under it


def _take_nothing(use: ptr[Use]) -> None:
    pass


_takers: array[Callable[[ptr[Use]], None], _USE_KINDS] = array(_take_nothing for _ in range(_USE_KINDS))
_growth: SpinLock = SpinLock(rank=Rank.TABLE)


def start() -> None:
    set_destroyer(ObjectKind.LEASE, destroy_lease)


def set_taker(kind: UseKind, take: Callable[[ptr[Use]], None]) -> None:
    """`take` ends one use of this kind, which hangs on no list any more. Only while booting."""
    _takers[u64(kind)] = take


def create_lease(call: ptr[Invocation]) -> tuple[Status, u64]:
    parent: u32 = NO_LEASE
    parent_epoch: u64 = 0
    above = call.objects[0].object
    if above is not None:
        parent = ptr[Lease](above).record
        parent_epoch = ptr[Lease](above).epoch
    expiry_ns = call.arguments[1]
    if not leases.can_nest(parent) or expiry_ns != 0 and expiry_ns <= now_ns():
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.LEASE, sizeof(Lease), ptr[Account](call.target()))
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    lease = ptr[Lease](header)
    grown = _begin(lease, parent, parent_epoch)
    if grown != Status.OK:
        free(header)
        table.give_back(addr(call.process.table), slot)
        return grown, 0
    if expiry_ns != 0 and reference.take(header):
        lease.expiry.deadline_ns = expiry_ns
        lease.expiry.action = _expire
        alarm.start_timer(addr(lease.expiry))
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    lease = ptr[Lease](call.target())
    match call.method:
        case Method.LEASE_END:
            end_lease(lease)
            return Status.OK, 0
        case _:
            return Status.OK, u64(leases.is_in_force(lease.record, lease.epoch))


def end_lease(lease: ptr[Lease]) -> None:
    """One store. The queue of endings takes back what is in use, holding a reference meanwhile."""
    if not leases.end(lease.record, lease.epoch):
        return
    if lease.expiry.deadline_ns != 0 and alarm.stop_timer(addr(lease.expiry)):
        release(addr(lease.header))
    if not leases.is_unused(lease.record) and reference.take(addr(lease.header)):
        begin_end(addr(lease.header))


def _expire(timer: ptr[Timer]) -> None:
    lease = ptr[Lease](u64(timer) - offsetof(Lease, "expiry"))
    end_lease(lease)
    release(addr(lease.header))


def destroy_lease(header: ptr[Object]) -> bool:
    """Queued once by the end of the lease and once by its last reference, in either order."""
    lease = ptr[Lease](header)
    _ = leases.end(lease.record, lease.epoch)
    if not lease.is_scanned:
        _scan(lease)
        return False
    if header.references.load("acquire") != 0:
        release(header)
        return True
    leases.recycle(lease.record)
    free(header)
    return True


def _begin(lease: ptr[Lease], parent: u32, parent_epoch: u64) -> Status:
    while True:
        record, epoch = leases.begin(parent, parent_epoch)
        if record != 0:
            lease.record = record
            lease.epoch = epoch
            return Status.OK
        with _growth:
            if leases.needs_page():
                if not leases.can_grow():
                    return Status.OVER_LIMIT
                # Records are never given back, so nobody in particular pays for their pages.
                page, status = allocate_page(None)
                if status != Status.OK:
                    return status
                leases.add_records(page)


def _scan(lease: ptr[Lease]) -> None:
    """Takes back up to a slice of uses, of this lease first and then of those that nest in it."""
    left: u32 = _SLICE
    while left != 0:
        left -= 1
        use = leases.take_ended_use(lease.record if lease.cursor == 0 else lease.cursor, lease.record)
        if use is not None:
            _takers[u64(use.kind)](use)
            continue
        lease.cursor += 1
        if not leases.has_children(lease.record) or lease.cursor >= leases.record_count():
            lease.is_scanned = True
            return
