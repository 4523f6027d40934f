"""The ring object: its memory, its pages in the owner's address space, and its end.

A ring of up to 31 completions takes a frame for each of its two pages and four for its records and answers; larger ones
take as much more as they have places. All is charged to the account that makes it.
"""
from collections.abc import Callable

from compiler.prelude import addr, memory_fill, panic, ptr, sizeof, u8, u16, u32, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.objects import ObjectKind, Resource
from kernel.abi.ring import MOST_PLACES, KernelPage, UserPage, pages_for, places_for
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps import account as accounts
from kernel.caps.object import Account, Object
from kernel.complete.post import end_wait
from kernel.complete.ring_block import Record, Ring, RingAnswer
from kernel.core import alarm, schedule
from kernel.core.destruction import release, set_destroyer
from kernel.core.process_block import Process
from kernel.memory import physical, window
from kernel.objects.creation import create, free
from kernel.objects.fresh import first_page, map_all
from kernel.objects.memory import make_memory
from kernel.objects.memory_block import Memory
from kernel.objects.ring_buffer import drop_buffer
from kernel.sync.ranks import Rank


def _no_end(ring: ptr[Ring], status: Status) -> None:
    panic("a ring ended before there was anything to end its operations")


end_operations: Callable[[ptr[Ring], Status], None] = _no_end       # submit/cancel.py


def start() -> None:
    set_destroyer(ObjectKind.RING, destroy_ring)


def create_ring(account: ptr[Account], capacity: u64) -> tuple[ptr[Ring] | None, Status]:
    """A ring that is mapped nowhere and belongs to no thread, with one reference.

    Errors: BAD_ARGUMENT, OVER_LIMIT, NO_MEMORY; then there is no ring.
    """
    if capacity == 0 or capacity >= MOST_PLACES:
        return None, Status.BAD_ARGUMENT
    places = places_for(capacity)
    order = _record_order(places)
    if not accounts.charge(account, u32(Resource.FRAMES), u64(1) << u64(order)):
        return None, Status.OVER_LIMIT
    records = _allocate_records(order)
    if records == 0:
        accounts.uncharge(account, u32(Resource.FRAMES), u64(1) << u64(order))
        return None, Status.NO_MEMORY
    header, status = create(ObjectKind.RING, sizeof(Ring), account)
    if header is None:
        _free_records(account, records, order)
        return None, status
    ring = ptr[Ring](header)
    ring.lock.rank = Rank.RING
    ring.capacity = u32(capacity)
    ring.places = u32(places)
    _lay_out_records(ring, window.address(records))
    status = _make_pages(ring, account)
    if status != Status.OK:
        _free_records(account, records, order)
        free(header)
        return None, status
    return ring, Status.OK


def map_ring(ring: ptr[Ring], process: ptr[Process], address: u64) -> Status:
    """Maps the kernel's pages and behind them the user's. Errors: as map_memory(); then the first may be mapped."""
    status = map_all(process, ptr[Memory](ring.pages[0]), address, READ)
    ring.user_place = address + (pages_for(u64(ring.places)) << PAGE_SHIFT)
    if status == Status.OK:
        status = map_all(process, ptr[Memory](ring.pages[1]), ring.user_place, READ | WRITE)
    return status


def end_ring(ring: ptr[Ring], status: Status) -> None:
    """Its thread has ended, or destroys it: nothing is taken any more, and what is in flight ends at once.

    Requires: the thread does not refer to it any more; its reference goes. The thread's wait for completions ends too.
    """
    with ring.lock:
        ring.is_broken = True
        woken = end_wait(ring, status)
        ring.has_upcalls = False
    if ring.upcall_timer.is_queued:
        _ = alarm.stop_timer(addr(ring.upcall_timer))
    end_operations(ring, status)
    if woken is not None:
        schedule.make_ready(woken)
    release(addr(ring.header))


def destroy_ring(header: ptr[Object]) -> bool:
    """Pages that are still mapped stay until they are unmapped."""
    ring = ptr[Ring](header)
    account = header.account
    assert account is not None
    if ring.in_flight != 0:
        # What was being begun on another CPU when the ring ended.
        end_operations(ring, Status.CLOSED)
        return False
    drop_buffer(ring)
    release(ring.pages[0])
    release(ring.pages[1])
    _free_records(account, window.physical(u64(ring.records)), _record_order(u64(ring.places)))
    free(header)
    return True


def _make_pages(ring: ptr[Ring], account: ptr[Account]) -> Status:
    pages = pages_for(u64(ring.places))
    kernel_memory, status = make_memory(account, pages, True)
    if kernel_memory is None:
        return status
    user_memory, user_status = make_memory(account, pages, True)
    if user_memory is None:
        release(addr(kernel_memory.header))
        return user_status
    ring.pages[0] = addr(kernel_memory.header)
    ring.pages[1] = addr(user_memory.header)
    ring.kernel_page = ptr[KernelPage](first_page(kernel_memory))
    ring.user_page = ptr[UserPage](first_page(user_memory))
    ring.completions = addr(ring.kernel_page.completions[0])
    ring.submissions = addr(ring.user_page.submissions[0])
    return Status.OK


def _record_order(places: u64) -> u32:
    """Of the frames that the records and answers of so many places take."""
    order: u32 = 0
    while PAGE_BYTES << u64(order) < places * (sizeof(Record) + sizeof(RingAnswer)):
        order += 1
    return order


def _allocate_records(order: u32) -> u64:
    frames = physical.allocate(order)
    if frames != 0:
        memory_fill(ptr[u8](window.address(frames)), 0, u64(PAGE_BYTES) << u64(order))
    return frames


def _lay_out_records(ring: ptr[Ring], start: u64) -> None:
    """Records, and behind them the answers, all of them free."""
    ring.records = ptr[Record](start)
    ring.answers = ptr[RingAnswer](start + u64(ring.places) * sizeof(Record))
    ring.free_answer = 1
    for index in range(ring.places):
        record = addr(ring.records[index])
        record.ring = ring
        record.slot = u16(index)
        answer = addr(ring.answers[index])
        answer.generation = 1
        answer.answer.ring = u64(ring)
        answer.next_free = index + 2 if index + 1 < ring.places else 0


def _free_records(account: ptr[Account], records: u64, order: u32) -> None:
    physical.release(records, order)
    accounts.uncharge(account, u32(Resource.FRAMES), u64(1) << u64(order))
