"""Orders in which a lease is checked, ended and its record used again: kernel/caps/lease.py, and a wrong check."""
from collections.abc import Callable

from compiler.prelude import addr, array, const, struct, u32, u64, zeroed
from kernel.caps import lease as leases
from tests.host.explore.explorer import Scenario, explore

_PAGE_WORDS = const(512)


@struct(align=4096)
class Page:
    words: array[u64, _PAGE_WORDS]


_records: Page = zeroed()
_outer: u32 = 0
_outer_epoch: u64 = 0
_inner: u32 = 0
_inner_epoch: u64 = 0
_is_over: bool = False                  # the end of the outer lease has returned
_wrong: u64 = 0


def explore_lease(most: u64) -> tuple[u64, bool]:
    """The outer lease ends, then the inner one's record begins a lease of its own, while the inner one is checked."""
    return _explore(_check, most)


def explore_single_look(most: u64) -> tuple[u64, bool]:
    """A check that does not look at the epoch again after it has read which lease is the parent."""
    return _explore(_check_once, most)


def _explore(check: Callable[[], None], most: u64) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(check, _end_and_begin, check, check), count=4, is_right=_is_right
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _outer, _outer_epoch, _inner, _inner_epoch, _is_over, _wrong
    if leases.record_count() == 0:
        leases.add_records(u64(addr(_records)))
    else:
        _give_up(_inner)
        _give_up(_outer)
    _outer, _outer_epoch = leases.begin(0, 0)
    _inner, _inner_epoch = leases.begin(_outer, _outer_epoch)
    _is_over = False
    _wrong = 0


def _give_up(lease: u32) -> None:
    epoch = leases.find(lease).epoch.load()
    if epoch & 1 != 0:
        _ = leases.end(lease, epoch)
    leases.recycle(lease)


def _is_right() -> bool:
    return _wrong == 0


def _end_and_begin() -> None:
    global _is_over
    _ = leases.end(_outer, _outer_epoch)
    _is_over = True
    _ = leases.end(_inner, _inner_epoch)
    leases.recycle(_inner)
    lease, _ = leases.begin(0, 0)
    assert lease == _inner


def _check() -> None:
    was_over = _is_over
    _note(was_over, leases.is_in_force(_inner, _inner_epoch))


def _check_once() -> None:
    was_over = _is_over
    lease = _inner
    epoch = _inner_epoch
    while lease != 0:
        record = leases.find(lease)
        if record.epoch.load() != epoch:
            return
        lease = record.parent.load()
        epoch = record.parent_epoch.load()
    _note(was_over, True)


def _note(was_over: bool, is_in_force: bool) -> None:
    global _wrong
    if was_over and is_in_force:
        _wrong += 1
