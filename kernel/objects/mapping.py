"""Mapping: a range of a Memory object becomes a range of an address space, by whole pages of any size.

Everything is checked and everything that can run out is taken before the first entry is written.
Locks: AddressSpace.lock throughout; inside it Memory.lock and, for the lease, its own.
Not here: taking mappings away and changing them (unmapping.py).
"""
from compiler.prelude import addr, const, fence, ptr, requires, sizeof, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.memory import EXECUTE, PAGE_ACCESSED, PAGE_DIRTY, READ, WRITE
from kernel.abi.objects import Resource
from kernel.abi.rights import Right
from kernel.arch.x86_64 import paging, tlb
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES, PAGE_SHIFT
from kernel.arch.x86_64.paging import TableCount
from kernel.caps import account as accounts
from kernel.caps import lease as leases
from kernel.caps import reference
from kernel.caps.capability import Capability
from kernel.caps.lease import UseKind
from kernel.caps.object import State
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.memory import address_space, frame_set, range_tree, slab
from kernel.memory.address_space import AddressSpace
from kernel.memory.buddy import NO_FRAME
from kernel.memory.usercopy import is_user_range
from kernel.objects.memory_block import Mapping, MappingState, Memory, of_node

MOST_PAGES = const(16384)               # small pages of one call, which bounds its length

_PAGE_MASK = const(PAGE_BYTES - 1)


def map_memory(process: ptr[Process], capability: ptr[Capability], place: u64, offset: u64, length: u64) -> Status:
    """Maps part of the Memory that a capability names. The low bits of `place` say what the program may do there.

    Errors: BAD_ARGUMENT, BAD_ADDRESS, NO_RIGHT, USE_RING, NOT_READY, NOT_SEALED, SEALED, ALREADY_MAPPED, BUSY,
    REVOKED, DESTROYED, NO_MEMORY, OVER_LIMIT.
    """
    header = capability.object
    assert header is not None
    memory = ptr[Memory](header)
    access = u32(place & _PAGE_MASK)
    start = place & ~u64(_PAGE_MASK)
    status = _check(memory, capability.rights, start, access, offset, length)
    if status != Status.OK:
        return status
    mapping, made = make_mapping(process)
    if mapping is None:
        return made
    mapping.node.start = start
    mapping.node.end = start + length
    mapping.offset = offset
    mapping.access = access
    mapping.allowed = _allowed(memory, capability.rights)
    mapping.is_writer = access & WRITE != 0
    if not reference.take(header):
        free_mapping(mapping)
        return Status.DESTROYED
    mapping.memory = memory
    with process.space.lock:
        status = _commit(mapping, capability)
    if status != Status.OK:
        free_mapping(mapping)
        release(header)
    return status


def page_state(process: ptr[Process], address: u64) -> tuple[Status, u64]:
    """What the processor knows of the page at an address (abi/memory.py). Errors: BAD_ADDRESS, NOT_MAPPED."""
    if not is_user_range(address, 1):
        return Status.BAD_ADDRESS, 0
    with process.space.lock:
        place, level = paging.find_entry(process.space.root, address)
        entry = place[0]
    if entry & paging.PRESENT == 0:
        return Status.NOT_MAPPED, 0
    state = paging.page_bytes(level) | READ
    if entry & paging.WRITABLE != 0:
        state |= WRITE
    if entry & paging.NO_EXECUTE == 0:
        state |= EXECUTE
    if entry & paging.ACCESSED != 0:
        state |= PAGE_ACCESSED
    if entry & paging.DIRTY != 0:
        state |= PAGE_DIRTY
    return Status.OK, state


def make_mapping(process: ptr[Process]) -> tuple[ptr[Mapping] | None, Status]:
    """A mapping without a place, paid for by the process. Errors: OVER_LIMIT, NO_MEMORY."""
    account = process.header.account
    if not accounts.charge(account, u32(Resource.OBJECTS), 1):
        return None, Status.OVER_LIMIT
    fresh = slab.allocate(sizeof(Mapping))
    if fresh is None:
        accounts.uncharge(account, u32(Resource.OBJECTS), 1)
        return None, Status.NO_MEMORY
    mapping = ptr[Mapping](fresh)
    mapping.process = process
    mapping.use.kind = UseKind.MAPPING
    mapping.tables = NO_FRAME
    return mapping, Status.OK


def free_mapping(mapping: ptr[Mapping]) -> None:
    """Requires: nothing refers to it."""
    accounts.uncharge(mapping.process.header.account, u32(Resource.OBJECTS), 1)
    slab.release(ptr[u8](mapping))


