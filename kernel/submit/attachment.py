"""What ties an operation that waits to the capability that it was begun with, and ends it when that is no longer good.

The slot of the capability counts it, so that closing the handle ends it (CLOSED); the capability's lease has it on its
list, so that the end of the lease does (REVOKED); and it has a reference on the object, whose own end does the rest.
"""
from collections.abc import Callable

from compiler.prelude import addr, const, offsetof, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Operation
from kernel.arch.x86_64 import clock
from kernel.caps import lease as leases
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.caps.lease import Use, UseKind
from kernel.complete import finish
from kernel.complete.ring_block import Record, RecordState
from kernel.core import alarm
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.core.timers import Timer
from kernel.objects.handles import set_sweep
from kernel.objects.lease import set_taker

_TIMER = const(offsetof(Record, "timer"))
_USE = const(offsetof(Record, "use"))


def _no_withdrawal(record: ptr[Record]) -> None:
    pass


withdraw: Callable[[ptr[Record]], None] = _no_withdrawal        # takes an operation off what it waits on


def start(withdraw_record: Callable[[ptr[Record]], None]) -> None:
    global withdraw
    withdraw = withdraw_record
    set_taker(UseKind.OPERATION, _revoke)
    set_sweep(end_operations_of)


def attach(record: ptr[Record], kind: ObjectKind, right: Right) -> Status:
    """Looks up what a record names and ties it to that. Errors: as table.lookup(); finish() unties what was tied."""
    process = process_of(record)
    found = Capability()
    status = table.lookup(addr(process.table), record.capability, u32(kind), u32(right), addr(found))
    target = found.object
    if status != Status.OK or target is None:
        return status
    if not reference.take(target):
        return Status.DESTROYED
    record.target = target
    record.badge = found.badge
    # Before it is counted: whoever closes the handle and finds the count finds the record, and waits for it.
    record.is_counted = True
    if not table.note_operation(addr(process.table), record.capability):
        record.is_counted = False
        return Status.BAD_HANDLE
    if found.lease != 0:
        record.use.kind = UseKind.OPERATION
        if not leases.add_use(addr(record.use), found.lease, found.epoch):
            return Status.REVOKED
        record.lease = found.lease
    if record.deadline_ns != 0:
        arm_deadline(record)
    return Status.OK


def arm_deadline(record: ptr[Record]) -> None:
    """Starts the timer of a deadline. Its action comes on this CPU, not before the kernel is left."""
    record.timer.deadline_ns = record.deadline_ns
    record.timer.action = _expire
    alarm.start_timer(addr(record.timer))


def end_operations_of(process: ptr[Process], handle: u64) -> None:
    """Ends what was begun with a handle that names nothing any more."""
    while table.has_operations(addr(process.table), handle):
        record = _find(process, handle)
        if record is None:
            break
        if finish.claim_settled(record, _was_begun_with, handle):
            end(record, Status.CLOSED)


def expire(record: ptr[Record], now_ns: u64) -> None:
    """Ends an operation whose deadline has come. That may have ended meanwhile, and another one begun in its place."""
    if finish.claim_settled(record, _is_due, now_ns):
        withdraw(record)
        status: Status = Status.OK if record.operation == Operation.TIMER else Status.TIMEOUT
        finish.finish(record, status, now_ns)


def end(record: ptr[Record], status: Status) -> None:
    """Ends a claimed operation with a status that is not its own result."""
    withdraw(record)
    finish.finish(record, status, 0)


def process_of(record: ptr[Record]) -> ptr[Process]:
    return ptr[Thread](record.ring.thread).process


def _find(process: ptr[Process], handle: u64) -> ptr[Record] | None:
    """An operation of the process that was begun with a handle."""
    with process.lock:
        first = process.first_thread
        thread = None if first is None else ptr[Thread](first)
        while thread is not None:
            ring = thread.ring
            if ring is not None and ring.in_flight != 0:
                for slot in range(u64(ring.places)):
                    record = addr(ring.records[slot])
                    if record.state.load("acquire") != RecordState.FREE and _was_begun_with(record, handle):
                        return record
            thread = thread.sibling
    return None


def _was_begun_with(record: ptr[Record], handle: u64) -> bool:
    is_written = record.written is not None and record.words[3] == handle
    return is_written or record.is_counted and record.capability == handle


def _is_revoked(record: ptr[Record], lease: u64) -> bool:
    return record.lease == u32(lease) and not leases.is_in_force(record.lease, record.use.epoch)


def _is_due(record: ptr[Record], now_ns: u64) -> bool:
    return record.deadline_ns != 0 and record.deadline_ns <= now_ns


def _revoke(use: ptr[Use]) -> None:
    """Its lease has ended, which took it off its list."""
    record = ptr[Record](u64(use) - _USE)
    if record.lease != 0 and finish.claim_settled(record, _is_revoked, u64(record.lease)):
        end(record, Status.REVOKED)


def _expire(timer: ptr[Timer]) -> None:
    expire(ptr[Record](u64(timer) - _TIMER), clock.now_ns())
