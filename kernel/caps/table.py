"""The capability table of a process: slots in pages, found through a directory, named by handles.

A slot's generation is odd while a capability is in it and goes up by one at each change. Looking up takes no lock: the
generation is read before and after the other fields, so that a slot that is emptied or filled meanwhile is noticed.
Whoever moves the generation from odd to even by compare-exchange empties the slot; nobody else can.
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
    const,
    fence,
    inline,
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
from kernel.caps.capability import NO_LEASE, Capability, generation_of, index_of, make_handle
from kernel.caps.object import Object, State
from kernel.sync.spinlock import SpinLock

SLOTS_PER_PAGE = const(64)
PAGES_PER_DIRECTORY = const(512)
DIRECTORIES = const(32)
MAX_SLOTS = const(SLOTS_PER_PAGE * PAGES_PER_DIRECTORY * DIRECTORIES)
_TAG_SHIFT = const(32)
_KIND = const(offsetof(Object, "kind"))


@struct(size=64)
class Slot:
    generation: atomic[u32]             # odd: occupied
    rights: atomic[u32]
    object: atomic[u64]                 # address of an Object
    badge: atomic[u64]
    epoch: atomic[u64]
    lease: atomic[u32]
    next_free: atomic[u32]              # while it is empty


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
    if not read(table, handle, found):
        return Status.BAD_HANDLE
    header = found.object
    assert header is not None
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
def find(table: ptr[Table], handle: u64, kind: u32, right: u32) -> tuple[u64, u64]:
    """The short way for calls: object and badge of a capability among the first 64, under no lease, of this kind, with
    this right.

    No object (0) says nothing about why; lookup() does. As there, the object is good until the kernel is left.
    """
    index = handle & 0xFFFF_FFFF
    generation = generation_of(handle)
    if index >= SLOTS_PER_PAGE:
        return 0, 0
    slot = ptr[Slot](table.first_page + index * sizeof(Slot))
    if slot.generation.load("acquire") != generation or generation & 1 == 0 or slot.lease.load("relaxed") != NO_LEASE:
        return 0, 0
    header = slot.object.load("relaxed")
    badge = slot.badge.load("relaxed")
    has_right = slot.rights.load("relaxed") & right != 0
    # As in read(): the slot may have been emptied, and filled with another capability, while its fields were read.
    fence("acquire")
    if slot.generation.load("relaxed") != generation or not has_right:
        return 0, 0
    # One comparison for both: the object is of this kind and alive.
    return header if ptr[u64](header + _KIND)[0] == u64(kind) else u64(0), badge


def prepare(table: ptr[Table]) -> None:
    """Of a zeroed table. The page that find() looks at has no capability in it yet."""
    table.first_page = u64(addr(_no_slots[0]))


def read(table: ptr[Table], handle: u64, found: ptr[Capability]) -> bool:
    """Copies out what a handle names, whatever it is worth. Returns False when it names nothing."""
    generation = generation_of(handle)
    index = index_of(handle)
    if generation & 1 == 0 or index >= table.slots.load("acquire"):
        return False
    slot = _slot(table, index)
    # Pairs with the releasing store in fill(): the fields are at least as new as the generation.
    if slot.generation.load("acquire") != generation:
        return False
    found.object = ptr[Object](slot.object.load("relaxed"))
    found.badge = slot.badge.load("relaxed")
    found.epoch = slot.epoch.load("relaxed")
    found.rights = slot.rights.load("relaxed")
    found.lease = slot.lease.load("relaxed")
    # Pairs with the exchange in remove(): had a field been written since, the generation would have moved before.
    fence("acquire")
    return slot.generation.load("relaxed") == generation


def peek(table: ptr[Table], index: u32, found: ptr[Capability]) -> bool:
    """Copies out what is in a slot, for the walker. Returns False when it is empty."""
    if index >= table.slots.load("acquire"):
        return False
    return read(table, make_handle(index, _slot(table, index).generation.load("acquire")), found)


def reserve(table: ptr[Table]) -> u32:
    """Takes a free slot off the list, for fill() or give_back(). Returns 0 when there is none: the table must grow."""
    word = table.free.load("acquire")
    while u32(word) != 0:
        following = _slot(table, u32(word)).next_free.load("relaxed")
        found, is_done = table.free.compare_exchange(word, _next_word(word, following), "acq_rel")
        if is_done:
            return u32(word)
        word = found
    return 0


def give_back(table: ptr[Table], index: u32) -> None:
    slot = _slot(table, index)
    word = table.free.load("relaxed")
    while True:
        slot.next_free.store(u32(word), "relaxed")
        found, is_done = table.free.compare_exchange(word, _next_word(word, index), "acq_rel")
        if is_done:
            break
        word = found


def fill(table: ptr[Table], index: u32, capability: ptr[Capability]) -> u64:
    """Puts a capability into a reserved slot, with the caller's reference on its object. Returns the handle."""
    slot = _slot(table, index)
    header = capability.object
    assert header is not None
    slot.object.store(u64(header), "relaxed")
    slot.badge.store(capability.badge, "relaxed")
    slot.epoch.store(capability.epoch, "relaxed")
    slot.rights.store(capability.rights, "relaxed")
    slot.lease.store(capability.lease, "relaxed")
    generation = slot.generation.load("relaxed") + 1
    slot.generation.store(generation, "release")
    return make_handle(index, generation)


def remove(table: ptr[Table], handle: u64, removed: ptr[Capability]) -> bool:
    """Empties the slot that a handle names. The caller gets the capability and its reference.

    Returns False when the handle names nothing, or another CPU was first.
    """
    generation = generation_of(handle)
    index = index_of(handle)
    if generation & 1 == 0 or index >= table.slots.load("acquire"):
        return False
    return _empty(table, index, generation, removed)


def take_next(table: ptr[Table], cursor: u32, removed: ptr[Capability]) -> tuple[u32, bool]:
    """Empties the first occupied slot among 64 from `cursor` on. Returns where to go on, and whether it found one.

    The end is reached when the cursor is the number of slots.
    """
    end = min(cursor + SLOTS_PER_PAGE, table.slots.load("acquire"))
    index = cursor
    while index < end:
        generation = _slot(table, index).generation.load("acquire")
        if generation & 1 != 0 and _empty(table, index, generation, removed):
            return index + 1, True
        index += 1
    return end, False


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


def _empty(table: ptr[Table], index: u32, generation: u32, removed: ptr[Capability]) -> bool:
    slot = _slot(table, index)
    if not slot.generation.cas(generation, wrap_add(generation, 1), "acq_rel"):
        return False
    removed.object = ptr[Object](slot.object.load("relaxed"))
    removed.badge = slot.badge.load("relaxed")
    removed.epoch = slot.epoch.load("relaxed")
    removed.rights = slot.rights.load("relaxed")
    removed.lease = slot.lease.load("relaxed")
    if wrap_add(generation, 1) != 0:
        give_back(table, index)
    return True


def _slot(table: ptr[Table], index: u32) -> ptr[Slot]:
    if index < SLOTS_PER_PAGE:
        return ptr[Slot](table.first_page + u64(index) * sizeof(Slot))
    page = index // SLOTS_PER_PAGE
    directory = ptr[u64](table.directories[page // PAGES_PER_DIRECTORY].load("relaxed"))
    slots = ptr[Slot](directory[page % PAGES_PER_DIRECTORY])
    return ptr[Slot](u64(slots) + u64(index % SLOTS_PER_PAGE) * sizeof(Slot))


def _next_word(word: u64, index: u32) -> u64:
    return wrap_add(word >> _TAG_SHIFT, 1) << _TAG_SHIFT | u64(index)
