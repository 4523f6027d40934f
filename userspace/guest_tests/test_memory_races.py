"""Memory from several CPUs at once: what was unmapped is gone everywhere, and only offenders stop."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    atomic,
    const,
    export,
    mem64,
    naked,
    struct,
    u8,
    u16,
    u32,
    u64,
    wrap_mul,
    wrap_sub,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, Resource
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, Operation, Submission
from kernel.abi.thread import ThreadState
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.memory_tools import (
    PLACE,
    charged,
    expect,
    free_frames,
    is_mapped,
    make,
    make_at,
    pages,
    settle,
    take_away,
    word,
)
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan, rounds
from userspace.lib.memory import PAGE, map_memory, protect, unmap
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now
from userspace.lib.time_stamp import time_stamp

_CASES = const(10)
_THREADS = const(3)
_STACK_BYTES = const(8192)
_OWN_ROUNDS = const(100)
_SHARED_ROUNDS = const(200)
_SHARED_PAGES = const(16)
_PAGE_FAULT = const(14)
_PROTECTION = const(13)
_KERNEL = const(0xFFFF_FFFF_8000_0000)
_NOT_CANONICAL = const(0x8000_0000_0000_0000)
_MIXER = const(0x9E37_79B9_7F4A_7C15)
_REGISTER_BYTES = const(160)
_COPIES = const(2000)
_RING_ROUNDS = const(100)
_SLACK = const(8)
_LEAST_CANARIES = const(300)
_CANARY_TICKS = const(40_000_000_000)   # of the time stamp counter: about a quarter of a minute


@struct(align=16)
class Stack:
    bytes: array[u8, _STACK_BYTES]


_stacks: array[Stack, _THREADS] = zeroed()
_threads: array[u64, _THREADS] = zeroed()
_wanted: atomic[u64] = 0                # what the readers must find at PLACE; 0: end
_seen: array[atomic[u64], _THREADS] = zeroed()
_wrong: atomic[u64] = 0
_stop: atomic[u64] = 0
_memory: atomic[u64] = 0                # the handle that the threads work with


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("offenders_end")
    _offenders_end()
    begin("canaries")
    _canaries()
    begin("protect_stops_writers")
    _protect_stops_writers()
    begin("own_places")
    _own_places()
    begin("shared_places")
    _shared_places()
    begin("destroy_while_mapping")
    _destroy_while_mapping()
    begin("lease_end_while_mapping")
    _lease_end_while_mapping()
    begin("copies_of_vanishing_pages")
    _copies_of_vanishing_pages()
    begin("processes_end_mapped")
    _processes_end_mapped()
    begin("unmap_by_ring")
    _unmap_by_ring(ring)
    end()


def _start_all(function: Callable[[u64], None]) -> None:
    for index in range(u64(_THREADS)):
        status, handle = invoke(
            ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(function), _stack_end(index) - 8, index
        )
        expect(status, Status.OK, "creation of a thread")
        _threads[index] = handle
        status, _ = invoke(handle, Method.THREAD_START)
        expect(status, Status.OK, "start")


def _stack_end(index: u64) -> u64:
    return u64(addr(_stacks[index])) + _STACK_BYTES


def _await_all() -> None:
    for index in range(u64(_THREADS)):
        for _ in patience():
            status, state = invoke(_threads[index], Method.THREAD_STATE)
            if status != Status.OK or state == ThreadState.ENDED:
                break
            yield_now()
        expect(close(_threads[index]), Status.OK, "close")


def _offenders_end() -> None:
    """Each child does one thing that it must not."""
    crimes: array[Callable[[u64], None], 4] = array(_read_at, _write_at, _jump_to, _write_own_code)
    for crime in range(u64(4)):
        _punish(crimes[crime], PLACE, _PAGE_FAULT, crime)
        _punish(crimes[crime], 8, _PAGE_FAULT, 10 + crime)
        _punish(crimes[crime], _KERNEL, _PAGE_FAULT, 20 + crime)
    _punish(_read_at, _NOT_CANONICAL, _PROTECTION, 30)
    _punish(_jump_to, _stack_end(0) - 64, _PAGE_FAULT, 31)
    settle()


def _punish(crime: Callable[[u64], None], argument: u64, vector: u64, number: u64) -> None:
    process, thread = make_child(crime, argument, _stack_end(0))
    status, _ = invoke(thread, Method.THREAD_START)
    expect(status, Status.OK, "start")
    cause, value = await_end(process)
    check_numbered(cause, u64(ExitCause.EXCEPTION), "cause of the end", number)
    check_numbered(value, vector, "vector", number)
    expect(close(thread), Status.OK, "close")
    expect(close(process), Status.OK, "close")


def _read_at(address: u64) -> None:
    _ = mem64[address]


def _write_at(address: u64) -> None:
    mem64[address] = 1


@naked
@asm_x64
def _jump_to(address: u64) -> None:
    jmp(rdi)


def _write_own_code(address: u64) -> None:
    mem64[u64(_write_own_code)] = address


def _canaries() -> None:
    """Readers on other CPUs keep a page in their translation caches while another takes its place."""
    _wanted.store(1)
    first = make_at(PLACE, PAGE)
    word(PLACE)[0] = 1
    _start_all(_watch_place)
    _await_readers(1)
    old = first
    # Each round waits for every CPU; with more of them than the host has free, most of that is waiting for the host. So
    # a time's worth of rounds is enough, unless all are asked for.
    began = time_stamp()
    has_time = rounds(0, 1) != 0
    for number in range(u64(2), rounds(10_000, 100_000)):
        if number > _LEAST_CANARIES and not has_time and wrap_sub(time_stamp(), began) > _CANARY_TICKS:
            break
        fresh = make(PAGE)
        expect(map_memory(fresh, OWN_PROCESS, PLACE + PAGE | READ | WRITE, 0, PAGE), Status.OK, "map aside")
        word(PLACE + PAGE)[0] = number
        expect(unmap(OWN_PROCESS, PLACE + PAGE, PAGE), Status.OK, "unmap aside")
        expect(unmap(OWN_PROCESS, PLACE, PAGE), Status.OK, "unmap")
        expect(map_memory(fresh, OWN_PROCESS, PLACE | READ, 0, PAGE), Status.OK, "map in its place")
        expect(close(old), Status.OK, "close")
        old = fresh
        _wanted.store(number)
        _await_readers(number)
    _wanted.store(0)
    _await_all()
    check_equal(_wrong.load(), 0, "stale words that were read")
    take_away(PLACE, PAGE, old)
    settle()


def _await_readers(number: u64) -> None:
    for index in range(u64(_THREADS)):
        for _ in patience():
            if _seen[index].load() == number:
                break
            yield_now()
        check_numbered(_seen[index].load(), number, "a reader", index)


def _watch_place(index: u64) -> None:
    done: u64 = 0
    while True:
        wanted = _wanted.load()
        if wanted == 0:
            exit_thread(0)
        if wanted == done:
            yield_now()
            continue
        if mem64[PLACE] != wanted:
            _ = _wrong.fetch_add(1)
        done = wanted
        _seen[index].store(done)


def _protect_stops_writers() -> None:
    """A child writes without end. Once its page has been protected, not one more word arrives."""
    for number in range(u64(20)):
        memory = make_at(PLACE, PAGE)
        process, thread = make_child(_write_for_ever, PLACE, _stack_end(0))
        expect(map_memory(memory, process, PLACE | READ | WRITE, 0, PAGE), Status.OK, "map into the child")
        status, _ = invoke(thread, Method.THREAD_START)
        expect(status, Status.OK, "start")
        for _ in patience():
            if mem64[PLACE] > 100:
                break
            yield_now()
        check_numbered(u64(mem64[PLACE] > 100), 1, "the child does not write", number)
        expect(protect(process, PLACE | READ, PAGE), Status.OK, "protect")
        last = mem64[PLACE]
        cause, vector = await_end(process)
        check_numbered(cause, u64(ExitCause.EXCEPTION), "cause of the end", number)
        check_numbered(vector, _PAGE_FAULT, "vector", number)
        check_numbered(mem64[PLACE], last, "a word that came too late", number)
        expect(close(thread), Status.OK, "close")
        expect(close(process), Status.OK, "close")
        take_away(PLACE, PAGE, memory)
    settle()


def _write_for_ever(address: u64) -> None:
    while True:
        mem64[address] += 1


def _own_places() -> None:
    """Every thread maps and unmaps its own pages, so that all ask all others to forget."""
    _start_all(_use_own_place)
    _await_all()
    check_equal(_wrong.load(), 0, "calls or words that were wrong")
    settle()


def _use_own_place(index: u64) -> None:
    place = PLACE + pages(1000) * (index + 1)
    for number in range(rounds(_OWN_ROUNDS, 10 * _OWN_ROUNDS)):
        length = pages(1 + number % 3)
        memory = make(length)
        if map_memory(memory, OWN_PROCESS, place | READ | WRITE, 0, length) != Status.OK:
            _ = _wrong.fetch_add(1)
        for page in range(1 + number % 3):
            if mem64[place + pages(page)] != 0:
                _ = _wrong.fetch_add(1)
            mem64[place + pages(page)] = number
        if unmap(OWN_PROCESS, place, length) != Status.OK or close(memory) != Status.OK:
            _ = _wrong.fetch_add(1)
    exit_thread(0)


def _shared_places() -> None:
    """All threads map, unmap and protect the same few pages: every answer is one of those that are possible."""
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    memory = make(pages(_SHARED_PAGES))
    _memory.store(memory)
    _start_all(_use_shared_place)
    _await_all()
    check_equal(_wrong.load(), 0, "impossible answers")
    for page in range(u64(_SHARED_PAGES)):
        if is_mapped(PLACE + pages(page)):
            expect(unmap(OWN_PROCESS, PLACE + pages(page), PAGE), Status.OK, "unmap what is left")
    expect(close(memory), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _use_shared_place(index: u64) -> None:
    memory = _memory.load()
    state = index + 1
    for _ in range(_SHARED_ROUNDS):
        state = wrap_mul(state, _MIXER) ^ (state >> 29)
        page = (state >> 8) % (_SHARED_PAGES - 3)
        length = pages(1 + (state >> 16) % 3)
        place = PLACE + pages(page)
        status = Status(Status.OK)
        match (state >> 24) % 4:
            case 0 | 1:
                status = map_memory(memory, OWN_PROCESS, place | READ | WRITE, pages(page), length)
            case 2:
                status = unmap(OWN_PROCESS, place, length)
            case _:
                status = protect(OWN_PROCESS, place | READ, length)
        match status:
            case Status.OK | Status.BUSY | Status.ALREADY_MAPPED | Status.NOT_MAPPED:
                pass
            case _:
                _ = _wrong.fetch_add(1)
    exit_thread(0)


def _map_and_unmap_until_stopped(index: u64) -> None:
    """Maps a Memory that may end at any moment."""
    place = PLACE + pages(1000) * (index + 1)
    while _stop.load() == 0:
        status = map_memory(_memory.load(), OWN_PROCESS, place | READ, 0, PAGE)
        match status:
            case Status.OK:
                status = unmap(OWN_PROCESS, place, PAGE)
                if status != Status.OK and status != Status.NOT_MAPPED and status != Status.BUSY:
                    _ = _wrong.fetch_add(1)
            case Status.DESTROYED | Status.REVOKED | Status.BAD_HANDLE:
                yield_now()
            case Status.ALREADY_MAPPED | Status.BUSY:
                yield_now()
            case _:
                _ = _wrong.fetch_add(1)
    exit_thread(0)


def _destroy_while_mapping() -> None:
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    _stop.store(0)
    memory = make(PAGE)
    _memory.store(memory)
    _start_all(_map_and_unmap_until_stopped)
    for _ in range(50):
        fresh = make(PAGE)
        for _ in range(20):
            yield_now()
        status, _ = invoke(memory, Method.DESTROY)
        expect(status, Status.OK, "destroy")
        _memory.store(fresh)
        expect(close(memory), Status.OK, "close")
        memory = fresh
    _stop.store(1)
    _await_all()
    check_equal(_wrong.load(), 0, "impossible answers")
    expect(close(memory), Status.OK, "close")
    _await_unmapped()
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _await_unmapped() -> None:
    for index in range(u64(_THREADS)):
        place = PLACE + pages(1000) * (index + 1)
        if is_mapped(place):
            status = unmap(OWN_PROCESS, place, PAGE)
            check(status == Status.OK or status == Status.BUSY or status == Status.NOT_MAPPED, "unmap what is left")


def _lease_end_while_mapping() -> None:
    memory = make(PAGE)
    _stop.store(0)
    _memory.store(memory)
    _start_all(_map_and_unmap_until_stopped)
    for _ in range(50):
        status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, 0, 0)
        expect(status, Status.OK, "lease")
        status, leased = invoke(memory, Method.MINT, Right.READ, 0, lease)
        expect(status, Status.OK, "mint")
        _memory.store(leased)
        for _ in range(20):
            yield_now()
        status, _ = invoke(lease, Method.LEASE_END)
        expect(status, Status.OK, "end of the lease")
        expect(close(lease), Status.OK, "close")
        expect(close(leased), Status.OK, "close")
    _stop.store(1)
    _await_all()
    check_equal(_wrong.load(), 0, "impossible answers")
    settle()
    for index in range(u64(_THREADS)):
        check_numbered(u64(is_mapped(PLACE + pages(1000) * (index + 1))), 0, "a mapping outlived its lease", index)
    expect(close(memory), Status.OK, "close")
    settle()


def _copies_of_vanishing_pages() -> None:
    """The kernel copies to and from pages that another thread maps and unmaps."""
    memory = make(pages(2))
    _memory.store(memory)
    _stop.store(0)
    status, victim = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(_read_at), _stack_end(0), 0)
    expect(status, Status.OK, "creation of a thread")
    _start_all(_flicker)
    copied: u64 = 0
    refused: u64 = 0
    for number in range(u64(_COPIES)):
        method: u64 = Method.THREAD_READ_REGISTERS if number % 2 == 0 else Method.THREAD_WRITE_REGISTERS
        status, _ = invoke(victim, method, PLACE + PAGE - _REGISTER_BYTES // 2)
        if status == Status.OK or status == Status.BAD_ARGUMENT:
            copied += 1
        elif status == Status.BAD_ADDRESS:
            refused += 1
        else:
            check_numbered(u64(status), u64(Status.OK), "a copy", number)
        if number % 16 == 0:
            yield_now()
    _stop.store(1)
    _await_all()
    check_equal(copied + refused, _COPIES, "copies")
    expect(close(victim), Status.OK, "close")
    expect(close(memory), Status.OK, "close")
    settle()


def _flicker(index: u64) -> None:
    while _stop.load() == 0:
        place = PLACE + pages(index % 2)
        status = map_memory(_memory.load(), OWN_PROCESS, place | READ | WRITE, 0, PAGE)
        yield_now()
        if status == Status.OK:
            while unmap(OWN_PROCESS, place, PAGE) == Status.BUSY:
                yield_now()
    exit_thread(0)


def _processes_end_mapped() -> None:
    """Processes that end with all that they have mapped leave nothing behind."""
    before: u64 = 0
    for number in range(u64(12)):
        if number == 2:
            before = free_frames()
        memory = make(pages(20))
        process, thread = make_child(_write_for_ever, PLACE, _stack_end(0))
        expect(map_memory(memory, process, PLACE | READ | WRITE, 0, pages(20)), Status.OK, "map into the child")
        expect(unmap(process, PLACE + pages(5), pages(3)), Status.OK, "cut in the child")
        status, _ = invoke(thread, Method.THREAD_START)
        expect(status, Status.OK, "start")
        for _ in range(number * 3):
            yield_now()
        status, _ = invoke(process, Method.PROCESS_KILL, 3)
        expect(status, Status.OK, "kill")
        cause, value = await_end(process)
        check_numbered(cause, u64(ExitCause.KILLED), "cause of the end", number)
        check_numbered(value, 3, "status", number)
        expect(close(thread), Status.OK, "close")
        expect(close(process), Status.OK, "close")
        expect(close(memory), Status.OK, "close")
    # Caches and half-filled slabs come and go; what ten processes lost would be more.
    check(free_frames() + _SLACK >= before, "frames were lost")


def _unmap_by_ring(ring_address: u64) -> None:
    """An operation of a ring that unmaps completes once, when the busy CPUs have answered."""
    ring: Ring = zeroed()
    open_ring(addr(ring), ring_address)
    _stop.store(0)
    _start_all(_spin)
    for number in range(u64(_RING_ROUNDS)):
        memory = make_at(PLACE, pages(2))
        for page in range(u64(2)):
            entry = Submission(
                operation=Operation.INVOKE,
                slot=u16(page),
                length=u32(Method.PROCESS_UNMAP),
                user_data=number * 2 + page,
                capability=OWN_PROCESS,
                word0=PLACE + pages(page),
                word1=PAGE,
            )
            check(ring.submit(addr(entry)), "submission")
        check_numbered(u64(ring.enter(2, 2)), u64(Status.OK), "enter", number)
        for _ in range(u64(2)):
            completion: Completion = zeroed()
            check_numbered(u64(ring.next_completion(addr(completion))), 1, "completion", number)
            check_numbered(u64(completion.status), u64(Status.OK), "status", number)
            check_numbered(completion.user_data // 2, number, "which one", number)
        check(not is_mapped(PLACE) and not is_mapped(PLACE + PAGE), "pages are still there")
        expect(close(memory), Status.OK, "close")
    _stop.store(1)
    _await_all()
    settle()


def _spin(index: u64) -> None:
    while _stop.load() == 0:
        pass
    exit_thread(0)
