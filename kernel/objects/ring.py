"""The ring object: its memory, its pages in the owner's address space, and its end.

A ring takes one frame for each of its two pages and two for its records; all are charged to the account that makes it.
"""
from compiler.prelude import const, memory_fill, ptr, sizeof, u8, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind, Resource
from kernel.abi.ring import COMPLETION_CAPACITY, SLOTS, KernelPage, UserPage
from kernel.arch.x86_64 import paging
from kernel.caps import account as accounts
from kernel.caps.object import Account, Object
from kernel.complete.ring_block import Record, Ring
from kernel.core.destruction import set_destroyer
from kernel.memory import physical, window
from kernel.memory_map import PAGE_BYTES
from kernel.objects.creation import create, free
from kernel.sync.ranks import Rank

_RECORD_ORDER = const(1)
_PAGES = const(2 + (1 << _RECORD_ORDER))

assert SLOTS * sizeof(Record) <= (1 << _RECORD_ORDER) * PAGE_BYTES


def start() -> None:
    set_destroyer(ObjectKind.RING, destroy_ring)


def create_ring(account: ptr[Account], capacity: u64) -> tuple[ptr[Ring] | None, Status]:
    """A ring that is mapped nowhere and belongs to no thread, with one reference.

    Errors: BAD_ARGUMENT, OVER_LIMIT, NO_MEMORY; then there is no ring.
    """
    if capacity == 0 or capacity > COMPLETION_CAPACITY:
        return None, Status.BAD_ARGUMENT
    if not accounts.charge(account, u32(Resource.FRAMES), _PAGES):
        return None, Status.OVER_LIMIT
    kernel_page, user_page, records = physical.allocate_zeroed(), physical.allocate_zeroed(), _allocate_records()
    if kernel_page != 0 and user_page != 0 and records != 0:
        header, status = create(ObjectKind.RING, sizeof(Ring), account)
        if header is not None:
            ring = ptr[Ring](header)
            ring.lock.rank = Rank.RING
            ring.capacity = u32(capacity)
            ring.kernel_page = ptr[KernelPage](window.address(kernel_page))
            ring.user_page = ptr[UserPage](window.address(user_page))
            ring.records = ptr[Record](window.address(records))
            return ring, Status.OK
    else:
        status = Status.NO_MEMORY
    _free_pages(account, kernel_page, user_page, records)
    return None, status


def map_ring(ring: ptr[Ring], root: u64, address: u64) -> bool:
    """Maps the two pages one after the other. Returns False when memory runs out."""
    kernel_page, user_page = window.physical(u64(ring.kernel_page)), window.physical(u64(ring.user_page))
    return paging.map_range(
        root, address, kernel_page, PAGE_BYTES, paging.USER_READ_ONLY, physical.allocate_zeroed
    ) and paging.map_range(
        root, address + PAGE_BYTES, user_page, PAGE_BYTES, paging.USER_DATA, physical.allocate_zeroed
    )


def destroy_ring(header: ptr[Object]) -> bool:
    """Requires: nothing is in flight and no address space maps it."""
    ring = ptr[Ring](header)
    account = header.account
    assert account is not None and ring.in_flight == 0
    _free_pages(
        account,
        window.physical(u64(ring.kernel_page)),
        window.physical(u64(ring.user_page)),
        window.physical(u64(ring.records)),
    )
    free(header)
    return True


def _allocate_records() -> u64:
    frames = physical.allocate(_RECORD_ORDER)
    if frames != 0:
        memory_fill(ptr[u8](window.address(frames)), 0, (1 << _RECORD_ORDER) * PAGE_BYTES)
    return frames


def _free_pages(account: ptr[Account], kernel_page: u64, user_page: u64, records: u64) -> None:
    if kernel_page != 0:
        physical.release_frame(kernel_page)
    if user_page != 0:
        physical.release_frame(user_page)
    if records != 0:
        physical.release(records, _RECORD_ORDER)
    accounts.uncharge(account, u32(Resource.FRAMES), _PAGES)
