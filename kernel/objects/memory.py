"""The Memory object: frames that an account pays for, or a device's range, to be mapped into address spaces.

Frames are full of zeros before they can be mapped. What one call can clear is ready at once; the rest becomes ready by
MEMORY_PREPARE, call by call. Sealed memory can never be written again, and only sealed memory can be executed.
"""
from compiler.prelude import addr, const, noinline, ptr, sizeof, u32, u64
from kernel.abi.errors import Status
from kernel.abi.memory import CONTIGUOUS, Cache
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind, Resource
from kernel.arch.x86_64 import paging
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps import account as accounts
from kernel.caps import reference, table
from kernel.caps.lease import UseKind
from kernel.caps.object import Account, Object, State
from kernel.core.destruction import begin_end, release, set_destroyer
from kernel.core.process_block import Process
from kernel.memory import frame_set, physical
from kernel.objects import unmapping
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.lease import set_taker
from kernel.objects.mapping import map_memory, remove_from_list
from kernel.objects.memory_block import Mapping, Memory
from kernel.sync.ranks import Rank

CLEARED_AT_ONCE = const(512)            # pages that one call fills with zeros

_MOST_PAGES = const(1 << 32)
_PAGE_MASK = const(PAGE_BYTES - 1)
_MAPPINGS_PER_SLICE = const(8)


def start() -> None:
    set_destroyer(ObjectKind.MEMORY, destroy_memory)
    set_taker(UseKind.MAPPING, unmapping.take_back_use)
    unmapping.start()


def create_memory(call: ptr[Invocation]) -> tuple[Status, u64]:
    length = call.arguments[0]
    flags = call.arguments[1]
    if length == 0 or length & _PAGE_MASK != 0 or length >> PAGE_SHIFT >= _MOST_PAGES or flags & ~u64(CONTIGUOUS) != 0:
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    memory, made = make_memory(ptr[Account](call.target()), length >> PAGE_SHIFT, flags & CONTIGUOUS != 0)
    if memory is None:
        table.give_back(addr(call.process.table), slot)
        return made, 0
    return Status.OK, give_object(call.process, slot, addr(memory.header))


def make_memory(
    account: ptr[Account] | None, pages: u64, is_contiguous: bool
) -> tuple[ptr[Memory] | None, Status]:
    """Fresh memory, the beginning of it ready. Errors: OVER_LIMIT, NO_MEMORY."""
    if not accounts.charge(account, u32(Resource.FRAMES), pages):
        return None, Status.OVER_LIMIT
    memory, status = _make_header(account)
    if memory is None:
        accounts.uncharge(account, u32(Resource.FRAMES), pages)
        return None, status
    if not _fill(memory, pages, is_contiguous):
        accounts.uncharge(account, u32(Resource.FRAMES), pages)
        free(addr(memory.header))
        return None, Status.NO_MEMORY
    memory.charged_frames = pages
    room = frame_set.room_frames(addr(memory.frames))
    if not accounts.charge(account, u32(Resource.FRAMES), room):
        _free_frames(memory)
        free(addr(memory.header))
        return None, Status.OVER_LIMIT
    memory.charged_frames += room
    if memory.ready_pages == 0:
        prepare(memory)
    return memory, Status.OK


