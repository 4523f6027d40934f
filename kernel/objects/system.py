"""The System object: what is done to the whole machine. There is one, part of the kernel.

Locks: _switching (Rank.CPUS) lets one CPU at a time be switched on or off.
"""
from compiler.prelude import (
    addr,
    const,
    count_zeros_right,
    noinline,
    option,
    panic,
    ptr,
    sizeof,
    u8,
    u32,
    u64,
)
from kernel.abi.errors import Status
from kernel.abi.log import Level, LogRecord
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.abi.system import KERNEL_STATES, KernelState
from kernel.abi.thread import SchedulingClass
from kernel.abi.trace import TRACE_BUCKETS, TRACE_TIME_KINDS, TRACE_TIMES, TraceRecord
from kernel.arch.x86_64 import clock, cpu
from kernel.arch.x86_64.registers import read_time_stamp
from kernel.caps.object import Object
from kernel.core import destruction, log, log_lines, log_ring, machine_end, state, thread_changes, trace
from kernel.core.log_ring import LogRing
from kernel.core.online import ONLINE_WORDS, has_started, started
from kernel.memory import fail_nth
from kernel.memory.usercopy import copy_to_user
from kernel.objects import console, device, interrupt_line, ioports, walker
from kernel.objects.interrupt import create_interrupt
from kernel.objects.invocation import Invocation
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_CAN_WALK = const(option("DEBUG", False))

_switching: SpinLock = SpinLock(rank=Rank.CPUS)
system: Object = Object(references=1, kind=u32(ObjectKind.SYSTEM))


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    match call.method:
        case Method.SYSTEM_WALK_OBJECTS:
            if not _CAN_WALK:
                return Status.BAD_OPERATION, 0
            if not destruction.is_idle():
                return Status.BUSY, 0
            return Status.OK, walker.walk()
        case Method.SYSTEM_STATE:
            return Status.OK, u64(state.current())
        case Method.SYSTEM_CHANGE_STATE:
            return _change_state(call.arguments[0], call.arguments[1]), 0
        case Method.SYSTEM_STATE_TIME:
            return _state_time(call.arguments[0])
        case Method.SYSTEM_POWER_OFF:
            return _power_off(), 0
        case Method.SYSTEM_RESTART:
            if state.current() != KernelState.SHUTTING_DOWN:
                return Status.BUSY, 0
            machine_end.restart()
        case Method.SYSTEM_SHOW_LOG_LEVEL:
            if call.arguments[0] > Level.DEBUG:
                return Status.BAD_ARGUMENT, 0
            log.show_level(u32(call.arguments[0]))
            return Status.OK, 0
        case Method.SYSTEM_TRACE:
            return _trace(call.arguments[0]), 0
        case Method.SYSTEM_READ_TRACE:
            return _read_trace(call.arguments[0], call.arguments[1], call.arguments[2])
        case Method.SYSTEM_SWITCH_CPU:
            return _switch_cpu(call.arguments[0], call.arguments[1]), 0
        case Method.SYSTEM_SET_CLASS:
            return _set_class(call.arguments[0], call.arguments[1], call.arguments[2]), 0
        case Method.SYSTEM_CREATE_INTERRUPT:
            return create_interrupt(call)
        case Method.SYSTEM_READ_LOG:
            return _read_log(call.arguments[0], call.arguments[1], call.arguments[2])
        case Method.SYSTEM_TAKE_CONSOLE:
            return console.create_console(call)
        case Method.SYSTEM_CREATE_IO_PORTS:
            return ioports.create_io_ports(call)
        case Method.SYSTEM_CREATE_DEVICE_MEMORY:
            return device.create_device_memory(call)
        case _:
            if not fail_nth.CAN_FAIL:
                return Status.BAD_OPERATION, 0
            fail_nth.countdown.store(call.arguments[0], "relaxed")
            return Status.OK, 0


