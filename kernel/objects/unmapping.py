"""Taking mappings back and changing their rights, until every CPU has forgotten what was.

A range is prepared first: mappings and large pages are cut at its ends, so that from then on whole mappings change.
The entries change at once; where other CPUs have the space in force, the mappings stay in the space's ranges, BUSY
for everybody else, until the last CPU has answered (tlb.py), and the calling thread waits for that.
Locks: AddressSpace.lock; it is released before anybody is woken or anything freed.
"""
from compiler.prelude import addr, bounded_recursion, const, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.memory import EXECUTE, WRITE
from kernel.abi.objects import Resource
from kernel.arch.x86_64 import paging, tlb
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES
from kernel.arch.x86_64.tlb import Flush
from kernel.caps import account as accounts
from kernel.caps import lease as leases
from kernel.caps import reference
from kernel.caps.lease import Use
from kernel.complete import deferral
from kernel.core import schedule, wait
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.core.thread_block import WAIT_STEP, Thread, Wait, current_thread
from kernel.memory import address_space, range_tree
from kernel.memory.address_space import AddressSpace
from kernel.memory.usercopy import is_user_range
from kernel.objects.cutting import cut_range
from kernel.objects.mapping import MOST_PAGES, drop_holds, free_tables, is_access, page_access, unlink
from kernel.objects.memory_block import Mapping, MappingState, of_flush, of_node
from kernel.objects.port_grants import end_grants

_MOST_MAPPINGS = const(64)              # of one call
_PAGE_MASK = const(PAGE_BYTES - 1)
_SMALL_BYTES = const(MOST_PAGES * PAGE_BYTES)


def start() -> None:
    tlb.finish = _finish


def unmap(process: ptr[Process], start: u64, length: u64) -> Status:
    """Unmaps a range, all of which must be mapped. Does not return when the calling thread has to wait.

    Errors: BAD_ADDRESS, BAD_ARGUMENT, NOT_MAPPED, BUSY, USE_RING, REVOKED, DESTROYED, NO_MEMORY, OVER_LIMIT.
    """
    return _change(process, start, length, 0)


def protect(process: ptr[Process], place: u64, length: u64) -> Status:
    """Changes what the program may do in a range; the low bits of `place` say what. Otherwise like unmap().

    Errors: also NO_RIGHT, SEALED, NOT_SEALED.
    """
    access = u32(place & _PAGE_MASK)
    if not is_access(access):
        return Status.BAD_ARGUMENT
    return _change(process, place & ~u64(_PAGE_MASK), length, access)


def take_back_use(use: ptr[Use]) -> None:
    """Ends a mapping whose lease has ended, and which has been taken off the lease's list."""
    take_back(ptr[Mapping](use))


def take_back(mapping: ptr[Mapping]) -> None:
    """Ends a mapping that has been taken off one of its lists; that list's hold is dropped."""
    space = addr(mapping.process.space)
    is_over = False
    with space.lock:
        if mapping.state == MappingState.ACTIVE:
            is_over = _begin_unmapping(mapping)
        elif mapping.state == MappingState.CHANGING:
            mapping.is_doomed = True
    if is_over:
        _finish(addr(mapping.flush))
    drop_holds(mapping, 1)


def leave_space(process: ptr[Process]) -> bool:
    """Makes CPUs leave an address space that no thread will run in. Returns whether all say so."""
    space = addr(process.space)
    with space.lock:
        space.is_ending.store(1, "seq_cst")
    address_space.make_all_look(space)
    return not address_space.is_in_force(space)


def end_space(process: ptr[Process]) -> bool:
    """One slice of the end of an address space that every CPU has left. Returns whether it is gone."""
    space = addr(process.space)
    end_grants(process)
    for _ in range(_MOST_MAPPINGS):
        ended: ptr[Mapping] | None = None
        with space.lock:
            node = range_tree.find(addr(space.ranges), 0)
            if node is None:
                break
            mapping = of_node(node)
            if mapping.state == MappingState.ACTIVE:
                # The tables go as a whole, and no CPU has them: nothing to clear, nothing to forget.
                mapping.state = MappingState.UNMAPPING
                mapping.batch = None
                mapping.waiter = None
                mapping.record = None
                ended = mapping
        if ended is None:
            return False
        _finish(addr(ended.flush))
    if space.ranges.root is not None or space.mappings.load("acquire") != 0:
        return False
    address_space.free_tables(space)
    accounts.uncharge(process.header.account, u32(Resource.FRAMES), space.tables)
    space.tables = 0
    return True