def make_device_memory(
    account: ptr[Account], first_frame: u64, pages: u64, cache: u64
) -> tuple[ptr[Memory] | None, Status]:
    """A range of a device's. Requires: it is one (objects/device.py). Errors: OVER_LIMIT, NO_MEMORY."""
    memory, status = _make_header(account)
    if memory is None:
        return None, status
    frame_set.place_range(addr(memory.frames), first_frame, pages)
    memory.is_device = True
    memory.attribute = paging.WRITE_COMBINING if cache == Cache.WRITE_COMBINING else paging.UNCACHED
    memory.ready_pages = pages
    return memory, Status.OK


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    memory = ptr[Memory](call.target())
    first = call.arguments[0]
    match call.method:
        case Method.MEMORY_MAP:
            process = ptr[Process](call.argument_object(0))
            offset = call.arguments[2]
            return map_memory(process, addr(call.capability), call.arguments[1], offset, call.arguments[3]), 0
        case Method.MEMORY_SEAL:
            return seal(memory), 0
        case Method.MEMORY_PREPARE:
            prepare(memory)
            return Status.OK, (memory.frames.pages - memory.ready_pages) << PAGE_SHIFT
        case Method.MEMORY_PHYSICAL_ADDRESS:
            if first >> PAGE_SHIFT >= memory.frames.pages:
                return Status.BAD_ARGUMENT, 0
            place, _ = frame_set.find_run(addr(memory.frames), first >> PAGE_SHIFT)
            return Status.OK, place + (first & _PAGE_MASK)
        case _:
            return Status.OK, memory.frames.pages << PAGE_SHIFT


def prepare(memory: ptr[Memory]) -> None:
    """Makes the next pages ready, as many as one call may clear."""
    with memory.lock:
        begin = memory.ready_pages
        end = min(begin + CLEARED_AT_ONCE, memory.frames.pages)
        frame_set.clear_pages(addr(memory.frames), begin, end)
        memory.ready_pages = end


def seal(memory: ptr[Memory]) -> Status:
    """Errors: BUSY while it is mapped for writing, NOT_READY while part of it has not been cleared."""
    with memory.lock:
        if memory.is_device:
            return Status.BAD_OPERATION
        if memory.writers != 0:
            return Status.BUSY
        if memory.ready_pages != memory.frames.pages:
            return Status.NOT_READY
        memory.is_sealed = True
    return Status.OK


def end_memory(header: ptr[Object]) -> None:
    """Its owner destroys it: every mapping is taken back, then the frames go, whoever still refers to it."""
    memory = ptr[Memory](header)
    with memory.lock:
        if header.state.load("relaxed") != State.ALIVE or not reference.take(header):
            return
        header.state.store(State.DYING, "release")
    begin_end(header)


def destroy_memory(header: ptr[Object]) -> bool:
    """Queued by end_memory(), with a reference of the queue's own, and by its last reference."""
    memory = ptr[Memory](header)
    for _ in range(_MAPPINGS_PER_SLICE):
        mapping = _take_mapping(memory)
        if mapping is None:
            break
        unmapping.take_back(mapping)
    with memory.lock:
        is_listed = memory.first is not None
    if is_listed or memory.mapped.load("acquire") != 0:
        return False
    _free_frames(memory)
    if header.references.load("acquire") != 0:
        header.state.store(State.DEAD, "release")
        release(header)
        return True
    free(header)
    return True


def _make_header(account: ptr[Account] | None) -> tuple[ptr[Memory] | None, Status]:
    header, status = create(ObjectKind.MEMORY, sizeof(Memory), account)
    if header is None:
        return None, status
    memory = ptr[Memory](header)
    memory.lock.rank = Rank.MAPPINGS
    return memory, Status.OK


def _fill(memory: ptr[Memory], pages: u64, is_contiguous: bool) -> bool:
    frames = addr(memory.frames)
    if pages == 1:
        place = physical.allocate_zeroed()
        if place == 0:
            return False
        frame_set.place_range(frames, place >> PAGE_SHIFT, 1)
        memory.ready_pages = 1
        return True
    return frame_set.fill_contiguous(frames, pages) if is_contiguous else frame_set.fill(frames, pages)


def _take_mapping(memory: ptr[Memory]) -> ptr[Mapping] | None:
    with memory.lock:
        mapping = memory.first
        if mapping is None:
            return None
        remove_from_list(memory, mapping)
        return mapping


def _free_frames(memory: ptr[Memory]) -> None:
    if not memory.is_device and memory.frames.extent_count != 0:
        frame_set.empty(addr(memory.frames))
        accounts.uncharge(memory.header.account, u32(Resource.FRAMES), memory.charged_frames)
        memory.charged_frames = 0