def drop_holds(mapping: ptr[Mapping], count: u32) -> None:
    """The last hold frees it, and then its Memory may end. Requires: no lock is held."""
    if mapping.holds.fetch_sub(count, "acq_rel") != count:
        return
    memory = mapping.memory
    process = mapping.process
    free_mapping(mapping)
    _ = memory.mapped.fetch_sub(1, "release")
    unpin(process)
    release(addr(memory.header))


def unpin(process: ptr[Process]) -> None:
    """One mapping or grant less: an ending process may be freed after this."""
    _ = process.space.mappings.fetch_sub(1, "release")


def is_access(access: u32) -> bool:
    """Whether a mapping may have this access at all: it can be read, and not both written and executed."""
    return access & READ != 0 and access <= READ | WRITE | EXECUTE and access & (WRITE | EXECUTE) != WRITE | EXECUTE


def page_access(memory: ptr[Memory], access: u32) -> u64:
    """The bits of a page-table entry."""
    if access & EXECUTE != 0:
        return paging.USER_TEXT
    if access & WRITE != 0:
        return paging.USER_DATA | memory.attribute
    return paging.USER_READ_ONLY | memory.attribute


def prepare_tables(process: ptr[Process], count: u64) -> Status:
    """Charges and puts aside so many tables. Errors: OVER_LIMIT, NO_MEMORY. Requires: AddressSpace.lock."""
    if count == 0:
        return Status.OK
    account = process.header.account
    if not accounts.charge(account, u32(Resource.FRAMES), count):
        return Status.OVER_LIMIT
    if not address_space.prepare_tables(count):
        accounts.uncharge(account, u32(Resource.FRAMES), count)
        return Status.NO_MEMORY
    process.space.tables += count
    return Status.OK


def return_tables(process: ptr[Process]) -> None:
    """Gives back the tables that were put aside and not taken. Requires: AddressSpace.lock."""
    count = address_space.drop_spare_tables()
    process.space.tables -= count
    accounts.uncharge(process.header.account, u32(Resource.FRAMES), count)


def _check(memory: ptr[Memory], rights: u32, start: u64, access: u32, offset: u64, length: u64) -> Status:
    if not is_access(access) or length == 0 or (offset | length) & _PAGE_MASK != 0:
        return Status.BAD_ARGUMENT
    if not is_user_range(start, length):
        return Status.BAD_ADDRESS
    size = memory.frames.pages << PAGE_SHIFT
    if offset > size or length > size - offset:
        return Status.BAD_ARGUMENT
    if access & ~_allowed(memory, rights) != 0:
        return Status.NO_RIGHT
    if offset + length > memory.ready_pages << PAGE_SHIFT:
        return Status.NOT_READY
    return Status.OK


def _allowed(memory: ptr[Memory], rights: u32) -> u32:
    allowed: u32 = 0
    if rights & Right.READ != 0:
        allowed |= READ
    if rights & Right.WRITE != 0:
        allowed |= WRITE
    if rights & Right.EXECUTE != 0 and not memory.is_device:
        allowed |= EXECUTE
    return allowed


def _commit(mapping: ptr[Mapping], capability: ptr[Capability]) -> Status:
    process = mapping.process
    space = addr(process.space)
    if space.is_ending.load("relaxed") != 0:
        return Status.DESTROYED
    found = range_tree.find(addr(space.ranges), mapping.node.start)
    if found is not None and found.start < mapping.node.end:
        return Status.ALREADY_MAPPED if of_node(found).state == MappingState.ACTIVE else Status.BUSY
    if mapping.node.end - mapping.node.start >= LARGE_PAGE_BYTES:
        _free_empty_tables(mapping)
    mapping.lease = capability.lease
    mapping.epoch = capability.epoch
    place, level = paging.find_entry(space.root, mapping.node.start)
    if level == 1 and mapping.node.end - mapping.node.start == PAGE_BYTES:
        status = link(mapping)
        if status == Status.OK:
            physical, _ = _run_at(mapping, 0)
            paging.map_page(place, physical, page_access(mapping.memory, mapping.access))
    else:
        status = _commit_range(mapping)
    if status == Status.OK:
        range_tree.insert(addr(space.ranges), addr(mapping.node))
    return status


def _commit_range(mapping: ptr[Mapping]) -> Status:
    space = addr(mapping.process.space)
    tables, is_short = _count_tables(space, mapping)
    if not is_short:
        return Status.USE_RING
    status = prepare_tables(mapping.process, tables)
    if status != Status.OK:
        return status
    status = link(mapping)
    if status != Status.OK:
        return_tables(mapping.process)
        return status
    _write_entries(space, mapping)
    return Status.OK


