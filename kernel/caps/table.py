"""The capability table of a process: slots in pages, found through a directory, named by handles.

A slot's generation is odd while a capability is in it and goes up by one at each change. It shares a word, the slot's
state, with the rights, so that one load tells whether a handle is good for something; an empty slot has no rights.
Looking up takes no lock: the state is read before and after the other fields, so that a slot that is emptied or filled
meanwhile is noticed. Whoever moves the state from odd to even by compare-exchange empties the slot; nobody else can.
Free slots are linked through a word of index and tag; the tag, one higher at each change, tells a list that has come
back to the same first slot from one that has not changed.
Pure: tested on the host, its interleavings explored. Pages come from callers, zeroed.
Invariants: I-CAP-4: an occupied slot holds one reference on its object. I-CAP-5: a slot whose generation is used up is
never filled again. I-CAP-6: an object that a lookup found stays memory until its CPU leaves the kernel (core/grace.py).
Locks: Table.lock (Rank.TABLE) is held while pages are added.
"""
from compiler.prelude import (
    addr,
    array,
    atomic,
    cold,
    const,
    fence,
    inline,
    noinline,
    offsetof,
    ptr,
    sizeof,
    struct,
    u32,
    u64,
    wrap_add,
    zeroed,
)
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import RIGHTS_AT_END
from kernel.caps import lease as leases
from kernel.caps.capability import NO_LEASE, Capability, index_of, make_handle
from kernel.caps.object import Object, State
from kernel.sync.spinlock import SpinLock

SLOTS_PER_PAGE = const(64)
PAGES_PER_DIRECTORY = const(512)
DIRECTORIES = const(32)
MAX_SLOTS = const(SLOTS_PER_PAGE * PAGES_PER_DIRECTORY * DIRECTORIES)
_TAG_SHIFT = const(32)
_GENERATION_SHIFT = const(32)           # as in a handle
_OCCUPIED = const(1 << _GENERATION_SHIFT)
_LEASED = const(1 << 31)                # under a lease
_GENERATION_AND_LEASE = const(0xFFFF_FFFF_8000_0000)
_KIND = const(offsetof(Object, "kind"))


@struct(size=64)
class Slot:
    state: atomic[u64]                  # generation, from _GENERATION_SHIFT on; _LEASED; rights
    object: atomic[u64]                 # address of an Object
    badge: atomic[u64]
    epoch: atomic[u64]
    lease: atomic[u32]
    next_free: atomic[u32]              # while it is empty
    operations: atomic[u32]             # of rings, begun with what is in it and not ended


@struct
class Table:
    lock: SpinLock
    free: atomic[u64]                   # tag, and the index of the first free slot; index 0 is none
    slots: atomic[u32]                  # that exist; slot 0 is never used
    first_page: u64                     # address of the first slots
    directories: array[atomic[u64], DIRECTORIES]        # addresses of pages of addresses of pages of slots


assert sizeof(Slot) == 64
assert offsetof(Object, "state") == _KIND + 4 and State.ALIVE == 0

_no_slots: array[Slot, SLOTS_PER_PAGE] = zeroed()


def lookup(table: ptr[Table], handle: u64, kind: u32, rights: u32, found: ptr[Capability]) -> Status:
    """Copies out the capability that a handle names, if it is of this kind (NONE is any) and has all these rights.

    The object may be used until the kernel is left; what outlives that takes a reference.
    Errors: BAD_HANDLE, BAD_KIND, NO_RIGHT, REVOKED, DESTROYED; what `found` then holds means nothing.
    """
    slot = _slot_of(table, handle)
    state = slot.state.load("acquire")
    if not _is_named(state, handle) or not _read(slot, state, found):
        return Status.BAD_HANDLE
    header = found.object
    assert header is not None
    is_good = rights & ~found.rights == 0 and (kind == ObjectKind.NONE or header.kind == kind)
    if is_good and state & _LEASED == 0 and header.state.load("acquire") == State.ALIVE:
        return Status.OK
    return _judge(header, kind, rights, found)


@cold
@noinline
def _judge(header: ptr[Object], kind: u32, rights: u32, found: ptr[Capability]) -> Status:
    if kind != ObjectKind.NONE and header.kind != kind:
        return Status.BAD_KIND
    if rights & ~found.rights != 0:
        return Status.NO_RIGHT
    if found.lease != NO_LEASE and not leases.is_in_force(found.lease, found.epoch):
        return Status.REVOKED
    state = header.state.load("acquire")
    if state == State.DEAD or state == State.DYING and rights & ~u32(RIGHTS_AT_END) != 0:
        return Status.DESTROYED
    return Status.OK


