"""Interrupts of devices, from the vector to whoever is told.

A line has one vector, the same on every CPU, and the interrupts that share it. A level-triggered line is masked when
it fires and unmasked when all that share it have acknowledged; edges and messages are never held back, and what comes
before the acknowledgement of the last is delivered as one. A line that fires too often is masked until it is rearmed.
Owns: the table of lines by vector, the vectors.
Invariants: I-IRQ-1: a level-triggered line is unmasked only while nobody has to acknowledge it.
Locks: _registry (Rank.INTERRUPTS) guards which lines exist, and InterruptLine.lock (Rank.INTERRUPT) all of one line;
notifications are signalled inside.
Not here: the operations of drivers (interrupt.py).
"""
from __future__ import annotations

from compiler.prelude import addr, array, const, guarded_by, ptr, requires, struct, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.interrupt import COUNTED_CPUS, STORM_LIMIT, STORM_WINDOW_NS, InterruptState, Routing, Source
from kernel.arch.x86_64 import apic, clock, cpu, ioapic
from kernel.caps.object import Object
from kernel.core import log
from kernel.core.cpu_queue import queue_of
from kernel.core.online import first_online, is_online
from kernel.core.run_queue import IDLE
from kernel.core.vector_set import VectorSet
from kernel.objects.notification import signal
from kernel.objects.notification_block import Notification
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_VECTORS = const(256)


@struct
class Interrupt:
    header: Object
    next: ptr[Interrupt] | None         # of those that share the line
    vector: u32
    is_unacknowledged: bool
    came_again: bool                    # since the one that waits to be acknowledged
    notification: ptr[Notification] | None
    bits: u64
    count: u64
    count_by_cpu: array[u32, COUNTED_CPUS]


@struct
class InterruptLine:
    lock: SpinLock
    with guarded_by("lock"):
        number: u32                     # of the line; of no meaning for messages
        source: u32                     # abi Source
        destination: u32                # as interrupt controllers know the CPU
        target: u32                     # index of the CPU
        wanted: u32                     # where it goes while that CPU is on line, if it is FIXED
        routing: u32
        unacknowledged: u32             # interrupts that have to be acknowledged before it is unmasked
        bound: u32                      # interrupts that have somebody to tell
        is_masked: bool
        is_storming: bool
        in_window: u32
        window_start_ns: u64
        first: ptr[Interrupt] | None


_registry: SpinLock = SpinLock(rank=Rank.INTERRUPTS)
_vectors: VectorSet = VectorSet()
_lines: array[InterruptLine, _VECTORS] = zeroed()       # large: what is not zero in them would make the image larger
unclaimed: u64 = 0                      # interrupts that nobody has asked for; counted, not exactly


def start() -> None:
    for vector in range(_VECTORS):
        _lines[vector].lock.rank = Rank.INTERRUPT


def attach(interrupt: ptr[Interrupt], number: u32, source: u32) -> Status:
    """Adds an interrupt to its line, which is made when it is the first. Errors: BUSY, OVER_LIMIT."""
    with _registry:
        vector = _vector_of(number) if source & Source.MESSAGE == 0 else u32(0)
        if vector == 0:
            vector = _vectors.take()
            if vector == 0:
                return Status.OVER_LIMIT
            _open(addr(_lines[vector]), vector, number, source)
        line = addr(_lines[vector])
        with line.lock:
            if source & Source.SHARED == 0 and line.first is not None or line.source != source:
                return Status.BUSY
            interrupt.vector = vector
            interrupt.next = line.first
            line.first = interrupt
    return Status.OK


def detach(interrupt: ptr[Interrupt]) -> None:
    """Takes an interrupt off its line; the last one takes the line with it."""
    line = addr(_lines[interrupt.vector])
    with _registry:
        with line.lock:
            _unlink(line, interrupt)
            if interrupt.notification is not None:
                line.bound -= 1
            if interrupt.is_unacknowledged:
                _count_acknowledged(line)
            if line.first is None:
                _mask(line)
                _vectors.give_back(interrupt.vector)


def bind(interrupt: ptr[Interrupt], notification: ptr[Notification], bits: u64) -> bool:
    """Says who is told. Returns False when somebody is already. The first one of a line unmasks it."""
    line = addr(_lines[interrupt.vector])
    with line.lock:
        if interrupt.notification is not None:
            return False
        interrupt.notification = notification
        interrupt.bits = bits
        line.bound += 1
        _unmask_if_idle(line)
    return True


