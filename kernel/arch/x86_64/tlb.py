"""Translation caches: what this CPU has in force, and how other CPUs are made to forget.

Whoever removes translations asks every CPU that has the address space in force (ask()) and goes on; nobody waits. A
request merges into one word of the target, so many cost one interrupt. The target forgets, notes the number of the
newest request that this covers, and outside spin loops looks through the requests of those who asked; whoever sees
the last answer hands the request to `finish`.
Invariants: I-ARCH-5: a request's number is taken after its range has been merged into every target's word, so an
answer with that number or a later one covers it. I-ARCH-6: answering takes no lock and allocates nothing. I-ARCH-7: an
asker is noted from before it asks until an answer that covers its request has been followed by a look.
Locks: Requests.lock (Rank.FLUSHES) guards the requests of one CPU that wait for answers.
Source: SDM vol 3, 4.10 (caching of translations), 4.10.4 (invalidation).
"""
from __future__ import annotations

from collections.abc import Callable

from compiler.prelude import (
    array,
    atomic,
    const,
    count_zeros_right,
    fence,
    i64,
    panic,
    percpu,
    percpu_address,
    ptr,
    struct,
    u32,
    u64,
    wrap_add,
    wrap_neg,
    zeroed,
)
from kernel.arch.x86_64 import contexts, cpu, mailbox
from kernel.arch.x86_64.mailbox import Request
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.arch.x86_64.registers import invalidate_page, read_cr3, write_cr3
from kernel.config import CPU_LIMIT
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

