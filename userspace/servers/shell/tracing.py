"""The trace command: what each CPU did, one line for each record, as tools/trace.py reads them, and how long."""
from compiler.prelude import addr, const, ptr, span, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.trace import TRACE_BUCKETS, TRACE_TIME_KINDS, TRACE_TIMES, TraceEvent, TraceRecord
from userspace.lib.console import write_line
from userspace.lib.start_info import is_same, start_info
from userspace.lib.syscall import invoke

_NEWEST = const(32)                     # records of each CPU that are shown


def trace(word: span[u8]) -> bool:
    """Turns the trace on or off, or shows the end of it. Returns False for a word that is neither."""
    system = start_info().system
    if len(word) == 0:
        _show()
        return True
    is_on = is_same(word, b"on")
    if not is_on and not is_same(word, b"off"):
        return False
    status, _ = invoke(system, Method.SYSTEM_TRACE, u64(is_on))
    if status != Status.OK:
        write_line("there is no memory for the trace")
    return True


def _show() -> None:
    cpu: u64 = 0
    record: TraceRecord = zeroed()
    while True:
        status, following = _read(cpu, 0, addr(record))
        if status == Status.BAD_ARGUMENT:
            return
        for number in range(following - min(following, u64(_NEWEST)), following):
            status, _ = _read(cpu, number, addr(record))
            if status == Status.OK and record.event != TraceEvent.NOTHING:
                write_line(
                    f"trace: cpu={cpu} time={record.time_ns} thread={record.thread} event={record.event} "
                    f"number={record.number} value={record.value}"
                )
        _show_times(cpu)
        cpu += 1


def _show_times(cpu: u64) -> None:
    record: TraceRecord = zeroed()
    for index in range(u64(TRACE_TIME_KINDS * TRACE_BUCKETS)):
        _, _ = _read(cpu, TRACE_TIMES + index, addr(record))
        if record.value != 0:
            what = "calls" if record.event == TraceEvent.CALL else "interrupts"
            write_line(f"times: cpu={cpu} {what} below {u64(2) << u64(record.number)} ns: {record.value}")


def _read(cpu: u64, number: u64, record: ptr[TraceRecord]) -> tuple[Status, u64]:
    return invoke(start_info().system, Method.SYSTEM_READ_TRACE, cpu, number, u64(record))
