"""COPY, from one Memory to another: at once if it is short, else in slices of long work (core/work.py).

Between slices the record is PENDING like that of any operation that waits, so whoever has to end it does; during one
it is MOVING, and whoever wants to end it waits for the slice. Its handles, leases and references are two: those of the
Memory that is read are the record's own (attachment.py), the others are seen to here.
A record's work may outlast the operation, in the queue of some CPU: a later copy in the same slot finds it there and
goes on with it. It holds a reference on the ring meanwhile.
Locks: Ring.lock guards Record.is_at_work.
"""
from compiler.prelude import addr, const, offsetof, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Operation
from kernel.caps import lease as leases
from kernel.caps import reference, table
from kernel.caps.capability import NO_LEASE, Capability
from kernel.caps.lease import Use, UseKind
from kernel.complete import finish
from kernel.complete.ring_block import Record, RecordState
from kernel.core import work
from kernel.core.destruction import begin_holding, end_holding, release
from kernel.core.thread_block import Thread
from kernel.core.work_block import Work
from kernel.objects.copying import check_copy, copy_part
from kernel.objects.lease import set_taker
from kernel.objects.memory_block import Memory
from kernel.objects.writing import begin_writing, end_writing
from kernel.submit.attachment import attach, end, process_of

SLICE_BYTES = const(0x1_0000)

_WORK = const(offsetof(Record, "work"))
_USE = const(offsetof(Record, "written_use"))


def start() -> None:
    set_taker(UseKind.COPY, _revoke)


def begin_copy(record: ptr[Record]) -> None:
    source = Capability()
    target = Capability()
    record.copied = 0
    handles = addr(process_of(record).table)
    status = table.lookup(handles, record.capability, u32(ObjectKind.MEMORY), u32(Right.READ), addr(source))
    if status == Status.OK:
        status = table.lookup(handles, record.words[3], u32(ObjectKind.MEMORY), u32(Right.WRITE), addr(target))
    if status == Status.OK:
        read, written = ptr[Memory](source.object), ptr[Memory](target.object)
        status = check_copy(read, record.words[0], written, record.words[1], record.words[2])
        if status == Status.OK and record.words[2] > SLICE_BYTES:
            status = _begin_work(record, addr(target))
            if status == Status.OK:
                return
        elif status == Status.OK:
            status = _copy_at_once(record, read, written)
    finish.finish(record, status, 0)


def withdraw(record: ptr[Record]) -> None:
    """Stops a claimed copy between two slices."""
    record.is_late = record.copied != 0
    _let_go(record)


def _copy_at_once(record: ptr[Record], source: ptr[Memory], target: ptr[Memory]) -> Status:
    status = begin_writing(target)
    if status == Status.OK:
        status = _copy_slice(record, source, target)
        end_writing(target)
    return status


def _copy_slice(record: ptr[Record], source: ptr[Memory], target: ptr[Memory]) -> Status:
    """Copies what comes next."""
    done = record.copied
    length = min(record.words[2] - done, u64(SLICE_BYTES))
    status = copy_part(source, record.words[0] + done, target, record.words[1] + done, length)
    if status == Status.OK:
        record.copied = done + length
    return status


def _begin_work(record: ptr[Record], target: ptr[Capability]) -> Status:
    """Ties the record to both Memories, and queues its work on this CPU. Errors: as attach(), SEALED, CLOSED."""
    status = attach(record, ObjectKind.MEMORY, Right.READ)
    if status == Status.OK:
        status = _attach_target(record, target)
    if status == Status.OK and not _queue_work(record):
        status = Status.CLOSED
    if status != Status.OK:
        _let_go(record)
    return status


def _attach_target(record: ptr[Record], target: ptr[Capability]) -> Status:
    header = target.object
    if header is None or not reference.take(header):
        return Status.DESTROYED
    status = begin_writing(ptr[Memory](header))
    if status != Status.OK:
        release(header)
        return status
    record.written = header             # as in attach(), before it is counted
    if not table.note_operation(addr(process_of(record).table), record.words[3]):
        record.written = None
        end_writing(ptr[Memory](header))
        release(header)
        return Status.BAD_HANDLE
    if target.lease != NO_LEASE:
        record.written_use.kind = UseKind.COPY
        if not leases.add_use(addr(record.written_use), target.lease, target.epoch):
            return Status.REVOKED
        record.written_lease = target.lease
    return Status.OK


def _let_go(record: ptr[Record]) -> None:
    """Unties what is written to. Requires: the record is the caller's."""
    header = record.written
    if header is None:
        return
    record.written = None
    if record.written_lease != NO_LEASE:
        record.written_lease = NO_LEASE
        _ = leases.remove_use(addr(record.written_use))
    table.forget_operation(addr(process_of(record).table), record.words[3])
    end_writing(ptr[Memory](header))
    release(header)


def _queue_work(record: ptr[Record]) -> bool:
    """From here on the record is PENDING. Returns False when the ring is at its end."""
    ring = record.ring
    with ring.lock:
        is_queued = record.is_at_work
        if not is_queued:
            if not reference.take(addr(ring.header)):
                return False
            begin_holding()
            record.is_at_work = True
            record.work.run = _run_slice
            record.work.priority = ptr[Thread](ring.thread).priority
        record.state.store(RecordState.PENDING, "release")
    if not is_queued:
        work.add(addr(record.work))
    return True


def _run_slice(queued: ptr[Work]) -> bool:
    record = ptr[Record](u64(queued) - _WORK)
    if not _take(record):
        end_holding(addr(record.ring.header))
        return True
    status: Status = Status.REVOKED
    if _is_leased_still(record):
        status = _copy_slice(record, ptr[Memory](record.target), ptr[Memory](record.written))
    if status == Status.OK and record.copied != record.words[2]:
        record.state.store(RecordState.PENDING, "release")
        return False
    record.state.store(RecordState.CLAIMED, "relaxed")
    record.is_late = status != Status.OK and record.copied != 0
    _let_go(record)
    ring = record.ring
    with ring.lock:
        record.is_at_work = False
    finish.finish(record, status, 0)
    end_holding(addr(ring.header))
    return True


def _take(record: ptr[Record]) -> bool:
    """Makes a copy that nobody ends MOVING; otherwise its work is over."""
    with record.ring.lock:
        is_copy = record.operation == Operation.COPY
        if is_copy and record.state.cas(RecordState.PENDING, RecordState.MOVING, "acq_rel"):
            return True
        record.is_at_work = False
    return False


def _is_leased_still(record: ptr[Record]) -> bool:
    """Before those who end what was used under a lease have come to this record."""
    if not leases.is_in_force(record.lease, record.use.epoch):
        return False
    return leases.is_in_force(record.written_lease, record.written_use.epoch)


def _is_revoked(record: ptr[Record], lease: u64) -> bool:
    epoch = record.written_use.epoch
    return record.written_lease == u32(lease) and not leases.is_in_force(record.written_lease, epoch)


def _revoke(use: ptr[Use]) -> None:
    """The lease of what is written has ended, which took the use off its list."""
    record = ptr[Record](u64(use) - _USE)
    lease = record.written_lease
    if lease != NO_LEASE and finish.claim_settled(record, _is_revoked, u64(lease)):
        end(record, Status.REVOKED)
