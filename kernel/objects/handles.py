"""Handles: capabilities put into a process's table, which grows for them.

A slot is reserved before anything else is done, so that what needs a handle cannot fail for want of one at its end.
Locks: Table.lock (Rank.TABLE) while a table grows; pages are allocated inside.
"""
from collections.abc import Callable

from compiler.prelude import addr, inline, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind, Resource
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.caps import account as accounts
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.caps.object import Object, State
from kernel.caps.table import MAX_SLOTS, SLOTS_PER_PAGE
from kernel.core import receive_rights
from kernel.core.channel_block import Channel
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.objects.creation import allocate_page, free_page


def _no_sweep(process: ptr[Process], handle: u64) -> None:
    pass


_sweep: Callable[[ptr[Process], u64], None] = _no_sweep         # submit/attachment.py


def reserve_slot(process: ptr[Process]) -> tuple[u32, Status]:
    """A free slot, for fill_slot() or table.give_back(). Errors: OVER_LIMIT, NO_MEMORY; then it is 0."""
    while True:
        index = table.reserve(addr(process.table))
        if index != 0:
            return index, Status.OK
        status = _grow(process)
        if status != Status.OK:
            return 0, status


def fill_slot(process: ptr[Process], index: u32, capability: ptr[Capability]) -> u64:
    """Puts a capability into a reserved slot, with the caller's reference. Returns the handle.

    A process that is ending has emptied its table or is about to: what comes too late is taken out again at once.
    """
    handle = table.fill(addr(process.table), index, capability)
    if process.header.state.load("seq_cst") != State.ALIVE:
        removed = Capability()
        if table.remove(addr(process.table), handle, addr(removed)):
            drop_capability(process, addr(removed))
    return handle


def give_object(process: ptr[Process], index: u32, header: ptr[Object]) -> u64:
    """The first handle to a new object, with all rights; the creator's reference goes into the table."""
    capability = Capability(object=header, rights=ALL_RIGHTS)
    return fill_slot(process, index, addr(capability))


def set_sweep(sweep: Callable[[ptr[Process], u64], None]) -> None:
    """`sweep` ends the operations of rings that were begun with a handle. Only while booting."""
    global _sweep
    _sweep = sweep


def end_operations(process: ptr[Process], handle: u64) -> None:
    """Requires: the handle has just been taken out of the table."""
    if table.has_operations(addr(process.table), handle):
        _sweep(process, handle)


@inline
def close_handle(process: ptr[Process], handle: u64) -> Status:
    header: u64 = 0
    rights: u32 = 0
    if not table.take_out(addr(process.table), handle, addr(header), addr(rights)):
        return Status.BAD_HANDLE
    end_operations(process, handle)
    drop_right(process, ptr[Object](header), rights)
    return Status.OK


def drop_capability(process: ptr[Process], capability: ptr[Capability]) -> None:
    """Lets go of what was taken out of the table of `process`."""
    header = capability.object
    assert header is not None
    drop_right(process, header, capability.rights)


@inline
def drop_right(process: ptr[Process], header: ptr[Object], rights: u32) -> None:
    if header.kind == ObjectKind.CHANNEL and rights & Right.RECEIVE != 0:
        receive_rights.drop(ptr[Channel](header), process)
    release(header)


def free_table_page(process: ptr[Process]) -> bool:
    """Gives the last page of an emptied table back. Returns False when there was none."""
    slots = process.table.slots.load("relaxed")
    if slots == 0:
        return False
    account = process.header.account
    slots -= SLOTS_PER_PAGE
    page = slots // SLOTS_PER_PAGE
    if page == 0:
        table.prepare(addr(process.table))
    free_page(table.page_of(addr(process.table), page), account)
    process.table.slots.store(slots, "relaxed")
    if table.needs_directory(addr(process.table)):
        free_page(table.directory_of(addr(process.table), page), account)
    accounts.uncharge(account, u32(Resource.SLOTS), SLOTS_PER_PAGE)
    return True


def _grow(process: ptr[Process]) -> Status:
    slots = addr(process.table)
    account = process.header.account
    with slots.lock:
        if u32(slots.free.load("relaxed")) != 0:
            return Status.OK
        if slots.slots.load("relaxed") == MAX_SLOTS:
            return Status.OVER_LIMIT
        if not accounts.charge(account, u32(Resource.SLOTS), SLOTS_PER_PAGE):
            return Status.OVER_LIMIT
        page, status = allocate_page(account)
        if status == Status.OK and table.needs_directory(slots):
            directory, directory_status = allocate_page(account)
            status = directory_status
            if status == Status.OK:
                table.add_directory(slots, directory)
            else:
                free_page(page, account)
        if status != Status.OK:
            accounts.uncharge(account, u32(Resource.SLOTS), SLOTS_PER_PAGE)
            return status
        table.add_slots(slots, page)
    return Status.OK
