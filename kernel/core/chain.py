"""Queues of threads, and of operation records: circular, through the members' own links, so each is in one at a time.

Pure: tested on the host. A queue is known by its first member; None is an empty one.
"""
from typing import TypeVar

from compiler.prelude import ptr
from kernel.complete.ring_block import Record
from kernel.core.thread_block import Thread

Member = TypeVar("Member", Thread, Record)


def append(first: ptr[Member] | None, member: ptr[Member]) -> ptr[Member]:
    """Puts a member at the end. Returns the first one."""
    assert member.previous is None, "something is in two queues"
    if first is None:
        member.next = member
        member.previous = member
        return member
    last = first.previous
    assert last is not None
    member.next = first
    member.previous = last
    last.next = member
    first.previous = member
    return first


def unlink(first: ptr[Member] | None, member: ptr[Member]) -> ptr[Member] | None:
    """Takes a member out of the queue that it is in. Returns the first one that is left."""
    following = member.next
    preceding = member.previous
    assert following is not None and preceding is not None, "something is not in its queue"
    following.previous = preceding
    preceding.next = following
    member.next = None
    member.previous = None
    if first != member:
        return first
    return None if following == member else following
