"""The console taken by a program that shows nothing, or not all: what it has not shown the kernel shows, in order.

The host reads the serial line. With `test.poweroff` the machine ends by that, else by the end of this program; either
way lines are left that nobody has shown.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, ptr, u64
from kernel.abi.bootinfo import INSPECT, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.log import LogRecord
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.abi.system import KernelState
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.lib.start_info import has_argument
from userspace.lib.syscall import close, debug_log, invoke, yield_now

_CASES = const(5)
_BITS = const(6)
_POWER_OFF: str = "test.poweroff"
_FLOOD = const(100)                     # lines, several times as many as the kernel keeps

_notification: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    global _notification
    plan(_CASES)
    _, _notification = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _read_a_line()
    _take_it_twice()
    _let_go()
    if not has_argument(_POWER_OFF):
        _show_nothing()
    begin("bits")
    status, _ = invoke(SYSTEM, Method.SYSTEM_TAKE_CONSOLE, ROOT_ACCOUNT, _notification, 0)
    check_equal(u64(status), Status.BAD_ARGUMENT, "taking without a bit")
    _ = _take()
    if has_argument(_POWER_OFF):
        _ = debug_log("left: by power off")
        _, _ = invoke(SYSTEM, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.SHUTTING_DOWN)
        _, _ = invoke(SYSTEM, Method.SYSTEM_POWER_OFF)
    end()


def _read_a_line() -> None:
    begin("reading")
    console = _take()
    _ = debug_log("read: by the program")
    status: Status = Status.WOULD_BLOCK
    while status == Status.WOULD_BLOCK:
        yield_now()
        status, bits = invoke(_notification, Method.NOTIFICATION_TAKE)
        check(status == Status.WOULD_BLOCK or bits == _BITS, "the bits that tell of a line")
    record = LogRecord()
    check_equal(_read(console, addr(record)), Status.OK, "a line")
    check_equal(u64(record.length), 20, "its length")
    check_equal(u64(record.text[0]), u64(b"r"[0]), "its first letter")
    check_equal(_read(console, addr(record)), Status.WOULD_BLOCK, "a line behind the last")
    _give_up(console, 0)


def _take_it_twice() -> None:
    begin("taking_twice")
    first = _take()
    second = _take()
    record = LogRecord()
    check_equal(_read(first, addr(record)), Status.DESTROYED, "the one that has it no more")
    check_equal(_read(second, addr(record)), Status.WOULD_BLOCK, "the one that has it")
    _give_up(first, 1)
    _ = debug_log("twice: the first has gone")
    check_equal(_read(second, addr(record)), Status.OK, "the line that it has still to show")
    _give_up(second, 0)


def _let_go() -> None:
    """What was read last counts as not shown."""
    begin("letting_go")
    console = _take()
    _ = debug_log("let go: read")
    _ = debug_log("let go: not read")
    record = LogRecord()
    check_equal(_read(console, addr(record)), Status.OK, "a line")
    _give_up(console, 0)


def _show_nothing() -> None:
    """The kernel's patience ends."""
    begin("showing_nothing")
    console = _take()
    for _ in range(_FLOOD):
        check_equal(u64(debug_log("flood")), Status.OK, "a line of a flood")
    _give_up(console, 0)


def _take() -> u64:
    status, console = invoke(SYSTEM, Method.SYSTEM_TAKE_CONSOLE, ROOT_ACCOUNT, _notification, _BITS)
    check_equal(u64(status), Status.OK, "taking of the console")
    return console


def _give_up(console: u64, left: u64) -> None:
    """Returns when the kernel knows it, and `left` other Consoles are there."""
    _ = close(console)
    count = left + 1
    while count != left:
        yield_now()
        _, count = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.CONSOLE)


def _read(console: u64, record: ptr[LogRecord]) -> u64:
    status, _ = invoke(console, Method.CONSOLE_READ_LINE, u64(record))
    return u64(status)
