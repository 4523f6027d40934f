"""The object walker of debug builds: counts the references that exist and compares them with what objects count.

Checked: every occupied slot has an object of a known kind with enough references, and exactly those found if its kind
is referred to from nowhere else (_EXACT); no object of such a kind is out of reach; no account has more available than
its limit; the list of processes is linked both ways. What is wrong is told on the console.
Requires: nothing else changes objects meanwhile, and none waits for its end, so that Object.next is free; a test calls
it when its threads are at rest.
"""

from compiler.prelude import addr, array, const, ptr, u32, u64, zeroed
from kernel.abi.objects import OBJECT_KINDS, RESOURCES, ObjectKind
from kernel.abi.rights import ALL_RIGHTS
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.caps.object import Account, Object
from kernel.complete.queue import unread
from kernel.complete.ring_block import RecordState, Ring
from kernel.core import log
from kernel.core.line import Line
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.memory import range_tree
from kernel.objects import creation
from kernel.objects import process as processes
from kernel.objects.console import Console
from kernel.objects.interrupt_line import Interrupt
from kernel.objects.lease import Lease
from kernel.objects.memory_block import of_node
from kernel.objects.port_grants import Grant

_EXACT = const(1 << ObjectKind.NOTIFICATION | 1 << ObjectKind.LEASE | 1 << ObjectKind.ACCOUNT | 1 << ObjectKind.MEMORY)

# A lease may be held by nothing but its timer.
_REACHED = const(1 << ObjectKind.NOTIFICATION | 1 << ObjectKind.ACCOUNT)

_faults: u64 = 0
_seen: array[u64, OBJECT_KINDS] = zeroed()  # objects of each kind that were reached
_met: ptr[Object] | None = None             # those whose references have not been followed; linked by Object.next


def walk() -> u64:
    """Returns how many faults there are."""
    global _faults
    _faults = 0
    for kind in range(u64(OBJECT_KINDS)):
        _seen[kind] = 0
    _each_process(True)
    _each_process(False)
    for kind in range(u64(OBJECT_KINDS)):
        if _REACHED >> kind & 1 != 0 and _seen[kind] != creation.live[kind].load("relaxed"):
            _tell("objects out of reach of kind", kind, _seen[kind], creation.live[kind].load("relaxed"))
    return _faults


def _each_process(counts: bool) -> None:
    """First counts references, then compares, which also clears what the counting left."""
    previous: ptr[Process] | None = None
    process = processes.newest_process
    while process is not None:
        if process.previous != previous:
            _tell("process not linked back", u64(process), 0, 0)
        _each_reference(addr(process.header), counts)
        _follow(counts)
        for index in range(process.table.slots.load("acquire")):
            _slot(process, index, counts)
            _follow(counts)
        previous = process
        process = process.next


def _slot(process: ptr[Process], index: u32, counts: bool) -> None:
    capability = Capability()
    if not table.peek(addr(process.table), index, addr(capability)):
        return
    header = capability.object
    if header is None or header.kind == 0 or header.kind >= OBJECT_KINDS:
        _tell("slot without a known object", u64(index), 0, 0)
        return
    if capability.rights & ~u32(ALL_RIGHTS) != 0:
        _tell("slot with unknown rights", u64(index), u64(capability.rights), 0)
    _visit(header, counts)


def _visit(header: ptr[Object], counts: bool) -> None:
    """Notes a reference; an object that is met for the first time waits for its own references to be followed."""
    if counts:
        header.found += 1
        if header.found != 1:
            return
        _seen[u64(header.kind)] += 1
    elif header.found != 0:
        _compare(header)
        header.found = 0
    else:
        return
    if header.kind != ObjectKind.PROCESS:
        _put(header)


def _put(header: ptr[Object]) -> None:
    global _met
    header.next = _met
    _met = header


def _follow(counts: bool) -> None:
    """Visits whatever can be reached from what has been met."""
    global _met
    header = _met
    while header is not None:
        _met = header.next
        header.next = None
        _each_reference(header, counts)
        header = _met