def link(mapping: ptr[Mapping]) -> Status:
    """Hangs a mapping on its Memory's and its lease's list, and counts it. Requires: AddressSpace.lock.

    Errors: DESTROYED, SEALED, NOT_SEALED, REVOKED; then it hangs on none.
    """
    memory = mapping.memory
    mapping.holds.store(3 if mapping.lease != 0 else 2, "relaxed")
    with memory.lock:
        if memory.header.state.load("relaxed") != State.ALIVE:
            return Status.DESTROYED
        if mapping.is_writer and memory.is_sealed:
            return Status.SEALED
        if mapping.access & EXECUTE != 0 and not memory.is_sealed:
            return Status.NOT_SEALED
        following = memory.first
        mapping.next = following
        mapping.previous = None
        if following is not None:
            following.previous = mapping
        memory.first = mapping
        memory.writers += u32(mapping.is_writer)
    if not leases.add_use(addr(mapping.use), mapping.lease, mapping.epoch):
        _ = unlink(mapping)
        return Status.REVOKED
    _ = memory.mapped.fetch_add(1, "relaxed")
    _ = mapping.process.space.mappings.fetch_add(1, "relaxed")
    return Status.OK


def unlink(mapping: ptr[Mapping]) -> bool:
    """Takes a mapping off its Memory's list. Returns False when the end of the Memory has taken it already."""
    memory = mapping.memory
    with memory.lock:
        memory.writers -= u32(mapping.is_writer)
        mapping.is_writer = False
        if mapping.previous is None and memory.first != mapping:
            return False
        remove_from_list(memory, mapping)
    return True


@requires("memory.lock")
def remove_from_list(memory: ptr[Memory], mapping: ptr[Mapping]) -> None:
    """Requires: the mapping is on the list."""
    following = mapping.next
    previous = mapping.previous
    if following is not None:
        following.previous = previous
    if previous is not None:
        previous.next = following
    else:
        memory.first = following
    mapping.previous = None
    mapping.next = None


def _free_empty_tables(mapping: ptr[Mapping]) -> None:
    """Makes way for large pages where small ones were, if no other CPU can have the tables in its caches."""
    process = mapping.process
    space = addr(process.space)
    if tlb.has_others(addr(space.cpus)):
        return
    first = address_space.detach_tables(space, mapping.node.start, mapping.node.end, NO_FRAME)
    if first == NO_FRAME:
        return
    address_space.forget(space, mapping.node.start, mapping.node.end)
    fence("seq_cst")
    if tlb.has_others(addr(space.cpus)):
        mapping.tables = first          # a CPU has come that may have seen them
    else:
        free_tables(process, first)


def free_tables(process: ptr[Process], first: u32) -> None:
    """Gives detached tables back. Requires: AddressSpace.lock, and every CPU has forgotten them."""
    if first == NO_FRAME:
        return
    freed = address_space.release_tables(first)
    process.space.tables -= freed
    accounts.uncharge(process.header.account, u32(Resource.FRAMES), freed)


def _count_tables(space: ptr[AddressSpace], mapping: ptr[Mapping]) -> tuple[u64, bool]:
    """How many tables the mapping needs that are not there, and whether it is short enough for one call."""
    start = mapping.node.start
    length = mapping.node.end - start
    count = TableCount()
    access = page_access(mapping.memory, mapping.access)
    done: u64 = 0
    small: u64 = 0
    while done < length:
        physical, run = _run_at(mapping, done)
        part = min(run, length - done)
        small += paging.count_entries(space.root, start + done, physical, part, access)
        if small > MOST_PAGES:
            return 0, False
        paging.count_missing_tables(addr(count), space.root, start + done, physical, part, access)
        done += part
    return count.missing, True


def _write_entries(space: ptr[AddressSpace], mapping: ptr[Mapping]) -> None:
    start = mapping.node.start
    length = mapping.node.end - start
    access = page_access(mapping.memory, mapping.access)
    done: u64 = 0
    while done < length:
        physical, run = _run_at(mapping, done)
        part = min(run, length - done)
        is_done = paging.map_range(space.root, start + done, physical, part, access, address_space.take_table)
        assert is_done
        done += part


def _run_at(mapping: ptr[Mapping], done: u64) -> tuple[u64, u64]:
    """Where a byte of the mapping lies, and how many bytes from there on are contiguous."""
    physical, pages = frame_set.find_run(addr(mapping.memory.frames), (mapping.offset + done) >> PAGE_SHIFT)
    return physical, pages << PAGE_SHIFT