@inline
def find(table: ptr[Table], handle: u64, kind: u32, right: u32, header: ptr[u64], badge: ptr[u64]) -> bool:
    """The short way: object and badge of a capability among the first 64, under no lease, of this kind, with this
    right, which is none of the lowest six bits.

    False says nothing about why; lookup() does. As there, the object is good until the kernel is left.
    """
    index = handle & 0xFFFF_FFFF
    if index >= SLOTS_PER_PAGE:
        return False
    slot = ptr[Slot](table.first_page + index * sizeof(Slot))
    state = slot.state.load("acquire")
    # Equal generations cancel each other, and the handle's index is below the bits that are looked at: what is left is
    # the right, and the mark of a lease if there is one. An empty slot has no rights.
    if (state ^ handle) & (_GENERATION_AND_LEASE | u64(right)) != u64(right):
        return False
    header[0] = slot.object.load("relaxed")
    badge[0] = slot.badge.load("relaxed")
    # As in _read(): the slot may have been emptied, and filled with another capability, while its fields were read.
    fence("acquire")
    # One comparison of the object for both: it is of this kind and alive.
    if slot.state.load("relaxed") != state or ptr[u64](header[0] + _KIND)[0] != u64(kind):
        return False
    return True


@inline
def find_plain(table: ptr[Table], handle: u64, rights: u64, header: ptr[u64], badge: ptr[u64]) -> bool:
    """The short way again, for any kind of object and with all of `rights`, among which is at least one.

    The state of the object is not looked at.
    """
    index = handle & 0xFFFF_FFFF
    if index >= SLOTS_PER_PAGE:
        return False
    slot = ptr[Slot](table.first_page + index * sizeof(Slot))
    state = slot.state.load("acquire")
    if (state ^ handle) & _GENERATION_AND_LEASE != 0 or rights & ~(state & 0xFFFF_FFFF) != 0:
        return False
    header[0] = slot.object.load("relaxed")
    badge[0] = slot.badge.load("relaxed")
    fence("acquire")
    return slot.state.load("relaxed") == state


def prepare(table: ptr[Table]) -> None:
    """Of a table without slots. The page that find() looks at has no capability in it."""
    table.first_page = u64(addr(_no_slots[0]))


def read(table: ptr[Table], handle: u64, found: ptr[Capability]) -> bool:
    """Copies out what a handle names, whatever it is worth. Returns False when it names nothing."""
    slot = _slot_of(table, handle)
    state = slot.state.load("acquire")
    return _is_named(state, handle) and _read(slot, state, found)


def peek(table: ptr[Table], index: u32, found: ptr[Capability]) -> bool:
    """Copies out what is in a slot, for the walker. Returns False when it is empty."""
    if index >= table.slots.load("acquire"):
        return False
    slot = _slot(table, index)
    state = slot.state.load("acquire")
    return state & _OCCUPIED != 0 and _read(slot, state, found)


@inline
def reserve(table: ptr[Table]) -> u32:
    """Takes a free slot off the list, for fill() or give_back(). Returns 0 when there is none: the table must grow."""
    word = table.free.load("acquire")
    while u32(word) != 0:
        following = _near_slot(table, u32(word)).next_free.load("relaxed")
        found, is_done = table.free.compare_exchange(word, _next_word(word, following), "acq_rel")
        if is_done:
            return u32(word)
        word = found
    return 0


def give_back(table: ptr[Table], index: u32) -> None:
    _give_back(table, _slot(table, index), index)


def fill(table: ptr[Table], index: u32, capability: ptr[Capability]) -> u64:
    """Puts a capability into a reserved slot, with the caller's reference on its object. Returns the handle."""
    slot = _slot(table, index)
    header = capability.object
    assert header is not None
    slot.epoch.store(capability.epoch, "relaxed")
    slot.lease.store(capability.lease, "relaxed")
    leased = u32(0) if capability.lease == NO_LEASE else u32(_LEASED)
    return _fill(slot, index, header, capability.badge, capability.rights | leased)


@inline
def fill_plainly(table: ptr[Table], index: u32, header: ptr[Object], badge: u64, rights: u32) -> u64:
    """The same for a capability under no lease."""
    slot = _near_slot(table, index)
    slot.lease.store(NO_LEASE, "relaxed")
    return _fill(slot, index, header, badge, rights)


def remove(table: ptr[Table], handle: u64, removed: ptr[Capability]) -> bool:
    """Empties the slot that a handle names. The caller gets the capability and its reference.

    Returns False when the handle names nothing, or another CPU was first.
    """
    slot = _slot_of(table, handle)
    state = slot.state.load("acquire")
    return _is_named(state, handle) and _empty(table, slot, index_of(handle), state, removed)


