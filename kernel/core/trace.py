"""Tracing: a ring of records for each CPU, filled while tracing is on.

When it is off it costs nothing where it counts: the door for system calls is the ordinary one, and only turning tracing
on points the CPUs at another (arch/x86_64/traced_entry.py). Interrupts of devices and exceptions look at one word.
While it is on, each CPU also counts how long its calls and interrupts took (abi/trace.py).
Rings are made when tracing is first turned on, and stay.
Owns: the rings. Locks: none: a CPU fills its own ring with interrupts off; readers notice what was overwritten.
"""
from compiler.prelude import (
    array,
    atomic,
    const,
    copy,
    count_zeros_left,
    export,
    memory_fill,
    ptr,
    sizeof,
    struct,
    u8,
    u32,
    u64,
    zeroed,
)
from kernel.abi.trace import TRACE_BUCKETS, TRACE_RECORDS, TRACE_TIME_KINDS, TraceEvent, TraceRecord, TraceTimes
from kernel.arch.x86_64 import clock, cpu, mailbox
from kernel.arch.x86_64.entry import system_call_door
from kernel.arch.x86_64.mailbox import Request
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import MSR_LSTAR, write_msr
from kernel.arch.x86_64.traced_entry import traced_door
from kernel.config import CPU_LIMIT
from kernel.memory import physical, window

_RING_ORDER = const(4)
_THREAD_SHIFT = const(6)                # threads are told apart by their place, but it is not told where they are
_THREAD_MASK = const(0xFFFF_FFFF)


@struct
class TraceRing:
    next: atomic[u64]                   # the number of the next record
    caller: u64                         # address of the frame of whoever made the last call, until it is over
    call_ns: u64                        # when that was
    times: array[atomic[u64], TRACE_TIME_KINDS * TRACE_BUCKETS]     # by TraceTimes and bucket
    records: array[TraceRecord, TRACE_RECORDS]


is_on: bool = False

_rings: array[u64, CPU_LIMIT] = zeroed()    # addresses, by CPU


assert sizeof(TraceRing) <= PAGE_BYTES << _RING_ORDER


def start() -> None:
    mailbox.handlers[Request.TRACE] = _choose_door


def turn_on() -> bool:
    """Every CPU begins to record, this one at once. Returns False when there is no memory for the rings."""
    global is_on
    for index in range(cpu.known_cpus):
        if _rings[index] == 0:
            place = physical.allocate(_RING_ORDER)
            if place == 0:
                return False
            memory_fill(ptr[u8](window.address(place)), 0, sizeof(TraceRing))
            _rings[index] = window.address(place)
    is_on = True
    _tell_all()
    return True


def turn_off() -> None:
    global is_on
    is_on = False
    _tell_all()


def record(event: TraceEvent, number: u32, value: u64) -> None:
    """Requires: tracing is on."""
    ring = ring_of(cpu.index)
    if ring is not None:
        number_of_record = ring.next.load("relaxed")
        frame = cpu.frame
        ring.records[number_of_record % TRACE_RECORDS] = TraceRecord(
            time_ns=clock.now_ns(),
            thread=(u64(frame) >> _THREAD_SHIFT) & _THREAD_MASK if frame is not None else u64(0),
            event=u32(event),
            number=number,
            value=value,
        )
        ring.next.store(number_of_record + 1, "release")


def record_interrupt(vector: u32) -> u64:
    """Returns the time, for count_time() when it has been dealt with. Requires: tracing is on."""
    record(TraceEvent.INTERRUPT, vector, 0)
    return clock.now_ns()


def record_return(status: u64) -> None:
    """A system call goes back to its program. Requires: tracing is on."""
    record(TraceEvent.RETURN, 0, status)
    ring = ring_of(cpu.index)
    if ring is not None and ring.caller == u64(cpu.frame):
        ring.caller = 0
        count_time(TraceTimes.CALLS, ring.call_ns)


def count_time(kind: TraceTimes, start_ns: u64) -> None:
    """Counts what took from `start_ns` until now. Requires: tracing has been on."""
    ring = ring_of(cpu.index)
    if ring is not None:
        bucket = min(63 - count_zeros_left(clock.now_ns() - start_ns | 1), u64(TRACE_BUCKETS - 1))
        place = u64(kind) * TRACE_BUCKETS + bucket
        ring.times[place].store(ring.times[place].load("relaxed") + 1, "relaxed")


def ring_of(index: u32) -> ptr[TraceRing] | None:
    """None before tracing was first turned on."""
    return ptr[TraceRing](_rings[index]) if _rings[index] != 0 else None


def read(ring: ptr[TraceRing], number: u64, record: ptr[TraceRecord]) -> bool:
    """Copies a record that has been written. Returns False when it has been overwritten."""
    record[0] = copy(ring.records[number % TRACE_RECORDS])
    return ring.next.load("acquire") - number < TRACE_RECORDS


def read_times(ring: ptr[TraceRing], index: u64, record: ptr[TraceRecord]) -> None:
    """Tells one count of times as a record."""
    is_of_calls = index // TRACE_BUCKETS == TraceTimes.CALLS
    record.event = TraceEvent.CALL if is_of_calls else TraceEvent.INTERRUPT
    record.number = u32(index % TRACE_BUCKETS)
    record.value = ring.times[index].load("relaxed")


@export("trace_system_call")
def trace_system_call(number: u64, first: u64) -> None:
    """Called by the traced door."""
    if is_on:
        record(TraceEvent.CALL, u32(number), first)
        ring = ring_of(cpu.index)
        if ring is not None:
            ring.caller = u64(cpu.frame)
            ring.call_ns = clock.now_ns()


def _tell_all() -> None:
    for index in range(cpu.known_cpus):
        if index == cpu.index:
            _choose_door()
        elif cpu.bases[index] != 0:
            mailbox.post(index, Request.TRACE)


def _choose_door() -> None:
    ring = ring_of(cpu.index)
    if ring is not None:
        ring.caller = 0                 # the other end of a call that is under way is not seen
    write_msr(MSR_LSTAR, u64(traced_door) if is_on else u64(system_call_door))