def _each_reference(header: ptr[Object], counts: bool) -> None:
    """Visits what an object refers to. Processes are reached through their list instead of through references."""
    account = header.account
    if account is not None:
        _visit(addr(account.header), counts)
    match header.kind:
        case ObjectKind.ACCOUNT:
            watcher = ptr[Account](header).watcher.load("acquire")
            if watcher != 0:
                _visit(ptr[Object](watcher), counts)
        case ObjectKind.PROCESS:
            process = ptr[Process](header)
            with process.lock:
                watcher_of_end = process.exit_watcher
                handler = process.exceptions.object
            _visit_if_any(watcher_of_end, counts)
            _visit_if_any(process.parent, counts)
            _visit_if_any(handler, counts)
            _each_thread(process, counts)
            _each_mapping(process, counts)
            _each_grant(process, counts)
        case ObjectKind.THREAD:
            thread = ptr[Thread](header)
            _visit_if_any(thread.exit_watcher, counts)
            _visit_if_any(thread.exceptions.object, counts)
            ring = thread.ring
            if ring is not None:
                _visit(addr(ring.header), counts)
        case ObjectKind.INTERRUPT:
            told = ptr[Interrupt](header).notification
            if told is not None:
                _visit(addr(told.header), counts)
        case ObjectKind.CONSOLE:
            _visit(addr(ptr[Console](header).notification.header), counts)
        case ObjectKind.LEASE:
            # Its timer holds a reference until it has been stopped or has run.
            if ptr[Lease](header).expiry.is_queued and counts:
                header.found += 1
        case ObjectKind.RING:
            _each_record(ptr[Ring](header), counts)
            if counts:
                _check_ring(ptr[Ring](header))
            _visit(ptr[Ring](header).pages[0], counts)
            _visit(ptr[Ring](header).pages[1], counts)
            _visit_if_any(ptr[Ring](header).buffer, counts)


def _each_thread(process: ptr[Process], counts: bool) -> None:
    """A thread that has not ended holds a reference on itself and one on its process."""
    with process.lock:
        first = process.first_thread
    thread = None if first is None else ptr[Thread](first)
    while thread is not None:
        _visit(addr(thread.header), counts)
        _visit(addr(process.header), counts)
        thread = thread.sibling


def _each_mapping(process: ptr[Process], counts: bool) -> None:
    """Each refers to its Memory; all of them are in the address space, and none overlaps the next."""
    found: u32 = 0
    end: u64 = 0
    node = range_tree.find(addr(process.space.ranges), 0)
    while node is not None:
        if node.start < end or node.end <= node.start:
            _tell("mappings out of order at", node.start, end, node.start)
        _visit(addr(of_node(node).memory.header), counts)
        found += 1
        end = node.end
        node = range_tree.find(addr(process.space.ranges), end)
    if found + _grants(process) != process.space.mappings.load("relaxed"):
        _tell("mappings of a process", u64(process), u64(found), u64(process.space.mappings.load("relaxed")))


def _grants(process: ptr[Process]) -> u32:
    return process.space.ports.count.load("relaxed")


def _each_grant(process: ptr[Process], counts: bool) -> None:
    at = process.space.grants
    while at != 0:
        grant = ptr[Grant](at)
        _visit(addr(grant.ports.header), counts)
        following = grant.next
        at = 0 if following is None else u64(following)


def _check_ring(ring: ptr[Ring]) -> None:
    """Every operation that was accepted has ended once or is in flight; completions have their places."""
    ended = ring.completed + ring.silent + u64(ring.in_flight)
    if ring.accepted != ended:
        _tell("operations of a ring", u64(ring), ended, ring.accepted)
    if ring.reserved + unread(ring) > ring.capacity + 1:
        _tell("promises of a ring", u64(ring), u64(ring.reserved + unread(ring)), u64(ring.capacity) + 1)


def _each_record(ring: ptr[Ring], counts: bool) -> None:
    for slot in range(u64(ring.places)):
        record = addr(ring.records[slot])
        if record.state.load("acquire") != RecordState.FREE:
            _visit_if_any(record.target, counts)
            _visit_if_any(record.written, counts)


def _visit_if_any(header: ptr[Object] | None, counts: bool) -> None:
    if header is not None:
        _visit(header, counts)


def _compare(header: ptr[Object]) -> None:
    count = header.references.load("acquire")
    is_exact = _EXACT >> u64(header.kind) & 1 != 0
    if count < header.found or is_exact and count != header.found:
        _tell("references of an object of kind", u64(header.kind), header.found, count)
    if header.kind == ObjectKind.ACCOUNT:
        account = ptr[Account](header)
        for resource in range(u32(RESOURCES)):
            budget = account.budget(resource)
            if budget.available.load("relaxed") > budget.limit.load("relaxed"):
                _tell("account with more than its limit of resource", u64(resource), 0, 0)


def _tell(what: str, first: u64, found: u64, expected: u64) -> None:
    global _faults
    _faults += 1
    line = Line()
    line.text("walker: ")
    line.text(what)
    line.text(" ")
    line.hexadecimal(first)
    line.text(": found ")
    line.decimal(found)
    line.text(", expected ")
    line.decimal(expected)
    log.write(addr(line))