def _change_state(old: u64, new: u64) -> Status:
    """Whoever may change the state may have a panic, which does not come back."""
    if max(old, new) >= KERNEL_STATES or not state.is_edge(u32(old), u32(new)):
        return Status.BAD_ARGUMENT
    if new == KernelState.PANIC:
        if old != u64(state.current()):
            return Status.BUSY
        panic("a program that holds the machine asked for it")
    return Status.OK if state.change(u32(old), u32(new), read_time_stamp()) else Status.BUSY


def _state_time(which: u64) -> tuple[Status, u64]:
    """When the kernel last entered a state; WOULD_BLOCK when it never has."""
    if which >= KERNEL_STATES:
        return Status.BAD_ARGUMENT, 0
    entered = state.entered(u32(which))
    if entered == 0:
        return Status.WOULD_BLOCK, 0
    return Status.OK, clock.ns_at(entered)


def _power_off() -> Status:
    if state.current() != KernelState.SHUTTING_DOWN:
        return Status.BUSY
    machine_end.power_off()
    return Status.BAD_OPERATION


def _read_log(index: u64, number: u64, destination: u64) -> tuple[Status, u64]:
    """One line of a CPU's ring. The value is the number of the CPU's next line, also when this one is lost."""
    if index >= u64(cpu.known_cpus) or log_lines.rings[index] == 0:
        return Status.BAD_ARGUMENT, 0
    ring = ptr[LogRing](log_lines.rings[index])
    following = ring.next.load("acquire")
    if number >= following:
        return Status.WOULD_BLOCK, following
    record = LogRecord()
    if not log_ring.get(ring, number, addr(record)):
        return Status.NO_SUCH, following
    record.level &= log_lines.LEVEL_BITS
    if not copy_to_user(destination, ptr[u8](addr(record)), sizeof(LogRecord)):
        return Status.BAD_ADDRESS, following
    return Status.OK, following


def _trace(is_on: u64) -> Status:
    if is_on > 1:
        return Status.BAD_ARGUMENT
    if is_on == 0:
        trace.turn_off()
        return Status.OK
    return Status.OK if trace.turn_on() else Status.NO_MEMORY


def _read_trace(index: u64, number: u64, destination: u64) -> tuple[Status, u64]:
    """One record, or count of times; its event is NOTHING when it is not there yet. The value is the number of the
    CPU's next record.

    Errors: BAD_ARGUMENT, BAD_ADDRESS, NO_SUCH when the record has been overwritten.
    """
    if index >= u64(cpu.known_cpus):
        return Status.BAD_ARGUMENT, 0
    if number >= TRACE_TIMES + TRACE_TIME_KINDS * TRACE_BUCKETS:
        return Status.BAD_ARGUMENT, 0
    ring = trace.ring_of(u32(index))
    following = ring.next.load("acquire") if ring is not None else u64(0)
    record = TraceRecord()
    if ring is not None and number >= TRACE_TIMES:
        trace.read_times(ring, number - TRACE_TIMES, addr(record))
    elif ring is not None and number < following and not trace.read(ring, number, addr(record)):
        return Status.NO_SUCH, following
    if not copy_to_user(destination, ptr[u8](addr(record)), sizeof(TraceRecord)):
        return Status.BAD_ADDRESS, following
    return Status.OK, following


def _switch_cpu(index: u64, is_on: u64) -> Status:
    """Takes a CPU off line or brings it back."""
    if index >= u64(cpu.known_cpus) or not has_started(u32(index)) or is_on > 1:
        return Status.BAD_ARGUMENT
    with _switching:
        if is_on != 0:
            thread_changes.bring_online(u32(index))
            interrupt_line.return_to_cpu(u32(index))
            return Status.OK
        if not thread_changes.take_offline(u32(index)):
            return Status.BUSY
        interrupt_line.leave_cpu(u32(index))
    return Status.OK


def _set_class(group: u64, mask: u64, scheduling: u64) -> Status:
    if group >= ONLINE_WORDS or mask & ~started[group].load("acquire") != 0 or scheduling > SchedulingClass.ROUND_ROBIN:
        return Status.BAD_ARGUMENT
    left = mask
    while left != 0:
        thread_changes.set_class(u32(group) * 64 + u32(count_zeros_right(left)), SchedulingClass(scheduling))
        left &= left - 1
    return Status.OK
