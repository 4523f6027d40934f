"""Invocations from a ring that end later: whoever cannot end one now takes its record, and finishes it once.

A deferred record is BOUND: it ends by itself, soon, and cannot be cancelled any more.
"""
from compiler.prelude import percpu, ptr, u64
from kernel.abi.errors import Status
from kernel.complete import finish
from kernel.complete.ring_block import Record, RecordState

_record: percpu[u64] = 0                # address of the record that is being carried out, 0 in a system call


def begin(record: ptr[Record]) -> None:
    """What is invoked until end() may be deferred."""
    global _record
    _record = u64(record)


def end() -> bool:
    """Returns whether the record is still the caller's to finish."""
    global _record
    is_mine = _record != 0
    _record = 0
    return is_mine


def take() -> ptr[Record] | None:
    """Defers what is being invoked, if that is an operation of a ring; the caller finishes the record."""
    global _record
    if _record == 0:
        return None
    record = ptr[Record](_record)
    _record = 0
    record.state.store(RecordState.BOUND, "release")
    return record


def finish_bound(record: ptr[Record], status: Status, result: u64) -> None:
    record.state.store(RecordState.CLAIMED, "relaxed")
    finish.finish(record, status, result)
