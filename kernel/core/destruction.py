"""The end of objects: what follows when the last reference goes, in slices.

An object waits in a queue until no CPU can hold it from a lookup any more (grace period), then its kind's function is
called until it says that it has finished. A process that ends while others still refer to it waits in the same queue,
with a reference of the queue's own. Objects pass three lists: new, waiting for the period that runs, ripe.
Owns: Object.next while an object waits.
Locks: _lock (Rank.DESTRUCTION) guards the lists.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, atomic, const, percpu, percpu_address, ptr, struct, u64, wrap_add
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.abi.thread import DEFAULT_PRIORITY
from kernel.arch.x86_64 import cpu
from kernel.caps import reference
from kernel.caps.object import Object
from kernel.core import grace, work
from kernel.core.work_block import Work
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_UNITS = const(64)                      # objects, or slices of large ones, between two looks at anything else


@struct
class ObjectList:
    first: ptr[Object] | None = None
    last: ptr[Object] | None = None


def _keep(header: ptr[Object]) -> bool:
    """The kinds that are never destroyed: there is one of each, and it is part of the kernel."""
    return True


def _run_slice(record: ptr[Work]) -> bool:
    """Ends ripe objects for a bounded time. Returns True when there are no more."""
    for _ in range(_UNITS):
        header = _take_ripe()
        if header is None:
            return True
        if _destroyers[u64(header.kind)](header):
            _ = _unfinished.fetch_sub(1, "release")
        else:
            # It did as much as a slice may take.
            with _lock:
                _append(addr(_ripe), header)
            return False
    return False


_destroyers: array[Callable[[ptr[Object]], bool], OBJECT_KINDS] = array(_keep for _ in range(OBJECT_KINDS))
_lock: SpinLock = SpinLock(rank=Rank.DESTRUCTION)
_new: ObjectList = ObjectList()
_waiting: ObjectList = ObjectList()
_ripe: ObjectList = ObjectList()
_unfinished: atomic[u64] = 0            # objects queued, or being ended, or held by work
_work: percpu[Work] = Work(run=_run_slice, priority=DEFAULT_PRIORITY)


def start() -> None:
    grace.begun = _note_begun
    grace.ended = _note_ended


def set_destroyer(kind: ObjectKind, destroy: Callable[[ptr[Object]], bool]) -> None:
    """`destroy` does a bounded amount of work and returns whether the object is gone. Only while booting."""
    _destroyers[u64(kind)] = destroy


def release(header: ptr[Object]) -> None:
    """Gives up a reference; the last one brings the object's end."""
    if reference.drop(header):
        begin_end(header)


def begin_end(header: ptr[Object]) -> None:
    """Queues an object. Requires: it is not queued, and nobody else will queue it."""
    _ = _unfinished.fetch_add(1, "relaxed")
    with _lock:
        _append(addr(_new), header)
    grace.want()


def begin_holding() -> None:
    """Queued work keeps an object for as long as it lasts: what has ended may not all be gone before end_holding()."""
    _ = _unfinished.fetch_add(1, "relaxed")


def end_holding(header: ptr[Object]) -> None:
    """Gives up the reference of the work."""
    release(header)
    _ = _unfinished.fetch_sub(1, "release")


def is_idle() -> bool:
    """Whether no object waits for its end."""
    return _unfinished.load("acquire") == 0


def _note_begun() -> None:
    with _lock:
        _move_all(addr(_new), addr(_waiting))


def _note_ended() -> None:
    with _lock:
        _move_all(addr(_waiting), addr(_ripe))
    record = ptr[Work](wrap_add(cpu.base, percpu_address(_work)))
    if not record.is_queued:
        work.add(record)


def _take_ripe() -> ptr[Object] | None:
    with _lock:
        header = _ripe.first
        if header is None:
            return None
        _ripe.first = header.next
        if _ripe.first is None:
            _ripe.last = None
        return header


def _append(to: ptr[ObjectList], header: ptr[Object]) -> None:
    header.next = None
    last = to.last
    if last is None:
        to.first = header
    else:
        last.next = header
    to.last = header


def _move_all(source: ptr[ObjectList], to: ptr[ObjectList]) -> None:
    first = source.first
    if first is None:
        return
    last = to.last
    if last is None:
        to.first = first
    else:
        last.next = first
    to.last = source.last
    source.first = None
    source.last = None
