"""Orders in which an operation begins, its handle is closed, and a message takes the handle away and puts it back.

kernel/caps/table.py, and variants that are wrong on purpose. The table has three usable slots; the first holds the only
capability.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, ptr, struct, u64, zeroed
from kernel.abi.objects import ObjectKind
from kernel.caps import table
from kernel.caps.capability import Capability, index_of
from kernel.caps.object import Object
from kernel.caps.table import Slot, Table
from tests.host.explore.explorer import Scenario, explore

_PAGE_WORDS = const(512)
_SLOT_WORDS = const(8)
_SLOTS = const(4)
_BADGE = const(64)


@struct(align=4096)
class Page:
    words: array[u64, _PAGE_WORDS]


_directory: Page = zeroed()
_slots: Page = zeroed()
_table: Table = zeroed()
_object: Object = zeroed()
_handle: u64 = 0
_begun: u64 = 0                         # operations that have begun
_unseen: u64 = 0                        # closes that have found none
_closes: u64 = 0
_minted: u64 = 0
_withdrawn: bool = False                # the message's, while it has the capability
_is_wrong: bool = False


def explore_begin_and_close(most: u64) -> tuple[u64, bool]:
    """Either the operation is refused, or whoever closes knows of it."""
    return _explore(_begin, _close, most)


def explore_single_look(most: u64) -> tuple[u64, bool]:
    """An operation that is counted without a second look at the handle."""
    return _explore(_begin_without_look, _close, most)


def explore_count_first(most: u64) -> tuple[u64, bool]:
    """A close that looks at the count before it empties the slot."""
    return _explore(_begin, _close_count_first, most)


def explore_take_and_put_back(most: u64) -> tuple[u64, bool]:
    """A message takes a capability and puts it back, while others look it up, close it and mint."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_take_and_put_back, _look_up, _close, _mint), count=4, is_right=_is_right
    )
    return explore(addr(scenario), most)


def explore_take_and_fill(most: u64) -> tuple[u64, bool]:
    """The same, but the slot is given away meanwhile and another one filled: the old handle is lost."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_take_and_fill, _look_up, _close, _mint), count=4, is_right=_is_right
    )
    return explore(addr(scenario), most)


def _explore(begin: Callable[[], None], close: Callable[[], None], most: u64) -> tuple[u64, bool]:
    scenario = Scenario(prepare=_prepare, tasks=array(begin, close, begin, _mint), count=4, is_right=_is_right)
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _handle, _begun, _unseen, _closes, _minted, _withdrawn, _is_wrong
    _object.kind = ObjectKind.NOTIFICATION
    for word in range(u64(_SLOT_WORDS * _SLOTS)):
        _slots.words[word] = 0
    _directory.words[0] = u64(addr(_slots))
    _table.directories[0].store(u64(addr(_directory)), "relaxed")
    _table.slots.store(_SLOTS, "relaxed")
    _table.first_page = u64(addr(_slots))
    _table.free.store(0, "relaxed")
    table.give_back(addr(_table), 3)
    table.give_back(addr(_table), 2)
    table.give_back(addr(_table), 1)
    _handle = _fill()
    _begun = 0
    _unseen = 0
    _closes = 0
    _minted = 0
    _withdrawn = False
    _is_wrong = False


def _is_right() -> bool:
    found = Capability()
    is_named = table.read(addr(_table), _handle, addr(found))
    if (is_named and (found.badge != _BADGE or _closes != 0)) or (not is_named and _closes == 0):
        return False
    return not _is_wrong and (_begun == 0 or _unseen == 0)


def _fill() -> u64:
    made = Capability(object=addr(_object), badge=_BADGE, rights=_BADGE)
    return table.fill(addr(_table), table.reserve(addr(_table)), addr(made))


def _begin() -> None:
    global _begun
    if table.note_operation(addr(_table), _handle):
        _begun += 1


def _begin_without_look() -> None:
    global _begun
    slot = ptr[Slot](_table.first_page + u64(index_of(_handle)) * u64(_SLOT_WORDS) * 8)
    _ = slot.operations.fetch_add(1)
    _begun += 1


def _close() -> None:
    """One that finds nothing begun goes its way."""
    global _closes, _unseen
    removed = Capability()
    if table.remove(addr(_table), _handle, addr(removed)):
        _closes += 1
        if not table.has_operations(addr(_table), _handle):
            _unseen += 1


def _close_count_first() -> None:
    global _closes, _unseen
    removed = Capability()
    has_operations = table.has_operations(addr(_table), _handle)
    if table.remove(addr(_table), _handle, addr(removed)):
        _closes += 1
        if not has_operations:
            _unseen += 1


def _mint() -> None:
    """Never into the slot of the old capability while a message has that."""
    global _is_wrong
    index = table.reserve(addr(_table))
    if index == index_of(_handle) and _withdrawn:
        _is_wrong = True
    if index != 0:
        table.give_back(addr(_table), index)


def _look_up() -> None:
    global _is_wrong
    found = Capability()
    if table.read(addr(_table), _handle, addr(found)) and found.badge != _BADGE:
        _is_wrong = True


def _take_and_put_back() -> None:
    global _withdrawn
    found = Capability()
    if table.read(addr(_table), _handle, addr(found)) and table.withdraw(addr(_table), _handle, addr(found)):
        _withdrawn = True
        table.restore(addr(_table), _handle, addr(found))
        _withdrawn = False


def _take_and_fill() -> None:
    removed = Capability()
    if table.remove(addr(_table), _handle, addr(removed)):
        _ = _fill()
