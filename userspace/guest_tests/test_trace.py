"""Tracing from outside: off, on, read, overwritten, off again. Some records are printed for tools/trace.py."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, u64, zeroed
from kernel.abi.bootinfo import ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.interrupt import Source
from kernel.abi.methods import Method
from kernel.abi.syscall import Call
from kernel.abi.trace import (
    TRACE_BUCKETS,
    TRACE_RECORDS,
    TRACE_TIME_KINDS,
    TRACE_TIMES,
    TraceEvent,
    TraceRecord,
    TraceTimes,
)
from userspace.guest_tests.report import Text, begin, check, check_equal, end, plan
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(5)
_CPUS = const(4)
_CALLS = const(20)
_PRINTED = const(12)
_LAST = const(0xFFFF_FFFF_FFFF)

_record: TraceRecord = zeroed()


@export("main")
def main(ring: u64) -> None:
    plan(_CASES)
    _off()
    _calls_are_recorded()
    _times_are_counted()
    _old_records_are_lost()
    _off_again()
    end()


def _read(cpu: u64, number: u64) -> tuple[Status, u64]:
    return invoke(SYSTEM, Method.SYSTEM_READ_TRACE, cpu, number, u64(addr(_record)))


def _turn(is_on: u64) -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_TRACE, is_on)
    check_equal(u64(status), Status.OK, "turned on or off")


def _off() -> None:
    begin("off")
    status, _ = _read(0, 0)
    check_equal(u64(status), Status.OK, "a look")
    check_equal(u64(_record.event), TraceEvent.NOTHING, "nothing was recorded")
    status, _ = invoke(SYSTEM, Method.SYSTEM_TRACE, 2)
    check_equal(u64(status), Status.BAD_ARGUMENT, "neither on nor off")


def _calls_are_recorded() -> None:
    begin("calls_are_recorded")
    _turn(1)
    for _ in range(_CALLS):
        _, _ = invoke(SYSTEM, Method.SYSTEM_STATE)
    _turn(0)
    calls: u64 = 0
    returns: u64 = 0
    for cpu in range(u64(_CPUS)):
        status, following = _read(cpu, _LAST)
        if status == Status.BAD_ARGUMENT:
            break
        time: u64 = 0
        for number in range(following):
            status, _ = _read(cpu, number)
            check_equal(u64(status), Status.OK, "a record")
            check(_record.time_ns >= time, "time does not go back")
            time = _record.time_ns
            is_call = _record.event == TraceEvent.CALL
            if is_call and _record.number == Call.INVOKE and _record.value == SYSTEM:
                calls += 1
            if _record.event == TraceEvent.RETURN and _record.value == Status.OK:
                returns += 1
            if number < _PRINTED:
                _print(cpu)
    check(calls >= _CALLS, "every call")
    check(returns >= _CALLS, "every return")


def _print(cpu: u64) -> None:
    line = Text()
    line.text("trace: cpu=")
    line.number(cpu)
    line.text(" time=")
    line.number(_record.time_ns)
    line.text(" thread=")
    line.number(_record.thread)
    line.text(" event=")
    line.number(u64(_record.event))
    line.text(" number=")
    line.number(u64(_record.number))
    line.text(" value=")
    line.number(_record.value)
    line.say()


def _times_are_counted() -> None:
    begin("times_are_counted")
    calls, _ = _times(TraceTimes.CALLS)
    interrupts, _ = _times(TraceTimes.INTERRUPTS)
    _turn(1)
    for _ in range(_CALLS):
        _, _ = invoke(SYSTEM, Method.SYSTEM_STATE)
    _interrupt(_CALLS)
    _turn(0)
    while _times(TraceTimes.INTERRUPTS)[0] - interrupts < _CALLS:
        yield_now()                     # what its driver has seen may not be over on the CPU that it came to
    _turn(1)
    _turn(0)
    most_ns = _newest_ns() * _CPUS
    more, least_ns = _times(TraceTimes.CALLS)
    check(more - calls >= 2 * _CALLS, "every call")
    check(least_ns != 0 and least_ns <= most_ns, "the time of calls")
    more, least_ns = _times(TraceTimes.INTERRUPTS)
    check(least_ns != 0 and least_ns <= most_ns, "the time of interrupts")
    _interrupt(1)
    after, _ = _times(TraceTimes.INTERRUPTS)
    check_equal(after, more, "nothing is counted any more")
    status, _ = _read(0, TRACE_TIMES + TRACE_TIME_KINDS * TRACE_BUCKETS)
    check_equal(u64(status), Status.BAD_ARGUMENT, "no such count")


def _newest_ns() -> u64:
    newest_ns: u64 = 0
    for cpu in range(u64(_CPUS)):
        status, following = _read(cpu, _LAST)
        if status == Status.OK and following != 0:
            _, _ = _read(cpu, following - 1)
            newest_ns = max(newest_ns, _record.time_ns)
    return newest_ns


def _times(kind: u64) -> tuple[u64, u64]:
    """How many calls or interrupts have been counted on all CPUs, and nanoseconds that they took at least."""
    total: u64 = 0
    least_ns: u64 = 0
    event: u64 = TraceEvent.CALL if kind == TraceTimes.CALLS else TraceEvent.INTERRUPT
    for cpu in range(u64(_CPUS)):
        for bucket in range(u64(TRACE_BUCKETS)):
            status, _ = _read(cpu, TRACE_TIMES + kind * TRACE_BUCKETS + bucket)
            if status == Status.OK:
                check(u64(_record.event) == event and u64(_record.number) == bucket, "what is counted")
                total += _record.value
                least_ns += _record.value << bucket if bucket != 0 else u64(0)
    return total, least_ns


def _interrupt(times: u64) -> None:
    """Imitates a device's message so often."""
    status, interrupt = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, 0, Source.MESSAGE)
    check_equal(u64(status), Status.OK, "an interrupt")
    for number in range(times):
        _, _ = invoke(interrupt, Method.INTERRUPT_IMITATE)
        while invoke(interrupt, Method.INTERRUPT_COUNT)[1] == number:
            yield_now()
    check_equal(u64(close(interrupt)), Status.OK, "close")


def _old_records_are_lost() -> None:
    begin("old_records_are_lost")
    _turn(1)
    for _ in range(u64(TRACE_RECORDS * _CPUS)):
        _, _ = invoke(SYSTEM, Method.SYSTEM_STATE)
    _turn(0)
    is_lost = False
    for cpu in range(u64(_CPUS)):
        status, following = _read(cpu, 0)
        if status == Status.NO_SUCH:
            is_lost = True
            newest, _ = _read(cpu, following - 1)
            check_equal(u64(newest), Status.OK, "the newest ones are there")
    check(is_lost, "the oldest ones are gone")


def _off_again() -> None:
    begin("off_again")
    before: array[u64, _CPUS] = zeroed()
    for cpu in range(u64(_CPUS)):
        _, before[cpu] = _read(cpu, _LAST)
    for cpu in range(u64(_CPUS)):
        _, following = _read(cpu, _LAST)
        check_equal(following, before[cpu], "nothing is recorded any more")
    status, _ = _read(255, 0)
    check_equal(u64(status), Status.BAD_ARGUMENT, "no such CPU")