def acknowledge(interrupt: ptr[Interrupt]) -> Status:
    """Errors: WOULD_BLOCK when there is nothing to acknowledge, OVER_LIMIT when the line is held back for a storm."""
    line = addr(_lines[interrupt.vector])
    with line.lock:
        if not interrupt.is_unacknowledged:
            return Status.WOULD_BLOCK
        interrupt.is_unacknowledged = False
        if interrupt.came_again:
            interrupt.came_again = False
            _tell(line, interrupt)
        _count_acknowledged(line)
        return Status.OVER_LIMIT if line.is_storming else Status.OK


def rearm(interrupt: ptr[Interrupt]) -> None:
    """Ends the holding back of a line for a storm."""
    line = addr(_lines[interrupt.vector])
    with line.lock:
        line.is_storming = False
        line.in_window = 0
        _unmask_if_idle(line)


def route(interrupt: ptr[Interrupt], routing: u64, target: u64) -> Status:
    """Errors: BAD_ARGUMENT, for a CPU that does not run, or a way that a message cannot take."""
    if routing > Routing.BROADCAST or (routing != Routing.FIXED and target != 0):
        return Status.BAD_ARGUMENT
    if routing == Routing.FIXED and (target >= u64(cpu.known_cpus) or not is_online(u32(target))):
        return Status.BAD_ARGUMENT
    line = addr(_lines[interrupt.vector])
    with line.lock:
        if line.source & Source.MESSAGE != 0 and (routing == Routing.ROUND_ROBIN or routing == Routing.LEAST_BUSY):
            return Status.BAD_ARGUMENT
        line.routing = u32(routing)
        line.wanted = u32(target)
        _aim(line, u32(target))
        # It may have gone off line since; leave_cpu() looks after that.
        if not is_online(line.target):
            _aim(line, first_online())
    return Status.OK


def leave_cpu(index: u32) -> None:
    """A CPU has gone off line: what it was to be interrupted by goes to another one.

    A device that sends messages goes on sending them there until its driver asks where to (message_of).
    """
    for vector in range(u64(_VECTORS)):
        line = addr(_lines[vector])
        with line.lock:
            if line.first is not None and line.target == index:
                _aim(line, first_online())


def return_to_cpu(index: u32) -> None:
    """A CPU is on line again."""
    for vector in range(u64(_VECTORS)):
        line = addr(_lines[vector])
        with line.lock:
            if line.first is not None and line.routing == Routing.FIXED and line.wanted == index:
                _aim(line, index)


def state_of(interrupt: ptr[Interrupt]) -> u64:
    line = addr(_lines[interrupt.vector])
    with line.lock:
        state: u64 = InterruptState.UNACKNOWLEDGED if interrupt.is_unacknowledged else 0
        if line.is_masked:
            state |= InterruptState.MASKED
        if line.is_storming:
            state |= InterruptState.STORM
    return state


def count_of(interrupt: ptr[Interrupt]) -> u64:
    """How often it came; all that goes with the last one has been done."""
    with addr(_lines[interrupt.vector]).lock:
        return interrupt.count


def message_of(interrupt: ptr[Interrupt]) -> u64:
    """What the device has to send: the address in the lower half, the data in the upper; 0 for a line."""
    line = addr(_lines[interrupt.vector])
    with line.lock:
        if line.source & Source.MESSAGE == 0:
            return 0
        return ioapic.message_address(line.destination) | (u64(interrupt.vector) << 32)


def imitate(interrupt: ptr[Interrupt]) -> None:
    """Interrupts as the device would, wherever the line goes to."""
    line = addr(_lines[interrupt.vector])
    with line.lock:
        for index in range(cpu.known_cpus):
            if index == line.target or line.routing == Routing.BROADCAST and is_online(index):
                apic.send(index, interrupt.vector)


def deliver(vector: u32) -> None:
    """What a CPU does about a device's vector. Requires: no lock is held."""
    global unclaimed
    line = addr(_lines[vector])
    with line.lock:
        if line.first is None:
            unclaimed += 1
        else:
            _deliver_to_all(line)
    apic.end_interrupt()


