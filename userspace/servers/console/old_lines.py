"""What the screen showed before: the newest lines of the log, which the kernel keeps."""
from compiler.prelude import addr, array, const, ptr, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.log import LOG_RECORDS, Level, LogRecord
from kernel.abi.methods import Method
from kernel.core import screen
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_MOST_CPUS = const(16)                  # whose lines are looked at
_NO_LINE = const(0xFFFF_FFFF_FFFF_FFFF)

_next: array[u64, _MOST_CPUS] = zeroed()
_ends: array[u64, _MOST_CPUS] = zeroed()


def note_old_lines() -> None:
    """Those that there are now."""
    record: LogRecord = zeroed()
    for cpu in range(u64(_MOST_CPUS)):
        _, _ends[cpu] = _read(cpu, _NO_LINE, addr(record))
        _next[cpu] = _ends[cpu] - min(_ends[cpu], u64(LOG_RECORDS))


def draw_old_lines() -> None:
    """On the screen alone, in their order."""
    record: LogRecord = zeroed()
    while True:
        oldest: u64 = _MOST_CPUS
        oldest_ns: u64 = 0
        for cpu in range(u64(_MOST_CPUS)):
            if _find(cpu, addr(record)) and (oldest == _MOST_CPUS or record.time_ns < oldest_ns):
                oldest = cpu
                oldest_ns = record.time_ns
        if oldest == _MOST_CPUS:
            return
        if _find(oldest, addr(record)):
            screen.write_line(record.level, record.text[0 : record.length])
            _next[oldest] += 1


def _find(cpu: u64, record: ptr[LogRecord]) -> bool:
    """The next line of a CPU, if it is still there."""
    while _next[cpu] < _ends[cpu]:
        status, _ = _read(cpu, _next[cpu], record)
        if status == Status.OK and record.level != Level.DEBUG:
            return True
        _next[cpu] += 1
    return False


def _read(cpu: u64, number: u64, record: ptr[LogRecord]) -> tuple[Status, u64]:
    return invoke(start_info().system, Method.SYSTEM_READ_LOG, cpu, number, u64(record))
