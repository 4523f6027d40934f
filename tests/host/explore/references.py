"""Orders in which references are taken and dropped: kernel/caps/reference.py, and two that are wrong on purpose.

Two tasks give up the two references that there are; two others find the object without one, as a lookup does, try to
take one, look at the object, and give it up.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, u64
from kernel.caps import reference
from kernel.caps.object import Object
from tests.host.explore.explorer import Scenario, explore

_object: Object = Object()
_ends: u64 = 0                          # how often the object's end began
_uses_after_end: u64 = 0


def explore_references(most: u64) -> tuple[u64, bool]:
    return _explore(_take_and_drop, most)


def explore_unconditional_take(most: u64) -> tuple[u64, bool]:
    """A reference is added whatever the count is."""
    return _explore(_take_always, most)


def explore_unguarded_take(most: u64) -> tuple[u64, bool]:
    """The count is read and written in two steps."""
    return _explore(_take_in_two_steps, most)


def _explore(user: Callable[[], None], most: u64) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(_drop, user, user, _drop), count=4, is_right=_is_right
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _ends, _uses_after_end
    _object.references.store(2, "relaxed")
    _ends = 0
    _uses_after_end = 0


def _is_right() -> bool:
    return _ends == 1 and _uses_after_end == 0 and _object.references.load("relaxed") == 0


def _drop() -> None:
    global _ends
    if reference.drop(addr(_object)):
        _ends += 1


def _use_and_drop() -> None:
    global _uses_after_end
    if _ends != 0:
        _uses_after_end += 1
    _drop()


def _take_and_drop() -> None:
    if reference.take(addr(_object)):
        _use_and_drop()


def _take_always() -> None:
    _ = _object.references.fetch_add(1)
    _use_and_drop()


def _take_in_two_steps() -> None:
    count = _object.references.load()
    if count != 0:
        _object.references.store(count + 1)
        _use_and_drop()
