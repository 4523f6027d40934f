"""Memory for kernel objects, charged to an account."""
from compiler.prelude import addr, array, atomic, ptr, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import OBJECT_KINDS, ObjectKind, Resource
from kernel.caps import account as accounts
from kernel.caps import reference
from kernel.caps.object import Account, Object, State
from kernel.core.destruction import release
from kernel.memory import physical, slab, window

live: array[atomic[u64], OBJECT_KINDS] = array(0 for _ in range(OBJECT_KINDS))    # objects of each kind


def create(kind: ObjectKind, length: u64, account: ptr[Account] | None) -> tuple[ptr[Object] | None, Status]:
    """A zeroed object with its header filled in and one reference, the caller's.

    Errors: OVER_LIMIT, NO_MEMORY; then there is no object.
    """
    resource = resource_of(kind)
    if not accounts.charge(account, resource, 1):
        return None, Status.OVER_LIMIT
    place = slab.allocate(length)
    if place is None:
        accounts.uncharge(account, resource, 1)
        return None, Status.NO_MEMORY
    header = ptr[Object](place)
    start(header, kind, account)
    return header, Status.OK


def start(header: ptr[Object], kind: ObjectKind, account: ptr[Account] | None) -> None:
    """Fills in the header of an object, which its account has been charged for."""
    header.references.store(1, "relaxed")
    header.kind = u32(kind)
    header.state.store(State.ALIVE, "relaxed")
    header.account = account
    if account is not None:
        _ = reference.take(addr(account.header))
    _ = live[u64(kind)].fetch_add(1, "relaxed")


def free(header: ptr[Object]) -> None:
    """Gives an object's memory and charge back. Requires: no reference is left and its kind has cleaned up."""
    account = header.account
    kind = header.kind
    _ = live[u64(kind)].fetch_sub(1, "relaxed")
    slab.release(ptr[u8](header))
    if account is not None:
        accounts.uncharge(account, resource_of(ObjectKind(kind)), 1)
        release(addr(account.header))


def resource_of(kind: ObjectKind) -> u32:
    match kind:
        case ObjectKind.THREAD:
            return u32(Resource.THREADS)
        case ObjectKind.RING:
            return u32(Resource.RINGS)
        case _:
            return u32(Resource.OBJECTS)


def allocate_page(account: ptr[Account] | None) -> tuple[u64, Status]:
    """A zeroed page as the kernel sees it, charged as a frame. Errors: OVER_LIMIT, NO_MEMORY; then it is 0."""
    if not accounts.charge(account, u32(Resource.FRAMES), 1):
        return 0, Status.OVER_LIMIT
    frame = physical.allocate_zeroed()
    if frame == 0:
        accounts.uncharge(account, u32(Resource.FRAMES), 1)
        return 0, Status.NO_MEMORY
    return window.address(frame), Status.OK


def free_page(page: u64, account: ptr[Account] | None) -> None:
    physical.release_frame(window.physical(page))
    accounts.uncharge(account, u32(Resource.FRAMES), 1)