def _change(process: ptr[Process], start: u64, length: u64, access: u32) -> Status:
    """No access: unmaps."""
    if length == 0 or (start | length) & _PAGE_MASK != 0:
        return Status.BAD_ARGUMENT
    if not is_user_range(start, length):
        return Status.BAD_ADDRESS
    end = start + length
    space = addr(process.space)
    with space.lock:
        whole = _whole_mapping(space, start, end) if access == 0 else None
        status = _prepare(process, start, end, access) if whole is None else Status.OK
        if status != Status.OK:
            return status
        first = _mark(process, start, end, access) if whole is None else whole
        first.state = MappingState.UNMAPPING if access == 0 else MappingState.CHANGING
        if access == 0:
            _clear(first, start, end)
        address_space.forget(space, start, end)
        is_gone = access == 0 and first.batch is None and not tlb.has_others(addr(space.cpus))
        if is_gone:
            _take_out(first)
            waits, is_over = False, False
        else:
            waits, is_over = _ask_others(first, start, end)
    if is_gone:
        _free_batch(first)
    if is_over:
        _finish(addr(first.flush))
    if waits:
        schedule.leave()
    return Status.OK


def _whole_mapping(space: ptr[AddressSpace], start: u64, end: u64) -> ptr[Mapping] | None:
    """The mapping that is just this range, if there is one that can be unmapped in one call without any cut."""
    node = range_tree.find(addr(space.ranges), start)
    if node is None or node.start != start or node.end != end or end - start > _SMALL_BYTES:
        return None
    mapping = of_node(node)
    if mapping.state != MappingState.ACTIVE:
        return None
    mapping.batch = None
    return mapping


def _prepare(process: ptr[Process], start: u64, end: u64, access: u32) -> Status:
    """Whatever can be refused or run out. Requires: AddressSpace.lock."""
    status = _check_range(process, start, end, access)
    if status == Status.OK:
        status = cut_range(process, start, end)
    if status == Status.OK and access & WRITE != 0:
        status = _note_writers(process, start, end)
    return status


def _check_range(process: ptr[Process], start: u64, end: u64, access: u32) -> Status:
    """Requires: AddressSpace.lock."""
    space = addr(process.space)
    at = start
    count: u64 = 0
    while at < end:
        node = range_tree.find(addr(space.ranges), at)
        if node is None or node.start > at:
            return Status.NOT_MAPPED
        mapping = of_node(node)
        if mapping.state != MappingState.ACTIVE:
            return Status.BUSY
        if access & ~mapping.allowed != 0:
            return Status.NO_RIGHT
        if access & EXECUTE != 0 and not mapping.memory.is_sealed:
            return Status.NOT_SEALED
        if access & WRITE != 0 and mapping.memory.is_sealed:
            return Status.SEALED
        at = node.end
        count += 1
        if count > _MOST_MAPPINGS:
            return Status.USE_RING
    if end - start > PAGE_BYTES and paging.count_pages(space.root, start, end, MOST_PAGES) > MOST_PAGES:
        return Status.USE_RING
    return Status.OK


def _note_writers(process: ptr[Process], start: u64, end: u64) -> Status:
    """Makes the mappings writers of their Memories, or, when one has been sealed meanwhile, none that was not."""
    at = start
    while at < end:
        mapping = _mapping_at(process, at)
        if not _begin_writing(mapping):
            _forget_writers(process, start, at)
            return Status.SEALED
        at = mapping.node.end
    return Status.OK


def _begin_writing(mapping: ptr[Mapping]) -> bool:
    memory = mapping.memory
    with memory.lock:
        if memory.is_sealed:
            return False
        memory.writers += u32(not mapping.is_writer)
        mapping.is_writer = True
    return True


def _forget_writers(process: ptr[Process], start: u64, end: u64) -> None:
    """Of a range, those that do not write now."""
    at = start
    while at < end:
        mapping = _mapping_at(process, at)
        if mapping.access & WRITE == 0:
            _stop_writing(mapping)
        at = mapping.node.end


def _stop_writing(mapping: ptr[Mapping]) -> None:
    memory = mapping.memory
    with memory.lock:
        memory.writers -= u32(mapping.is_writer)
        mapping.is_writer = False


def _mark(process: ptr[Process], start: u64, end: u64, access: u32) -> ptr[Mapping]:
    """Takes the mappings of a range for this change, linked; their entries get their new access. Returns the first."""
    first = _mapping_at(process, start)
    last = first
    at = start
    while at < end:
        mapping = _mapping_at(process, at)
        mapping.batch = None
        if mapping != first:
            last.batch = mapping
            last = mapping
        mapping.state = MappingState.UNMAPPING if access == 0 else MappingState.CHANGING
        if access != 0:
            _change_access(mapping, access)
        at = mapping.node.end
    return first


