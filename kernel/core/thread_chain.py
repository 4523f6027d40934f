"""Queues of threads: circular, through the threads' own links, so a thread is in one at a time.

Pure: tested on the host. A queue is known by its first thread; None is an empty one.
"""
from compiler.prelude import ptr
from kernel.core.thread_block import Thread


def append(first: ptr[Thread] | None, thread: ptr[Thread]) -> ptr[Thread]:
    """Puts a thread at the end. Returns the first one."""
    assert thread.previous is None, "a thread is in two queues"
    if first is None:
        thread.next = thread
        thread.previous = thread
        return thread
    last = first.previous
    assert last is not None
    thread.next = first
    thread.previous = last
    last.next = thread
    first.previous = thread
    return first


def unlink(first: ptr[Thread] | None, thread: ptr[Thread]) -> ptr[Thread] | None:
    """Takes a thread out of the queue that it is in. Returns the first one that is left."""
    following = thread.next
    preceding = thread.previous
    assert following is not None and preceding is not None, "a thread is not in its queue"
    following.previous = preceding
    preceding.next = following
    thread.next = None
    thread.previous = None
    if first != thread:
        return first
    return None if following == thread else following