@inline
def take_out(table: ptr[Table], handle: u64, header: ptr[u64], rights: ptr[u32]) -> bool:
    """As remove(), for who wants to know no more than the object and the rights."""
    slot = _slot_of(table, handle)
    state = slot.state.load("acquire")
    if not _is_named(state, handle):
        return False
    generation = wrap_add(u32(state >> _GENERATION_SHIFT), 1)
    if not slot.state.cas(state, _with_generation(generation), "seq_cst"):
        return False
    header[0] = slot.object.load("relaxed")
    rights[0] = _rights_in(state)
    if generation != 0:
        _give_back(table, slot, index_of(handle))
    return True


def take_next(table: ptr[Table], cursor: u32, removed: ptr[Capability]) -> tuple[u32, bool]:
    """Empties the first occupied slot among 64 from `cursor` on. Returns where to go on, and whether it found one.

    The end is reached when the cursor is the number of slots.
    """
    end = min(cursor + SLOTS_PER_PAGE, table.slots.load("acquire"))
    index = cursor
    while index < end:
        slot = _slot(table, index)
        state = slot.state.load("acquire")
        if state & _OCCUPIED != 0 and _empty(table, slot, index, state, removed):
            return index + 1, True
        index += 1
    return end, False


def withdraw(table: ptr[Table], handle: u64, found: ptr[Capability]) -> bool:
    """Empties a slot whose contents read() has copied out, but keeps it: for restore() or abandon().

    Returns False when the handle names nothing any more.
    """
    slot = _slot_of(table, handle)
    state = slot.state.load("acquire")
    return _is_named(state, handle) and slot.state.cas(state, _empty_state(state), "seq_cst")


def restore(table: ptr[Table], handle: u64, found: ptr[Capability]) -> None:
    """Undoes withdraw(): the handle names what it did, which lies in the slot still."""
    leased = u64(0) if found.lease == NO_LEASE else u64(_LEASED)
    state = handle >> _GENERATION_SHIFT << _GENERATION_SHIFT
    _slot_of(table, handle).state.store(state | leased | u64(found.rights), "release")


def abandon(table: ptr[Table], handle: u64) -> None:
    """Gives the slot back that withdraw() has emptied."""
    slot = _slot_of(table, handle)
    if slot.state.load("relaxed") != 0:
        _give_back(table, slot, index_of(handle))


def note_operation(table: ptr[Table], handle: u64) -> bool:
    """Counts an operation that begins with a handle. Returns False, nothing counted, when it names nothing any more."""
    slot = _slot(table, index_of(handle))
    # Full: counted before the state is read again; whoever empties the slot reads the count after.
    _ = slot.operations.fetch_add(1, "seq_cst")
    if _is_named(slot.state.load("seq_cst"), handle):
        return True
    _ = slot.operations.fetch_sub(1, "relaxed")
    return False


def forget_operation(table: ptr[Table], handle: u64) -> None:
    _ = _slot(table, index_of(handle)).operations.fetch_sub(1, "release")


def has_operations(table: ptr[Table], handle: u64) -> bool:
    """Whether operations were begun with what is, or was, in a slot. Requires: the handle named something once."""
    return _near_slot(table, index_of(handle)).operations.load("seq_cst") != 0


def needs_directory(table: ptr[Table]) -> bool:
    """Whether the next page of slots needs a new page of addresses first. Requires: Table.lock."""
    page = table.slots.load("relaxed") // SLOTS_PER_PAGE
    return page % PAGES_PER_DIRECTORY == 0


def add_directory(table: ptr[Table], page: u64) -> None:
    """Requires: Table.lock, needs_directory(), and fewer than MAX_SLOTS slots."""
    directory = table.slots.load("relaxed") // (SLOTS_PER_PAGE * PAGES_PER_DIRECTORY)
    table.directories[directory].store(page, "relaxed")


