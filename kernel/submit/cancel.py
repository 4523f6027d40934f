"""Cancellation: ends an operation that the kernel still holds, and completes it before the cancel itself.

A record that somebody else has claimed is about to complete with its real result; the cancel waits for that moment, so
that the order holds, and answers TOO_LATE.
"""
from compiler.prelude import addr, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.ring import Operation
from kernel.complete import finish, messages
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.objects import ring as rings
from kernel.submit.attachment import end


def start() -> None:
    rings.end_operations = end_all


def cancel(ring: ptr[Ring], slot: u64, user_data: u64) -> Status:
    """Requires: called by the ring's thread, or the ring takes no entries any more."""
    if slot >= u64(ring.places):
        return Status.BAD_SLOT
    record = addr(ring.records[slot])
    with ring.lock:
        if record.state.load("acquire") == RecordState.FREE or record.user_data != user_data:
            return Status.NO_SUCH
        is_mine = _unlink(ring, record)
    if is_mine or finish.claim_settled(record, _is_named, user_data):
        end(record, Status.CANCELLED)
        return Status.OK
    return Status.TOO_LATE


def end_all(ring: ptr[Ring], status: Status) -> None:
    """Ends whatever is in flight, because the ring ends. Requires: it takes no entries any more."""
    for slot in range(u64(ring.places)):
        record = addr(ring.records[slot])
        if finish.claim_settled(record, _can_wait, 0):
            end(record, status)
    messages.fail_answers(ring)


def _is_named(record: ptr[Record], user_data: u64) -> bool:
    return record.user_data == user_data


def _can_wait(record: ptr[Record], unused: u64) -> bool:
    """The others end by themselves, perhaps by what led here."""
    match record.operation:
        case Operation.INVOKE:
            return record.is_queued
        case Operation.NOP | Operation.SIGNAL | Operation.REPLY | Operation.SET_BUFFER:
            return False
        case _:
            return True


def _unlink(ring: ptr[Ring], record: ptr[Record]) -> bool:
    """Takes an operation that has not begun out of its chain. Requires: Ring.lock."""
    if not record.state.cas(RecordState.LINKED, RecordState.CLAIMED, "acq_rel"):
        return False
    for slot in range(u64(ring.places)):
        before = addr(ring.records[slot])
        if u64(before.next_linked) == u64(record):
            before.next_linked = None
    return True
