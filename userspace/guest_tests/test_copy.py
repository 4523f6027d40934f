"""COPY: contents, refusals, and every way in which a long copy ends before it has come to its end.

The long ones take many times a quantum of kernel work, after which the thread that submitted one has its turn. Once it
sees that the first word has been copied it ends the rest.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, mem64, memory_fill, ptr, u8, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, CompletionFlags, Operation, Submission, SubmissionFlags
from kernel.abi.thread import ThreadState
from userspace.guest_tests import messages
from userspace.guest_tests.memory_tools import PLACE, charged, make_at, settle, take_away
from userspace.guest_tests.messages import (
    FIRST_USER_DATA,
    cancel,
    expect_cancel,
    expect_completion,
    expect_none,
    submit,
)
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, make
from userspace.lib.memory import copy_entry, create_memory, map_memory, seal, unmap
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(11)
_PAGE = const(4096)
_MEGABYTE = const(1 << 20)
_SOURCE_BYTES = const(4 * _MEGABYTE)
_SOURCE = const(PLACE)
_TARGET = const(PLACE + 0x1000_0000)
_LONG = const(24 * _MEGABYTE)           # far more than can be copied in a quantum of work
_THREADS = const(3)
_RINGS = const(0x2100_0000)             # where rings of other threads are mapped, _STRIDE apart
_STRIDE = const(0x10000)
_FIRST_READ = const(PLACE + 0x2000_0000)        # where beginnings are mapped, for writing and for reading
_FIRST_WRITTEN = const(PLACE + 0x3000_0000)
_ROUNDS = const(8)

_source: u64 = 0                        # mapped, full of a pattern
_target: u64 = 0                        # mapped
_long_source: u64 = 0                   # only their beginnings are mapped
_long_target: u64 = 0
_turn: u64 = 0                          # of long copies: the first word of what is copied
_finished: atomic[u64] = 0
_problems: array[atomic[u64], _THREADS] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    global _source, _target
    open_ring(addr(messages.ring), ring)
    plan(_CASES)
    begin("contents")
    _source = make_at(_SOURCE, _SOURCE_BYTES)
    _target = make_at(_TARGET, _SOURCE_BYTES)
    for index in range(u64(_SOURCE_BYTES // 8)):
        ptr[u64](_SOURCE)[index] = _pattern(index)
    _contents()
    begin("within_one")
    _within_one()
    begin("flags")
    _flags()
    begin("refusals")
    _refusals()
    _make_long()
    begin("cancelled")
    _cancelled()
    begin("handles")
    _handles()
    begin("leases")
    _leases()
    begin("destroyed")
    _destroy()
    begin("killed")
    _kill()
    begin("several_at_once")
    _several()
    begin("nothing_is_left")
    settle()
    frames = charged(ROOT_ACCOUNT, Resource.FRAMES)
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    for _ in range(u64(_ROUNDS)):
        _kill()
    _several()
    settle()
    # A thread may be told to have ended before its ring has been given up.
    while charged(ROOT_ACCOUNT, Resource.FRAMES) > frames or charged(ROOT_ACCOUNT, Resource.OBJECTS) > objects:
        yield_now()
    _unmap_first(_FIRST_READ)
    _unmap_first(_FIRST_WRITTEN)
    _close_long()
    take_away(_SOURCE, _SOURCE_BYTES, _source)
    take_away(_TARGET, _SOURCE_BYTES, _target)
    end()


def _pattern(index: u64) -> u64:
    return index << 32 | (index ^ 0x5A5A_5A5A) & 0xFFFF_FFFF


def _copy(source: u64, begin_at: u64, target: u64, place: u64, length: u64, flags: u64 = 0) -> None:
    entry = copy_entry(source, begin_at, target, place, length)
    entry.slot = 1
    entry.flags = u8(flags)
    entry.user_data = FIRST_USER_DATA + 1
    check(messages.ring.submit(addr(entry)), "submission")
    check_equal(u64(messages.ring.enter(1, 0)), Status.OK, "enter")


def _copy_long(source: u64, target: u64) -> None:
    """Returns when it has begun."""
    _change_first_word()
    _copy(source, 0, target, 0, _LONG)
    _await_first_word()


def _change_first_word() -> None:
    global _turn
    _turn += 1
    ptr[u64](_FIRST_READ)[0] = _turn


def _await_first_word() -> None:
    while mem64[_FIRST_WRITTEN] != _turn:
        yield_now()


def _expect_copied(length: u64) -> None:
    check_equal(expect_completion(1, Status.OK).word0, length, "bytes that were copied")


def _expect_refused(status: Status, what: str) -> None:
    found = expect_completion(1, u64(status))
    check_equal(found.word0, 0, what)


def _expect_part(status: Status) -> u64:
    """It has ended early, and midway. Returns how far it had come."""
    found = expect_completion(1, u64(status), CompletionFlags.LATE)
    check(found.word0 != 0 and found.word0 < _LONG, "bytes that were copied")
    return found.word0


def _contents() -> None:
    """Of every size around a page and a slice, at places that are not aligned, and what lies beside it untouched."""
    sizes: array[u64, 12] = array(
        0, 1, 7, 8, 4095, 4096, 4097, 0xFFFF, 0x1_0000, 0x1_0001, 3 * _MEGABYTE + 5, _SOURCE_BYTES - 4096
    )
    for turn in range(u64(12)):
        length = sizes[turn]
        begin_at = turn * 811 % 4096
        place = turn * 1237 % 4096
        memory_fill(ptr[u8](_TARGET), 0xEE, _SOURCE_BYTES)
        _copy(_source, begin_at, _target, place, length)
        _expect_copied(length)
        check_numbered(_differences(begin_at, place, length), 0, "bytes that are wrong, of size", length)


def _differences(begin_at: u64, place: u64, length: u64) -> u64:
    """Looks at each byte near the ends, and at some between."""
    source = ptr[u8](_SOURCE + begin_at)
    target = ptr[u8](_TARGET)
    count = u64(place != 0 and target[place - 1] != 0xEE)
    count += u64(place + length < _SOURCE_BYTES and target[place + length] != 0xEE)
    at: u64 = 0
    while at < length:
        count += u64(target[place + at] != source[at])
        at += 1 if at < 5000 or length - at < 5000 else u64(61)
    return count


def _within_one() -> None:
    memory_fill(ptr[u8](_TARGET), 0, 8192)
    memory_fill(ptr[u8](_TARGET), 0x33, 1000)
    _copy(_target, 0, _target, 1000, 1000)
    _expect_copied(1000)
    check_equal(u64(ptr[u8](_TARGET)[1999]), 0x33, "the last byte")
    check_equal(u64(ptr[u8](_TARGET)[2000]), 0, "the byte behind")
    _copy(_target, 0, _target, 999, 1000)
    _expect_refused(Status.BAD_ARGUMENT, "overlapping")
    _copy(_target, 999, _target, 0, 1000)
    _expect_refused(Status.BAD_ARGUMENT, "overlapping, downwards")
    _copy(_target, _MEGABYTE, _target, 2 * _MEGABYTE - 1, _MEGABYTE)
    _expect_refused(Status.BAD_ARGUMENT, "a long one, overlapping")
    _copy(_target, 10, _target, 10, 0)
    _expect_copied(0)


def _flags() -> None:
    """Silent, and first in a chain, both at once and in slices."""
    for length in range(u64(100), u64(3 * _MEGABYTE), _MEGABYTE):
        memory_fill(ptr[u8](_TARGET), 0, _SOURCE_BYTES)
        _copy(_source, 0, _target, 0, length, SubmissionFlags.LINK | SubmissionFlags.SILENT)
        submit(Operation.NOP, 2, 0)
        _ = expect_completion(2, Status.OK)
        while ptr[u8](_TARGET)[length - 1] != ptr[u8](_SOURCE)[length - 1]:
            yield_now()
        expect_none()


def _refusals() -> None:
    _copy(_source, _SOURCE_BYTES, _target, 0, 1)
    _expect_refused(Status.BAD_ARGUMENT, "beyond the end of what is read")
    _copy(_source, 0, _target, _SOURCE_BYTES - 10, 11)
    _expect_refused(Status.BAD_ARGUMENT, "beyond the end of what is written")
    _copy(_source, 1, _target, 0, 0xFFFF_FFFF_FFFF_FFFF)
    _expect_refused(Status.BAD_ARGUMENT, "around the end of all numbers")
    _copy(_source, 0xFFFF_FFFF_FFFF_FFFF, _target, 0, 1)
    _expect_refused(Status.BAD_ARGUMENT, "from the end of all numbers")
    _copy(_source, _SOURCE_BYTES, _target, _SOURCE_BYTES, 0)
    _expect_copied(0)
    _copy(ROOT_ACCOUNT, 0, _target, 0, 1)
    _expect_refused(Status.BAD_KIND, "from an account")
    _copy(_source, 0, ROOT_ACCOUNT, 0, 1)
    _expect_refused(Status.BAD_KIND, "to an account")
    _copy(0, 0, _target, 0, 1)
    _expect_refused(Status.BAD_HANDLE, "from nothing")
    _copy(_source, 0, 0, 0, 1)
    _expect_refused(Status.BAD_HANDLE, "to nothing")
    reader = _mint(_source, Right.READ, 0)
    writer = _mint(_target, Right.WRITE, 0)
    for length in range(u64(100), u64(2 * _MEGABYTE), _MEGABYTE):
        _copy(writer, 0, writer, _SOURCE_BYTES // 2, length)
        _expect_refused(Status.NO_RIGHT, "from what cannot be read")
        _copy(reader, 0, reader, _SOURCE_BYTES // 2, length)
        _expect_refused(Status.NO_RIGHT, "to what cannot be written")
        _copy(reader, 0, writer, 0, length)
        _expect_copied(length)
    expect(close(reader), Status.OK, "close")
    expect(close(writer), Status.OK, "close")
    _refuse_unready()
    _refuse_sealed()


def _refuse_unready() -> None:
    fresh = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, _SOURCE_BYTES)
    _copy(fresh, _SOURCE_BYTES - _PAGE, _target, 0, 1)
    _expect_refused(Status.NOT_READY, "from what has not been cleared")
    _copy(_source, 0, fresh, _SOURCE_BYTES - _PAGE, 1)
    _expect_refused(Status.NOT_READY, "to what has not been cleared")
    _copy(_source, 0, fresh, 0, _PAGE)
    _expect_copied(_PAGE)
    expect(close(fresh), Status.OK, "close")


def _refuse_sealed() -> None:
    status, sealed = create_memory(ROOT_ACCOUNT, _MEGABYTE)
    expect(status, Status.OK, "creation")
    _copy(_source, 0, sealed, 0, _MEGABYTE)
    _expect_copied(_MEGABYTE)
    expect(seal(sealed), Status.OK, "seal")
    for length in range(u64(1), u64(_MEGABYTE), _MEGABYTE // 2):
        _copy(_source, 0, sealed, 0, length)
        _expect_refused(Status.SEALED, "to what is sealed")
        _copy(sealed, 0, _target, 0, length)
        _expect_copied(length)
    expect(close(sealed), Status.OK, "close")


def _mint(memory: u64, rights: u64, lease: u64) -> u64:
    status, handle = invoke(memory, Method.MINT, rights, 0, lease)
    expect(status, Status.OK, "mint")
    return handle


def _make_long() -> None:
    global _long_source, _long_target
    status, _long_source = create_memory(ROOT_ACCOUNT, _LONG)
    expect(status, Status.OK, "creation")
    status, _long_target = create_memory(ROOT_ACCOUNT, _LONG)
    expect(status, Status.OK, "creation")
    _map_first(_long_source, _FIRST_READ | READ | WRITE)
    _map_first(_long_target, _FIRST_WRITTEN | READ)


def _map_first(memory: u64, place: u64) -> None:
    expect(map_memory(memory, OWN_PROCESS, place, 0, _PAGE), Status.OK, "map")


def _unmap_first(place: u64) -> None:
    expect(unmap(OWN_PROCESS, place, _PAGE), Status.OK, "unmap")


def _close_long() -> None:
    expect(close(_long_source), Status.OK, "close")
    expect(close(_long_target), Status.OK, "close")


def _cancelled() -> None:
    """Its memory cannot be sealed meanwhile; nothing is written once it has ended."""
    for _ in range(u64(_ROUNDS)):
        _copy_long(_long_source, _long_target)
        expect(seal(_long_target), Status.BUSY, "seal")
        cancel(1)
        copied = _expect_part(Status.CANCELLED)
        expect_cancel(Status.OK)
        _check_untouched(copied)
    # In the same slot, while the work of the last one may still be queued.
    _copy(_source, 5, _target, 0, 2 * _MEGABYTE)
    _expect_copied(2 * _MEGABYTE)
    check_equal(u64(ptr[u8](_TARGET)[2 * _MEGABYTE - 1]), u64(ptr[u8](_SOURCE)[2 * _MEGABYTE + 4]), "the last byte")


def _check_untouched(copied: u64) -> None:
    """What comes next where a copy was stopped stays as it is, though the work may still be queued."""
    place = u64(_TARGET + _SOURCE_BYTES)
    status = map_memory(_long_target, OWN_PROCESS, place | READ | WRITE, copied & ~u64(_PAGE - 1), _PAGE)
    expect(status, Status.OK, "map")
    ptr[u64](place)[_PAGE // 8 - 1] = 77
    yield_now()
    check_equal(mem64[place + _PAGE - 8], 77, "what was written behind it")
    ptr[u64](place)[_PAGE // 8 - 1] = 0
    expect(unmap(OWN_PROCESS, place, _PAGE), Status.OK, "unmap")


def _handles() -> None:
    """Each is closed meanwhile."""
    for turn in range(u64(_ROUNDS)):
        reader = _mint(_long_source, Right.READ, 0)
        writer = _mint(_long_target, Right.WRITE, 0)
        _copy_long(reader, writer)
        expect(close(reader if turn % 2 == 0 else writer), Status.OK, "close")
        _ = _expect_part(Status.CLOSED)
        expect(close(writer if turn % 2 == 0 else reader), Status.OK, "close")


def _leases() -> None:
    for turn in range(u64(_ROUNDS)):
        lease = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
        reader = _mint(_long_source, Right.READ, lease if turn % 2 == 0 else u64(0))
        writer = _mint(_long_target, Right.WRITE, lease if turn % 2 == 1 else u64(0))
        _copy_long(reader, writer)
        do(lease, Method.LEASE_END)
        _ = _expect_part(Status.REVOKED)
        _copy(reader, 0, writer, 0, _LONG)
        _expect_refused(Status.REVOKED, "after the end of the lease")
        expect(close(reader), Status.OK, "close")
        expect(close(writer), Status.OK, "close")
        expect(close(lease), Status.OK, "close")


def _destroy() -> None:
    """The memory that is read, then that which is written."""
    for turn in range(u64(2)):
        _copy_long(_long_source, _long_target)
        do(_long_source if turn == 0 else _long_target, Method.DESTROY)
        _ = _expect_part(Status.DESTROYED)
        settle()
        _unmap_first(_FIRST_WRITTEN if turn == 0 else _FIRST_READ)      # the other one went with the memory
        _close_long()
        _make_long()


def _kill() -> None:
    """The thread whose copy it is."""
    _change_first_word()
    thread = make(0, _copy_for_long)
    do(thread, Method.THREAD_CREATE_RING, _RINGS, 31)
    do(thread, Method.THREAD_START)
    _await_first_word()
    do(thread, Method.THREAD_KILL, 9)
    await_state(thread, ThreadState.ENDED)
    expect(close(thread), Status.OK, "close")
    expect(unmap(OWN_PROCESS, _RINGS, 2 * _PAGE), Status.OK, "unmap")


def _copy_for_long(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _RINGS)
    entry = copy_entry(_long_source, 0, _long_target, 0, _LONG)
    _ = ring.submit(addr(entry))
    _ = ring.enter(1, 1)
    exit_thread(0)


def _several() -> None:
    """Each thread copies into a part of its own of the same Memory."""
    threads: array[u64, _THREADS] = zeroed()
    memory_fill(ptr[u8](_TARGET), 0, _SOURCE_BYTES)
    _finished.store(0)
    for index in range(u64(_THREADS)):
        threads[index] = make(index, _copy_part)
        do(threads[index], Method.THREAD_CREATE_RING, _RINGS + (1 + index) * _STRIDE, 31)
        _ = invoke(threads[index], Method.THREAD_SET_AFFINITY, 0, u64(2) << index)
        do(threads[index], Method.THREAD_START)
    while _finished.load() != _THREADS:
        yield_now()
    for index in range(u64(_THREADS)):
        check_numbered(_problems[index].load(), 0, "problem of thread", index)
        check_numbered(_differences_of_part(index), 0, "words that are wrong, of thread", index)
        await_state(threads[index], ThreadState.ENDED)
        expect(close(threads[index]), Status.OK, "close")
        expect(unmap(OWN_PROCESS, _RINGS + (1 + index) * _STRIDE, 2 * _PAGE), Status.OK, "unmap")


def _differences_of_part(index: u64) -> u64:
    count: u64 = 0
    for word in range(index * u64(_MEGABYTE // 8), (index + 1) * u64(_MEGABYTE // 8)):
        count += u64(ptr[u64](_TARGET)[word] != _pattern(word))
    return count


def _copy_part(index: u64) -> None:
    """In pieces of many sizes."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _RINGS + (1 + index) * _STRIDE)
    found: Completion = zeroed()
    at = index * u64(_MEGABYTE)
    end_at = at + u64(_MEGABYTE)
    length: u64 = 3
    while at != end_at:
        part = min(length, end_at - at)
        entry: Submission = copy_entry(_source, at, _target, at, part)
        _ = ring.submit(addr(entry))
        _ = ring.enter(1, 1)
        if not ring.take(addr(found)) or found.status != Status.OK or found.word0 != part:
            _problems[index].store(1)
        at += part
        length = length * 3
    _ = _finished.fetch_add(1)
    exit_thread(0)