CPU_WORDS = const(CPU_LIMIT // 64)
_NOTHING = const(0)
_EVERYTHING = const(1)                  # other values are a page's address and, in the low bits, how many follow it
_PAGES_ONE_BY_ONE = const(32)           # more are forgotten with everything else


@struct
class CpuSet:
    """The CPUs that have ever had a space in force."""
    words: array[atomic[u64], CPU_WORDS]


@struct
class InForce:
    cpus: atomic[u64]                   # address of the CpuSet of the space whose tables this CPU has, 0: the kernel's


@struct
class Flush:
    """A request that waits for answers; part of what is to be finished afterwards."""
    next: ptr[Flush] | None
    number: u64
    waits_for: array[u64, CPU_WORDS]    # the CPUs that were asked


@struct
class Inbox:
    wanted: atomic[u64] = _NOTHING
    answered: atomic[u64] = 0           # the newest request that this CPU's last flush covers
    askers: array[atomic[u64], CPU_WORDS]   # whose requests the next answer covers
    covered: array[u64, CPU_WORDS]      # whose requests an answer has covered, and nobody has looked through since


@struct
class Requests:
    lock: SpinLock = SpinLock(rank=Rank.FLUSHES)
    first: ptr[Flush] | None = None


def _no_finish(flush: ptr[Flush]) -> None:
    panic("a flush was asked for before anybody could finish it")


def _do_nothing() -> None:
    pass


finish: Callable[[ptr[Flush]], None] = _no_finish       # what follows the last answer (objects/mapping.py)
attend: Callable[[], None] = _do_nothing                # run after every answer, without locks (address_space.py)

in_force: percpu[InForce] = InForce()
_inbox: percpu[Inbox] = Inbox()
_requests: percpu[Requests] = Requests()
_newest: atomic[u64] = 0


def start() -> None:
    mailbox.handlers[Request.TLB_FLUSH] = _answer
    mailbox.handlers[Request.FLUSHED] = _look_through


def forget(start: u64, end: u64) -> None:
    """Makes this CPU forget a range of the address space in force."""
    _forget(_word_for(start, end))


def has_others(cpus: ptr[CpuSet]) -> bool:
    """Whether a CPU besides this one has in force the space with this set, whose entries have been changed."""
    if cpu.known_cpus == 1:
        return False
    fence("seq_cst")
    for group in range(i64(_groups())):
        if _others(cpus, group) != 0:
            return True
    return False


def ask(flush: ptr[Flush], cpus: ptr[CpuSet], start: u64, end: u64) -> bool:
    """Asks all CPUs of a set but this one to forget a range. Returns False when there is none to ask.

    When it returns True, finish(flush) will be called once, on any CPU.
    """
    fence("seq_cst")
    asked: u64 = 0
    word = _word_for(start, end)
    for group in range(CPU_WORDS):
        others = _others(cpus, group)
        flush.waits_for[group] = others
        asked |= others
        while others != 0:
            _merge(_inbox_of(u32(group) * 64 + u32(count_zeros_right(others))), word)
            others &= others - 1
    if asked == 0:
        return False
    flush.number = _newest.fetch_add(1, "seq_cst") + 1
    mine = _requests_of(cpu.index)
    targets: array[u64, CPU_WORDS] = zeroed()
    for group in range(CPU_WORDS):
        targets[group] = flush.waits_for[group]
    with mine.lock:
        flush.next = mine.first
        mine.first = flush
    # From here on the request may be finished by another CPU: it is not touched again.
    for group in range(CPU_WORDS):
        others = targets[group]
        while others != 0:
            target = u32(group) * 64 + u32(count_zeros_right(others))
            _ = _inbox_of(target).askers[cpu.index // 64].fetch_or(u64(1) << u64(cpu.index % 64), "seq_cst")
            mailbox.post(target, Request.TLB_FLUSH)
            others &= others - 1
    return True


def _answer() -> None:
    """The handler of TLB_FLUSH, also in spin loops."""
    inbox = _inbox_of(cpu.index)
    for group in range(CPU_WORDS):
        # Before the number is read: whoever asks from here on sends another TLB_FLUSH and is covered by that answer.
        inbox.covered[group] |= inbox.askers[group].exchange(0, "seq_cst")
    newest = _newest.load("seq_cst")
    _forget(inbox.wanted.exchange(_NOTHING, "seq_cst"))
    inbox.answered.store(newest, "seq_cst")
    attend()
    mailbox.post(cpu.index, Request.FLUSHED)


def _look_through() -> None:
    """Finishes those requests of whoever asked this CPU that have their last answer."""
    inbox = _inbox_of(cpu.index)
    for group in range(CPU_WORDS):
        askers = inbox.covered[group]
        inbox.covered[group] = 0
        while askers != 0:
            flush = _take_answered(_requests_of(u32(group) * 64 + u32(count_zeros_right(askers))))
            while flush is not None:
                following = flush.next
                finish(flush)
                flush = following
            askers &= askers - 1


def _take_answered(requests: ptr[Requests]) -> ptr[Flush] | None:
    """Takes the answered requests off a CPU's list, linked."""
    done: ptr[Flush] | None = None
    with requests.lock:
        waiting: ptr[Flush] | None = None
        flush = requests.first
        while flush is not None:
            following = flush.next
            if _is_answered(flush):
                flush.next = done
                done = flush
            else:
                flush.next = waiting
                waiting = flush
            flush = following
        requests.first = waiting
    return done


def _is_answered(flush: ptr[Flush]) -> bool:
    for group in range(CPU_WORDS):
        others = flush.waits_for[group]
        while others != 0:
            target = u32(group) * 64 + u32(count_zeros_right(others))
            if _inbox_of(target).answered.load("seq_cst") < flush.number:
                return False
            others &= others - 1
    return True


def _word_for(start: u64, end: u64) -> u64:
    pages = (end - start) >> PAGE_SHIFT
    return start | (pages - 1) if pages <= _PAGES_ONE_BY_ONE else u64(_EVERYTHING)


def who_has(cpus: ptr[CpuSet], group: i64) -> u64:
    """Those CPUs of a group that have in force the space with this set; no other has any of its translations.

    Requires: a full fence since the entries were changed.
    """
    found: u64 = 0
    left = cpus.words[group].load("relaxed")
    while left != 0:
        bit = left & wrap_neg(left)
        index = u32(group) * 64 + u32(count_zeros_right(left))
        if ptr[InForce](wrap_add(cpu.bases[index], percpu_address(in_force))).cpus.load("acquire") == u64(cpus):
            found |= bit
        left ^= bit
    return found


def _groups() -> u32:
    """Of the words of a set, those that stand for CPUs of this machine."""
    return (cpu.known_cpus + 63) // 64


def _others(cpus: ptr[CpuSet], group: i64) -> u64:
    others = who_has(cpus, group)
    if u32(group) == cpu.index // 64:
        others &= ~(u64(1) << u64(cpu.index % 64))
    return others


def _merge(inbox: ptr[Inbox], word: u64) -> None:
    if not inbox.wanted.cas(_NOTHING, word, "seq_cst"):
        inbox.wanted.store(_EVERYTHING, "seq_cst")


def _forget(word: u64) -> None:
    if word == _NOTHING:
        return
    if cpu.has_contexts:
        contexts.forget_programs()
    if word == _EVERYTHING:
        write_cr3(read_cr3())
        return
    page = word & ~u64(PAGE_BYTES - 1)
    for _ in range((word & (PAGE_BYTES - 1)) + 1):
        invalidate_page(page)
        page += PAGE_BYTES


def _inbox_of(index: u32) -> ptr[Inbox]:
    return ptr[Inbox](wrap_add(cpu.bases[index], percpu_address(_inbox)))


def _requests_of(index: u32) -> ptr[Requests]:
    return ptr[Requests](wrap_add(cpu.bases[index], percpu_address(_requests)))


