"""Orders of lookups, closes and mints on kernel/caps/table.py, and variants that are wrong on purpose.

The table has three usable slots; the first holds the old capability. Capabilities are told apart by their badges, which
they have in all their fields.
"""
from compiler.prelude import addr, array, const, ptr, struct, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.caps import table
from kernel.caps.capability import Capability, generation_of, index_of
from kernel.caps.object import Object, State
from kernel.caps.table import Slot, Table
from tests.host.explore.explorer import Scenario, explore

_PAGE_WORDS = const(512)
_SLOT_WORDS = const(8)
_SLOTS = const(4)
_OLD = const(64)                        # table.find() takes no right of the lowest six bits
_NEW = const(128)


@struct(align=4096)
class Page:
    words: array[u64, _PAGE_WORDS]


_directory: Page = zeroed()
_slots: Page = zeroed()
_table: Table = zeroed()
_objects: array[Object, 2] = zeroed()
_handle: u64 = 0                        # of the old capability
_minted: array[u64, 4] = zeroed()       # handles of the new ones
_mints: u64 = 0
_closes: u64 = 0                        # that succeeded
_mixtures: u64 = 0                      # capabilities found with fields of two


def explore_lookup(most: u64) -> tuple[u64, bool]:
    """One looks up what another closes while a third mints into the same slot."""
    scenario = Scenario(prepare=_prepare, tasks=array(_look_up, _close, _mint, _mint), count=3, is_right=_is_right)
    return explore(addr(scenario), most)


def explore_two_lookups(most: u64) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(_look_up, _close_and_mint, _look_up, _mint), count=3, is_right=_is_right
    )
    return explore(addr(scenario), most)


def explore_close_against_close(most: u64) -> tuple[u64, bool]:
    scenario = Scenario(prepare=_prepare, tasks=array(_close, _close, _mint, _look_up), count=4, is_right=_is_right)
    return explore(addr(scenario), most)


def explore_find(most: u64) -> tuple[u64, bool]:
    """The short way of calls against a close and two mints."""
    scenario = Scenario(prepare=_prepare, tasks=array(_find, _close, _mint, _find), count=4, is_right=_is_right)
    return explore(addr(scenario), most)


def explore_free_slots(most: u64) -> tuple[u64, bool]:
    """Slots go off the list and come back meanwhile."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_mint, _take_two_give_one, _close, _mint), count=3, is_right=_is_right
    )
    return explore(addr(scenario), most)


def explore_single_look(most: u64) -> tuple[u64, bool]:
    """A lookup that does not look at the generation again."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_look_up_once, _close, _mint, _mint), count=3, is_right=_is_right
    )
    return explore(addr(scenario), most)


