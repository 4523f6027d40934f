"""Cancellation: ends an operation that the kernel still holds, and completes it before the cancel itself.

A record that somebody else has claimed is about to complete with its real result; the cancel waits for that moment, so
that the order holds, and answers TOO_LATE.
"""
from compiler.prelude import addr, ptr, spin_hint, u32, u64
from kernel.abi.errors import Status
from kernel.abi.ring import SLOTS
from kernel.arch.x86_64 import mailbox
from kernel.complete import finish
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.objects import ring as rings
from kernel.submit import operations


def start() -> None:
    rings.end_operations = end_all


def cancel(ring: ptr[Ring], slot: u64, user_data: u64) -> Status:
    """Requires: called by the ring's thread, or the ring takes no entries any more."""
    if slot >= SLOTS:
        return Status.BAD_SLOT
    record = addr(ring.records[slot])
    with ring.lock:
        if record.state.load("acquire") == RecordState.FREE or record.user_data != user_data:
            return Status.NO_SUCH
        is_mine = _unlink(ring, record)
    if is_mine or finish.claim(record):
        end(record, Status.CANCELLED)
        return Status.OK
    while record.state.load("acquire") == RecordState.CLAIMED:
        mailbox.poll()
        spin_hint()
    return Status.TOO_LATE


def end(record: ptr[Record], status: Status) -> None:
    """Ends a claimed operation with a status that is not its own result."""
    operations.withdraw(record)
    finish.finish(record, status, 0)


def end_all(ring: ptr[Ring], status: Status) -> None:
    """Ends whatever is in flight, because the ring ends. Requires: it takes no entries any more."""
    for slot in range(u32(SLOTS)):
        record = addr(ring.records[slot])
        if finish.claim(record):
            end(record, status)


def _unlink(ring: ptr[Ring], record: ptr[Record]) -> bool:
    """Takes an operation that has not begun out of its chain. Requires: Ring.lock."""
    if not record.state.cas(RecordState.LINKED, RecordState.CLAIMED, "acq_rel"):
        return False
    for slot in range(u32(SLOTS)):
        before = addr(ring.records[slot])
        if u64(before.next_linked) == u64(record):
            before.next_linked = None
    return True
