"""Queues of operation records, as thread_chain.py has them of threads.

Pure: tested on the host. A queue is known by its first record; None is an empty one.
"""
from compiler.prelude import ptr
from kernel.complete.ring_block import Record


def append_record(first: ptr[Record] | None, record: ptr[Record]) -> ptr[Record]:
    """Puts a record at the end. Returns the first one."""
    assert record.previous is None, "a record is in two queues"
    if first is None:
        record.next = record
        record.previous = record
        return record
    last = first.previous
    assert last is not None
    record.next = first
    record.previous = last
    last.next = record
    first.previous = record
    return first


def unlink_record(first: ptr[Record] | None, record: ptr[Record]) -> ptr[Record] | None:
    """Takes a record out of the queue that it is in. Returns the first one that is left."""
    following = record.next
    preceding = record.previous
    assert following is not None and preceding is not None, "a record is not in its queue"
    following.previous = preceding
    preceding.next = following
    record.next = None
    record.previous = None
    if first != record:
        return first
    return None if following == record else following