@requires("line.lock")
def _deliver_to_all(line: ptr[InterruptLine]) -> None:
    _look_for_storm(line)
    if line.source & Source.LEVEL != 0:
        _mask(line)
    interrupt = line.first
    while interrupt is not None:
        interrupt.count += 1
        if cpu.index < COUNTED_CPUS:
            interrupt.count_by_cpu[cpu.index] += 1
        if interrupt.is_unacknowledged:
            interrupt.came_again = line.source & Source.LEVEL == 0
        else:
            _tell(line, interrupt)
        interrupt = interrupt.next
    if line.routing == Routing.ROUND_ROBIN:
        _aim(line, _next_cpu(line.target))
    elif line.routing == Routing.LEAST_BUSY:
        _aim(line, _least_busy())


@requires("line.lock")
def _tell(line: ptr[InterruptLine], interrupt: ptr[Interrupt]) -> None:
    notification = interrupt.notification
    if notification is not None:
        interrupt.is_unacknowledged = True
        line.unacknowledged += 1
        signal(notification, interrupt.bits)


@requires("line.lock")
def _count_acknowledged(line: ptr[InterruptLine]) -> None:
    line.unacknowledged -= 1
    _unmask_if_idle(line)


@requires("line.lock")
def _look_for_storm(line: ptr[InterruptLine]) -> None:
    now = clock.now_ns()
    if now - line.window_start_ns > STORM_WINDOW_NS:
        line.window_start_ns = now
        line.in_window = 0
    line.in_window += 1
    if line.in_window > STORM_LIMIT and not line.is_storming:
        line.is_storming = True
        _mask(line)
        log.warn(f"interrupt: line {line.number} came {STORM_LIMIT} times in a tenth of a second and is held back")


@requires("line.lock")
def _mask(line: ptr[InterruptLine]) -> None:
    line.is_masked = True
    if line.source & Source.MESSAGE == 0:
        ioapic.mask(line.number)


@requires("line.lock")
def _unmask_if_idle(line: ptr[InterruptLine]) -> None:
    if not line.is_masked or line.is_storming or line.bound == 0:
        return
    if line.source & Source.LEVEL != 0 and line.unacknowledged != 0:
        return
    line.is_masked = False
    if line.source & Source.MESSAGE == 0:
        ioapic.unmask(line.number)


@requires("line.lock")
def _aim(line: ptr[InterruptLine], target: u32) -> None:
    destination = apic.identity_of(target) if line.routing != Routing.BROADCAST else u32(ioapic.EVERY_CPU)
    line.target = target
    if destination != line.destination:
        line.destination = destination
        if line.source & Source.MESSAGE == 0:
            ioapic.redirect(line.number, destination)


def _next_cpu(index: u32) -> u32:
    following = index
    for _ in range(cpu.known_cpus):
        following = (following + 1) % cpu.known_cpus
        if is_online(following):
            break
    return following


def _least_busy() -> u32:
    """A CPU that idles, or else one with the shortest queue; this one when others are no better."""
    best = cpu.index
    least = _load_of(best)
    for index in range(cpu.known_cpus):
        if is_online(index) and _load_of(index) < least:
            best = index
            least = _load_of(index)
    return best


def _load_of(index: u32) -> u32:
    queue = queue_of(index)
    return queue.length.load("relaxed") + u32(queue.running.load("relaxed") != IDLE)


def _open(line: ptr[InterruptLine], vector: u32, number: u32, source: u32) -> None:
    """Requires: the registry's lock; the line has no interrupts."""
    with line.lock:
        line.number = number
        line.source = source
        line.routing = Routing.FIXED
        line.target = cpu.index
        line.wanted = cpu.index
        line.destination = apic.identity_of(cpu.index)
        line.unacknowledged = 0
        line.bound = 0
        line.is_masked = True
        line.is_storming = False
        line.in_window = 0
        if source & Source.MESSAGE == 0:
            ioapic.route(number, vector, line.destination, source & Source.LEVEL != 0, source & Source.LOW != 0)


def _vector_of(number: u32) -> u32:
    """Of a line that somebody has; 0 when nobody has it. Requires: the registry's lock."""
    for vector in range(u32(_VECTORS)):
        line = addr(_lines[vector])
        with line.lock:
            if line.first is not None and line.source & Source.MESSAGE == 0 and line.number == number:
                return vector
    return 0


@requires("line.lock")
def _unlink(line: ptr[InterruptLine], interrupt: ptr[Interrupt]) -> None:
    before: ptr[Interrupt] | None = None
    at = line.first
    while at is not None and at != interrupt:
        before = at
        at = at.next
    if before is None:
        line.first = interrupt.next
    else:
        before.next = interrupt.next
