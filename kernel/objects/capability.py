"""Operations on every capability: copies with fewer rights, mints with a badge under a lease, moves, comparisons.

A copy keeps badge and lease. A mint may set a badge once and add one lease: a capability that has a lease already can
be minted only under a lease that nests in it, so that what was revocable stays so.
"""
from compiler.prelude import addr, copy, inline, noinline, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, ObjectKind
from kernel.abi.rights import Right
from kernel.caps import lease as leases
from kernel.caps import reference, table
from kernel.caps.capability import NO_LEASE, Capability, is_subset
from kernel.caps.object import Object, State
from kernel.core import receive_rights
from kernel.core.channel_block import Channel
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.objects import channel, interrupt, lease, memory, notification, process, thread
from kernel.objects.handles import close_handle, end_operations, fill_slot, reserve_slot
from kernel.objects.invocation import Invocation


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    match call.method:
        case Method.COPY:
            return _copy_into(call, call.process, call.arguments[0])
        case Method.MINT:
            return _mint(call)
        case Method.COPY_TO:
            return _copy_into(call, ptr[Process](call.argument_object(0)), call.arguments[1])
        case Method.MOVE_TO:
            return _move(call, ptr[Process](call.argument_object(0)))
        case Method.IDENTIFY:
            return Status.OK, u64(call.target().kind) << 32 | u64(call.capability.rights)
        case Method.COMPARE:
            return Status.OK, u64(call.target() == call.argument_object(0))
        case _:
            return _destroy(call), 0


@noinline
def _copy_into(call: ptr[Invocation], receiver: ptr[Process], rights: u64) -> tuple[Status, u64]:
    if not is_subset(rights, call.capability.rights):
        return Status.BAD_ARGUMENT, 0
    made = copy(call.capability)
    made.rights = u32(rights)
    return _insert(receiver, addr(made))


@inline
def mint_plainly(process: ptr[Process], handle: u64, rights: u64, badge: u64) -> u64:
    """The short way of a mint under no lease, of what is under none either. Returns the handle.

    0 says nothing about why: the general way does.
    """
    found: u64 = 0
    old_badge: u64 = 0
    slots = addr(process.table)
    if not table.find_plain(slots, handle, rights | Right.COPY, addr(found), addr(old_badge)):
        return 0
    header = ptr[Object](found)
    is_receiver = header.kind == ObjectKind.CHANNEL and rights & Right.RECEIVE != 0
    if is_receiver or old_badge != 0 and badge != old_badge or header.state.load("acquire") != State.ALIVE:
        return 0
    index = table.reserve(slots)
    if index == 0:
        return 0
    if not reference.take(header):
        table.give_back(slots, index)
        return 0
    made = table.fill_plainly(slots, index, header, badge, u32(rights))
    if process.header.state.load("seq_cst") != State.ALIVE:
        _ = close_handle(process, made)
    return made


@noinline
def _mint(call: ptr[Invocation]) -> tuple[Status, u64]:
    made = copy(call.capability)
    badge = call.arguments[1]
    if not is_subset(call.arguments[0], made.rights) or made.badge != 0 and badge != made.badge:
        return Status.BAD_ARGUMENT, 0
    under = call.objects[2].object
    if under is not None:
        scope = ptr[lease.Lease](under)
        if not leases.is_in_force(scope.record, scope.epoch):
            return Status.REVOKED, 0
        if made.lease != NO_LEASE and not leases.is_within(scope.record, made.lease):
            return Status.BAD_ARGUMENT, 0
        made.lease = scope.record
        made.epoch = scope.epoch
    made.rights = u32(call.arguments[0])
    made.badge = badge
    return _insert(call.process, addr(made))


def _insert(receiver: ptr[Process], made: ptr[Capability]) -> tuple[Status, u64]:
    """Puts a capability into a table with a reference of its own."""
    slot, status = reserve_slot(receiver)
    if status != Status.OK:
        return status, 0
    header = made.object
    assert header is not None
    if not reference.take(header):
        table.give_back(addr(receiver.table), slot)
        return Status.BAD_HANDLE, 0
    if header.kind == ObjectKind.CHANNEL and made.rights & Right.RECEIVE != 0:
        receive_rights.take(ptr[Channel](header), receiver)
    return Status.OK, fill_slot(receiver, slot, made)


@noinline
def _move(call: ptr[Invocation], receiver: ptr[Process]) -> tuple[Status, u64]:
    """All or nothing: the place is reserved first, and one CPU only can empty the old slot."""
    slot, status = reserve_slot(receiver)
    if status != Status.OK:
        return status, 0
    moved = Capability()
    if not table.remove(addr(call.process.table), call.handle, addr(moved)):
        table.give_back(addr(receiver.table), slot)
        return Status.BAD_HANDLE, 0
    end_operations(call.process, call.handle)
    header = moved.object
    assert header is not None
    if header.kind == ObjectKind.CHANNEL and moved.rights & Right.RECEIVE != 0:
        receive_rights.move(ptr[Channel](header), call.process, receiver)
    return Status.OK, fill_slot(receiver, slot, addr(moved))


@noinline
def _destroy(call: ptr[Invocation]) -> Status:
    """Ends the object whoever else refers to it."""
    header = call.target()
    match header.kind:
        case ObjectKind.PROCESS:
            process.end_process(ptr[Process](header), ExitCause.KILLED, 0)
        case ObjectKind.THREAD:
            thread.end_by_owner(ptr[Thread](header))
        case ObjectKind.REPLY:
            channel.end_reply(header)
        case ObjectKind.INTERRUPT:
            interrupt.end_interrupt(header)
        case ObjectKind.CHANNEL:
            channel.end_channel(ptr[Channel](header))
        case ObjectKind.NOTIFICATION:
            notification.end_notification(header)
        case ObjectKind.MEMORY:
            memory.end_memory(header)
        case ObjectKind.LEASE:
            lease.end_lease(ptr[lease.Lease](header))
        case _:
            return Status.BAD_OPERATION
    return Status.OK
