"""The end of objects: what follows when the last reference goes, in slices.

An object waits in a queue until no CPU can hold it from a lookup any more (grace period), then its kind's function is
called until it says that it has finished. A process that ends while others still refer to it waits in the same queue,
with a reference of the queue's own.
Owns: Object.next while an object waits.
Locks: _lock (Rank.DESTRUCTION).
"""
from collections.abc import Callable

from compiler.prelude import array, const, ptr, u64
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.caps import reference
from kernel.caps.object import Object
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_UNITS = const(64)                      # objects, or slices of large ones, between two looks at anything else


def _keep(header: ptr[Object]) -> bool:
    """The kinds that are never destroyed: there is one of each, and it is part of the kernel."""
    return True


_destroyers: array[Callable[[ptr[Object]], bool], OBJECT_KINDS] = array(_keep for _ in range(OBJECT_KINDS))
_lock: SpinLock = SpinLock(rank=Rank.DESTRUCTION)
_first: ptr[Object] | None = None
_last: ptr[Object] | None = None


def set_destroyer(kind: ObjectKind, destroy: Callable[[ptr[Object]], bool]) -> None:
    """`destroy` does a bounded amount of work and returns whether the object is gone. Only while booting."""
    _destroyers[u64(kind)] = destroy


def release(header: ptr[Object]) -> None:
    """Gives up a reference; the last one brings the object's end."""
    if reference.drop(header):
        begin_end(header)


def begin_end(header: ptr[Object]) -> None:
    """Queues an object. Requires: it is not queued, and nobody else will queue it."""
    global _first, _last
    with _lock:
        header.next = None
        last = _last
        if last is None:
            _first = header
        else:
            last.next = header
        _last = header


def has_work() -> bool:
    return _first is not None


def run_slice() -> None:
    """Ends objects for a bounded time. Requires: no lock is held, and a grace period since they were queued."""
    for _ in range(_UNITS):
        header = _take()
        if header is None:
            return
        if not _destroyers[u64(header.kind)](header):
            begin_end(header)


def _take() -> ptr[Object] | None:
    global _first, _last
    if _first is None:
        return None
    with _lock:
        header = _first
        if header is None:
            return None
        _first = header.next
        if _first is None:
            _last = None
        return header
