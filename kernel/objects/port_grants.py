"""Grants of I/O ports: ranges that the programs of a process use directly, by the processor's permission bits.

A grant belongs to a process, refers to its IoPorts, and hangs on the lease of the capability that it was made with. Its
end reaches a CPU that runs the process with the next interrupt between CPUs, which is sent at once.
Locks: AddressSpace.lock guards a process's grants and ports.
"""
from __future__ import annotations

from compiler.prelude import addr, atomic, offsetof, ptr, sizeof, struct, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import Resource
from kernel.arch.x86_64.ports import MOST_RANGES, word_for
from kernel.caps import account as accounts
from kernel.caps import lease as leases
from kernel.caps import reference
from kernel.caps.capability import Capability
from kernel.caps.lease import Use, UseKind
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.memory import address_space, slab
from kernel.memory.fail_nth import must_fail
from kernel.objects.io_ports_block import IoPorts
from kernel.objects.lease import set_taker
from kernel.objects.mapping import unpin


@struct
class Grant:
    use: Use                            # first: a lease knows no more of it
    ports: ptr[IoPorts]                 # with a reference
    process: ptr[Process]
    next: ptr[Grant] | None
    place: u32                          # among the ranges of the address space
    holds: atomic[u32]                  # the process's list, and the lease's


assert offsetof(Grant, "use") == 0


def start() -> None:
    set_taker(UseKind.PORTS, _take_back)


def end_grants(process: ptr[Process]) -> None:
    """Part of the end of an address space that no CPU has in force."""
    while True:
        with process.space.lock:
            first = process.space.grants
            if first == 0:
                return
            grant = ptr[Grant](first)
            _unlist(process, grant)
        _end(grant)


def allow(process: ptr[Process], capability: ptr[Capability]) -> Status:
    """Errors: BUSY when it has them, OVER_LIMIT, NO_MEMORY, REVOKED, DESTROYED."""
    account = process.header.account
    if not accounts.charge(account, u32(Resource.OBJECTS), 1):
        return Status.OVER_LIMIT
    fresh = slab.allocate(sizeof(Grant)) if not must_fail() else None
    if fresh is None:
        accounts.uncharge(account, u32(Resource.OBJECTS), 1)
        return Status.NO_MEMORY
    grant = ptr[Grant](fresh)
    header = capability.object
    assert header is not None
    grant.use.kind = UseKind.PORTS
    grant.process = process
    grant.ports = ptr[IoPorts](header)
    status = Status(Status.DESTROYED)
    if reference.take(header):
        with process.space.lock:
            status = _enlist(process, grant, capability)
        if status == Status.OK:
            address_space.make_all_look(addr(process.space))
            return status
        release(header)
    slab.release(fresh)
    accounts.uncharge(account, u32(Resource.OBJECTS), 1)
    return status


def _enlist(process: ptr[Process], grant: ptr[Grant], capability: ptr[Capability]) -> Status:
    """Requires: AddressSpace.lock."""
    space = addr(process.space)
    if space.is_ending.load("relaxed") != 0:
        return Status.DESTROYED
    if _find(process, grant.ports) is not None:
        return Status.BUSY
    place: u64 = 0
    while place < MOST_RANGES and space.ports.words[place].load("relaxed") != 0:
        place += 1
    if place == MOST_RANGES:
        return Status.OVER_LIMIT
    grant.holds.store(2 if capability.lease != 0 else 1, "relaxed")
    if not leases.add_use(addr(grant.use), capability.lease, capability.epoch):
        return Status.REVOKED
    grant.place = u32(place)
    grant.next = None if space.grants == 0 else ptr[Grant](space.grants)
    space.grants = u64(grant)
    _ = space.mappings.fetch_add(1, "relaxed")
    space.ports.words[place].store(word_for(grant.ports.first, grant.ports.count), "release")
    _ = space.ports.version.fetch_add(1, "release")
    _ = space.ports.count.fetch_add(1, "seq_cst")
    return Status.OK


def forbid(process: ptr[Process], ports: ptr[IoPorts]) -> Status:
    with process.space.lock:
        grant = _find(process, ports)
        if grant is None:
            return Status.NOT_MAPPED
        _unlist(process, grant)
    address_space.make_all_look(addr(process.space))
    _end(grant)
    return Status.OK


def _take_back(use: ptr[Use]) -> None:
    """The lease has ended, and has taken the grant off its list."""
    grant = ptr[Grant](use)
    process = grant.process
    is_listed = False
    with process.space.lock:
        is_listed = _find(process, grant.ports) == grant
        if is_listed:
            _unlist(process, grant)
    if is_listed:
        address_space.make_all_look(addr(process.space))
        _drop(grant)
    _drop(grant)


def _find(process: ptr[Process], ports: ptr[IoPorts]) -> ptr[Grant] | None:
    at = process.space.grants
    while at != 0:
        grant = ptr[Grant](at)
        if grant.ports == ports:
            return grant
        following = grant.next
        at = 0 if following is None else u64(following)
    return None


def _unlist(process: ptr[Process], grant: ptr[Grant]) -> None:
    """Requires: AddressSpace.lock, and the grant is on the list."""
    space = addr(process.space)
    following = grant.next
    if space.grants == u64(grant):
        space.grants = 0 if following is None else u64(following)
    else:
        before = ptr[Grant](space.grants)
        while before.next != grant:
            next_one = before.next
            assert next_one is not None
            before = next_one
        before.next = following
    space.ports.words[u64(grant.place)].store(0, "release")
    _ = space.ports.version.fetch_add(1, "release")
    _ = space.ports.count.fetch_sub(1, "seq_cst")


def _end(grant: ptr[Grant]) -> None:
    """Requires: it has been taken off the process's list."""
    if leases.remove_use(addr(grant.use)):
        _drop(grant)
    _drop(grant)


def _drop(grant: ptr[Grant]) -> None:
    if grant.holds.fetch_sub(1, "acq_rel") != 1:
        return
    process = grant.process
    ports = grant.ports
    accounts.uncharge(process.header.account, u32(Resource.OBJECTS), 1)
    slab.release(ptr[u8](grant))
    # The process may be freed after this.
    unpin(process)
    release(addr(ports.header))