def _change_access(mapping: ptr[Mapping], access: u32) -> None:
    memory = mapping.memory
    mapping.access = access
    node = addr(mapping.node)
    paging.change_range(mapping.process.space.root, node.start, node.end, page_access(memory, access))
    if access & WRITE == 0 and mapping.is_writer:
        _stop_writing(mapping)


def _mapping_at(process: ptr[Process], at: u64) -> ptr[Mapping]:
    node = range_tree.find(addr(process.space.ranges), at)
    assert node is not None and node.start <= at
    return of_node(node)


def _begin_unmapping(mapping: ptr[Mapping]) -> bool:
    """Unmaps one mapping for nobody in particular. Returns whether no other CPU has to be waited for.

    Requires: AddressSpace.lock, and the mapping is ACTIVE or its last change is complete.
    """
    space = addr(mapping.process.space)
    low = mapping.node.start
    end = mapping.node.end
    mapping.state = MappingState.UNMAPPING
    mapping.batch = None
    mapping.waiter = None
    mapping.record = None
    paging.clear_range(space.root, low, end)
    _detach_tables(mapping, low, end)
    address_space.forget(space, low, end)
    return not tlb.ask(addr(mapping.flush), addr(space.cpus), low, end)


def _clear(first: ptr[Mapping], low: u64, end: u64) -> None:
    root = first.process.space.root
    place, level = paging.find_entry(root, low)
    if end - low == PAGE_BYTES and level == 1:
        paging.clear_page(place)
    else:
        paging.clear_range(root, low, end)
        _detach_tables(first, low, end)


def _detach_tables(mapping: ptr[Mapping], low: u64, end: u64) -> None:
    """Lets the tables of a range without pages go with a mapping."""
    if end - low >= LARGE_PAGE_BYTES:
        mapping.tables = address_space.detach_tables(addr(mapping.process.space), low, end, mapping.tables)


def _ask_others(first: ptr[Mapping], start: u64, end: u64) -> tuple[bool, bool]:
    """Asks the CPUs that have the space. Returns whether the thread waits, given away, and whether none need answer.

    Both are true when the only others have left the space meanwhile. An operation of a ring waits as its record.
    """
    space = addr(first.process.space)
    first.waiter = None
    first.record = None
    if not tlb.has_others(addr(space.cpus)):
        return False, True
    first.record = deferral.take()
    if first.record is not None:
        return False, not tlb.ask(addr(first.flush), addr(space.cpus), start, end)
    thread = current_thread()
    if not reference.take(addr(thread.header)):
        return False, True
    thread.waits += WAIT_STEP
    first.waiter = addr(thread.header)
    first.waiter_word = thread.waits | u64(Wait.UNMAP)
    thread.registers.rdx = 0
    wait.publish(thread, first.waiter_word)
    return True, not tlb.ask(addr(first.flush), addr(space.cpus), start, end)


@bounded_recursion(2)
def _finish(flush: ptr[Flush]) -> None:
    """Called after the last answer, on any CPU, without locks; or at once where there was nobody to ask.

    A change of access is followed by the unmapping of what was to be unmapped meanwhile, so it nests once.
    """
    first = of_flush(flush)
    process = first.process
    space = addr(process.space)
    waiter = first.waiter
    word = first.waiter_word
    record = first.record
    is_unmapping = first.state == MappingState.UNMAPPING
    doomed: ptr[Mapping] | None = None
    with space.lock:
        mapping: ptr[Mapping] | None = first
        while mapping is not None:
            following = mapping.batch
            if is_unmapping:
                _take_out(mapping)
            else:
                mapping.state = MappingState.ACTIVE
                if mapping.is_doomed and _begin_unmapping(mapping):
                    mapping.batch = doomed
                    doomed = mapping
            mapping = following
    if is_unmapping:
        _free_batch(first)
    if doomed is not None:
        _finish(addr(doomed.flush))
    if waiter is not None:
        _wake(ptr[Thread](waiter), word)
    if record is not None:
        deferral.finish_bound(record, Status.OK, 0)


def _take_out(mapping: ptr[Mapping]) -> None:
    """The last that an address space sees of a mapping. Requires: AddressSpace.lock, and every CPU has forgotten it."""
    range_tree.remove(addr(mapping.process.space.ranges), addr(mapping.node))
    mapping.state = MappingState.GONE
    free_tables(mapping.process, mapping.tables)


def _free_batch(first: ptr[Mapping]) -> None:
    mapping: ptr[Mapping] | None = first
    while mapping is not None:
        following = mapping.batch
        holds = 1 + u32(leases.remove_use(addr(mapping.use))) + u32(unlink(mapping))
        drop_holds(mapping, holds)
        mapping = following


def _wake(thread: ptr[Thread], word: u64) -> None:
    if wait.claim(thread, word):
        thread.registers.rax = u64(Status.OK)
        schedule.make_ready(thread)
    release(addr(thread.header))