def add_slots(table: ptr[Table], page: u64) -> None:
    """Adds a zeroed page of slots. Requires: Table.lock, fewer than MAX_SLOTS slots, and a directory for it."""
    first = table.slots.load("relaxed")
    entry = first // SLOTS_PER_PAGE
    directory = ptr[atomic[u64]](table.directories[entry // PAGES_PER_DIRECTORY].load("relaxed"))
    directory[entry % PAGES_PER_DIRECTORY].store(page, "relaxed")
    if first == 0:
        table.first_page = page
    # Pairs with the acquiring loads of the number of slots: a slot below it can be reached.
    table.slots.store(first + SLOTS_PER_PAGE, "release")
    index = first + SLOTS_PER_PAGE
    while index > max(first, 1):
        index -= 1
        give_back(table, index)


def page_of(table: ptr[Table], page: u32) -> u64:
    """The address of a page of slots, for the end of the table."""
    directory = ptr[u64](directory_of(table, page))
    return directory[page % PAGES_PER_DIRECTORY]


def directory_of(table: ptr[Table], page: u32) -> u64:
    return table.directories[page // PAGES_PER_DIRECTORY].load("relaxed")


@inline
def _slot_of(table: ptr[Table], handle: u64) -> ptr[Slot]:
    """The slot where a handle's capability would be; where the table has none, one that is always empty."""
    index = index_of(handle)
    if index >= SLOTS_PER_PAGE and index >= table.slots.load("acquire"):
        return addr(_no_slots[0])
    return _near_slot(table, index)


@inline
def _is_named(state: u64, handle: u64) -> bool:
    """Whether a slot that is in this state holds what the handle names. Who loads the state with acquire then finds
    fields at least as new (fill() stores it with release)."""
    return (state ^ handle) >> _GENERATION_SHIFT == 0 and handle & _OCCUPIED != 0


@inline
def _read(slot: ptr[Slot], state: u64, found: ptr[Capability]) -> bool:
    """Copies out what is in a slot. Returns False when the slot has changed since its state was loaded."""
    found.object = ptr[Object](slot.object.load("relaxed"))
    found.badge = slot.badge.load("relaxed")
    found.epoch = slot.epoch.load("relaxed")
    found.rights = _rights_in(state)
    found.lease = slot.lease.load("relaxed")
    # Pairs with the exchange in _empty(): had a field been written since, the state would have moved before.
    fence("acquire")
    return slot.state.load("relaxed") == state


def _empty(table: ptr[Table], slot: ptr[Slot], index: u32, state: u64, removed: ptr[Capability]) -> bool:
    """Returns False when another CPU was first: rights do not change while a slot is occupied, so only that moves the
    state."""
    generation = wrap_add(u32(state >> _GENERATION_SHIFT), 1)
    if not slot.state.cas(state, _with_generation(generation), "acq_rel"):
        return False
    removed.object = ptr[Object](slot.object.load("relaxed"))
    removed.badge = slot.badge.load("relaxed")
    removed.epoch = slot.epoch.load("relaxed")
    removed.rights = _rights_in(state)
    removed.lease = slot.lease.load("relaxed")
    if generation != 0:
        _give_back(table, slot, index)
    return True


@inline
def _fill(slot: ptr[Slot], index: u32, header: ptr[Object], badge: u64, rights: u32) -> u64:
    slot.object.store(u64(header), "relaxed")
    slot.badge.store(badge, "relaxed")
    generation = u32(slot.state.load("relaxed") >> _GENERATION_SHIFT) + 1
    slot.state.store(_with_generation(generation) | u64(rights), "release")
    return make_handle(index, generation)


@inline
def _give_back(table: ptr[Table], slot: ptr[Slot], index: u32) -> None:
    word = table.free.load("relaxed")
    while True:
        slot.next_free.store(u32(word), "relaxed")
        found, is_done = table.free.compare_exchange(word, _next_word(word, index), "acq_rel")
        if is_done:
            break
        word = found


def _empty_state(state: u64) -> u64:
    return _with_generation(wrap_add(u32(state >> _GENERATION_SHIFT), 1))


def _with_generation(generation: u32) -> u64:
    return u64(generation) << _GENERATION_SHIFT


def _rights_in(state: u64) -> u32:
    return u32(state) & ~u32(_LEASED)


@inline
def _near_slot(table: ptr[Table], index: u32) -> ptr[Slot]:
    """_slot(), with a short way to the first 64."""
    if index < SLOTS_PER_PAGE:
        return ptr[Slot](table.first_page + u64(index) * sizeof(Slot))
    return _slot(table, index)


def _slot(table: ptr[Table], index: u32) -> ptr[Slot]:
    page = index // SLOTS_PER_PAGE
    directory = ptr[u64](table.directories[page // PAGES_PER_DIRECTORY].load("relaxed"))
    slots = ptr[Slot](directory[page % PAGES_PER_DIRECTORY])
    return ptr[Slot](u64(slots) + u64(index % SLOTS_PER_PAGE) * sizeof(Slot))


def _next_word(word: u64, index: u32) -> u64:
    return wrap_add(word >> _TAG_SHIFT, 1) << _TAG_SHIFT | u64(index)
