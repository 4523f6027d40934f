"""Changes of a thread by two others at once: one makes the change, and an end in between leaves nothing behind."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import array, atomic, const, export, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.ring import COMPLETION_CAPACITY
from kernel.abi.thread import ThreadState
from userspace.guest_tests.memory_tools import PLACE, charged, pages, settle
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import await_state, do, expect, make, spawn
from userspace.lib.memory import unmap
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(2)
_ROUNDS = const(200)
_RIVALS = const(2)
_RING_PAGES = const(2)
_END = const(0xFFFF_FFFF)

_round: atomic[u64] = 0
_subject: atomic[u64] = 0               # handle of the thread that is changed
_finished: array[atomic[u64], _RIVALS] = zeroed()   # rounds
_answers: array[atomic[u64], _RIVALS] = zeroed()
_rivals: array[u64, _RIVALS] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("one_ring")
    _one_ring()
    begin("ring_or_end")
    _ring_or_end()
    end()


def _one_ring() -> None:
    """Two threads make a ring for a third: it gets one."""
    objects = _start_rivals()
    for number in range(u64(1), u64(_ROUNDS)):
        _subject.store(make(0, _leave))
        _round.store(number)
        _await_rivals(number)
        check_numbered(_count(Status.OK), 1, "rings", number)
        check_numbered(_count(Status.BUSY), 1, "refusals", number)
        _end_subject()
        _unmap_rings()
        expect(close(_subject.load()), Status.OK, "close")
    _end_rivals(objects)


def _ring_or_end() -> None:
    """A thread is killed while others make a ring for it."""
    objects = _start_rivals()
    for number in range(u64(1), u64(_ROUNDS)):
        _subject.store(make(0, _leave))
        _round.store(number)
        for _ in range(number % 8):
            yield_now()
        _end_subject()
        _await_rivals(number)
        check_numbered(u64(_count(Status.OK) <= 1), 1, "rings", number)
        _unmap_rings()
        expect(close(_subject.load()), Status.OK, "close")
    _end_rivals(objects)


def _start_rivals() -> u64:
    """Returns how many objects there are before."""
    settle()
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    _round.store(0)
    for index in range(u64(_RIVALS)):
        _finished[index].store(0)
        _rivals[index] = spawn(1 + index, _try_each_round)
    return objects


def _try_each_round(index: u64) -> None:
    rival = index - 1
    done: u64 = 0
    while done != _END:
        number = _round.load()
        if number == done:
            yield_now()
            continue
        done = number
        if number != _END:
            status, _ = invoke(
                _subject.load(), Method.THREAD_CREATE_RING, _place_of(rival), u64(COMPLETION_CAPACITY)
            )
            _answers[rival].store(u64(status))
        _finished[rival].store(number)
    exit_thread(0)


def _place_of(rival: u64) -> u64:
    return PLACE + pages(16 * rival)


def _await_rivals(number: u64) -> None:
    for index in range(u64(_RIVALS)):
        while _finished[index].load() != number:
            yield_now()


def _count(status: Status) -> u64:
    return u64(_answers[0].load() == u64(status)) + u64(_answers[1].load() == u64(status))


def _end_subject() -> None:
    do(_subject.load(), Method.THREAD_KILL)
    await_state(_subject.load(), ThreadState.ENDED)


def _unmap_rings() -> None:
    for index in range(u64(_RIVALS)):
        if _answers[index].load() == u64(Status.OK):
            expect(unmap(OWN_PROCESS, _place_of(index), pages(_RING_PAGES)), Status.OK, "unmap")


def _end_rivals(objects: u64) -> None:
    _round.store(_END)
    for index in range(u64(_RIVALS)):
        await_state(_rivals[index], ThreadState.ENDED)
        expect(close(_rivals[index]), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _leave(index: u64) -> None:
    exit_thread(0)