def explore_close_in_two_steps(most: u64) -> tuple[u64, bool]:
    """A close that compares the generation and stores the next one."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_close_in_two_steps, _close_in_two_steps, _mint, _mint), count=2,
        is_right=_is_right,
    )
    return explore(addr(scenario), most)


def explore_untagged_list(most: u64) -> tuple[u64, bool]:
    """A list of free slots whose first word does not tell that it has changed and come back."""
    scenario = Scenario(
        prepare=_prepare, tasks=array(_mint_untagged, _take_two_give_one_untagged, _mint, _mint), count=3,
        is_right=_is_right,
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _handle, _mints, _closes, _mixtures
    for index in range(u64(len(_objects))):
        _objects[index].kind = u32(ObjectKind.NOTIFICATION)
        _objects[index].state.store(State.ALIVE, "relaxed")
    for word in range(_SLOT_WORDS * _SLOTS):
        _slots.words[word] = 0
    _directory.words[0] = u64(addr(_slots))
    _table.directories[0].store(u64(addr(_directory)), "relaxed")
    _table.slots.store(_SLOTS, "relaxed")
    _table.first_page = u64(addr(_slots))
    _table.free.store(0, "relaxed")
    table.give_back(addr(_table), 3)
    table.give_back(addr(_table), 2)
    table.give_back(addr(_table), 1)
    old = _make(_OLD)
    _handle = table.fill(addr(_table), table.reserve(addr(_table)), addr(old))
    _mints = 0
    _closes = 0
    _mixtures = 0


def _is_right() -> bool:
    found = Capability()
    for index in range(_mints):
        if not table.read(addr(_table), _minted[index], addr(found)) or not _is_whole(addr(found), _NEW):
            return False
        for other in range(index):
            if index_of(_minted[other]) == index_of(_minted[index]):
                return False
    return _closes <= 1 and _mixtures == 0


def _make(badge: u64) -> Capability:
    return Capability(
        object=_object(badge), badge=badge, epoch=badge, rights=u32(badge), lease=0
    )


def _object(badge: u64) -> ptr[Object]:
    return addr(_objects[0 if badge == _OLD else 1])


def _is_whole(found: ptr[Capability], badge: u64) -> bool:
    return (
        found.object == _object(badge)
        and found.badge == badge
        and found.epoch == badge
        and found.rights == u32(badge)
    )


def _note(found: ptr[Capability]) -> None:
    global _mixtures
    if not _is_whole(found, _OLD):
        _mixtures += 1


def _look_up() -> None:
    found = Capability()
    if table.lookup(addr(_table), _handle, u32(ObjectKind.NOTIFICATION), 0, addr(found)) == Status.OK:
        _note(addr(found))


def _find() -> None:
    global _mixtures
    header: u64 = 0
    badge: u64 = 0
    is_found = table.find(addr(_table), _handle, u32(ObjectKind.NOTIFICATION), _OLD, addr(header), addr(badge))
    if is_found and (header != u64(_object(_OLD)) or badge != _OLD):
        _mixtures += 1


def _close() -> None:
    global _closes
    removed = Capability()
    if table.remove(addr(_table), _handle, addr(removed)):
        _closes += 1
        _note(addr(removed))


def _mint() -> None:
    index = table.reserve(addr(_table))
    if index != 0:
        _fill(index)


def _fill(index: u32) -> None:
    global _mints
    made = _make(_NEW)
    place = _mints
    _mints += 1
    _minted[place] = table.fill(addr(_table), index, addr(made))


def _close_and_mint() -> None:
    _close()
    _mint()


def _take_two_give_one() -> None:
    first = table.reserve(addr(_table))
    second = table.reserve(addr(_table))
    if first != 0:
        table.give_back(addr(_table), first)
    if second != 0:
        _fill(second)


def _look_up_once() -> None:
    slot = _slot(index_of(_handle))
    state = slot.state.load()
    if u32(state >> 32) == generation_of(_handle):
        found = Capability(
            object=ptr[Object](slot.object.load()),
            badge=slot.badge.load(),
            epoch=slot.epoch.load(),
            rights=u32(state),
        )
        _note(addr(found))


def _close_in_two_steps() -> None:
    global _closes
    slot = _slot(index_of(_handle))
    generation = u32(slot.state.load() >> 32)
    if generation == generation_of(_handle):
        slot.state.store(u64(generation + 1) << 32)
        _closes += 1


def _mint_untagged() -> None:
    index = _reserve_untagged()
    if index != 0:
        _fill(index)


def _take_two_give_one_untagged() -> None:
    first = _reserve_untagged()
    second = _reserve_untagged()
    if first != 0:
        _give_back_untagged(first)
    if second != 0:
        _fill(second)


def _reserve_untagged() -> u32:
    word = u64(u32(_table.free.load()))
    while word != 0:
        following = _slot(u32(word)).next_free.load()
        found, is_done = _table.free.compare_exchange(word, u64(following))
        if is_done:
            return u32(word)
        word = found
    return 0


def _give_back_untagged(index: u32) -> None:
    word = _table.free.load()
    while True:
        _slot(index).next_free.store(u32(word))
        found, is_done = _table.free.compare_exchange(word, u64(index))
        if is_done:
            break
        word = found


def _slot(index: u32) -> ptr[Slot]:
    return ptr[Slot](u64(addr(_slots)) + u64(index) * _SLOT_WORDS * 8)
