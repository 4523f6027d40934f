"""The System object from outside: the kernel's state, and its log."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, export, ptr, u64
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.log import LOG_RECORDS, Level, LogRecord
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.system import KERNEL_STATES, KernelState
from userspace.guest_tests import report
from userspace.lib.syscall import debug_log, invoke


@export("main")
def main(ring: u64) -> None:
    report.plan(5)
    _states_and_times()
    _refused_changes()
    _rights()
    _log()
    _shutting_down()
    report.end()


def _states_and_times() -> None:
    report.begin("states_and_times")
    status, state = invoke(SYSTEM, Method.SYSTEM_STATE)
    report.check_equal(u64(status), Status.OK, "status")
    report.check_equal(state, KernelState.RUNNING, "state")
    _, initializing = invoke(SYSTEM, Method.SYSTEM_STATE_TIME, KernelState.INITIALIZING)
    _, running = invoke(SYSTEM, Method.SYSTEM_STATE_TIME, KernelState.RUNNING)
    report.check(0 < initializing < running, "the phases begin in order")
    never, _ = invoke(SYSTEM, Method.SYSTEM_STATE_TIME, KernelState.SUSPENDED)
    report.check_equal(u64(never), Status.WOULD_BLOCK, "a state that never was")
    bad, _ = invoke(SYSTEM, Method.SYSTEM_STATE_TIME, KERNEL_STATES)
    report.check_equal(u64(bad), Status.BAD_ARGUMENT, "no such state")


def _refused_changes() -> None:
    report.begin("refused_changes")
    for old in range(u64(KERNEL_STATES + 1)):
        for new in range(u64(KERNEL_STATES + 1)):
            if old == KernelState.RUNNING and (new == KernelState.SHUTTING_DOWN or new >= KernelState.PANIC):
                continue
            status, _ = invoke(SYSTEM, Method.SYSTEM_CHANGE_STATE, old, new)
            report.check(status == Status.BAD_ARGUMENT or status == Status.BUSY, "an edge that is none now")
    _, state = invoke(SYSTEM, Method.SYSTEM_STATE)
    report.check_equal(state, KernelState.RUNNING, "state afterwards")
    off, _ = invoke(SYSTEM, Method.SYSTEM_POWER_OFF)
    report.check_equal(u64(off), Status.BUSY, "power off while programs run")
    again, _ = invoke(SYSTEM, Method.SYSTEM_RESTART)
    report.check_equal(u64(again), Status.BUSY, "a restart while programs run")


def _rights() -> None:
    report.begin("rights")
    _, looker = invoke(SYSTEM, Method.COPY, Right.INSPECT)
    status, _ = invoke(looker, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.SHUTTING_DOWN)
    report.check_equal(u64(status), Status.NO_RIGHT, "a change without the right")
    status, _ = invoke(looker, Method.SYSTEM_SHOW_LOG_LEVEL, Level.ERROR)
    report.check_equal(u64(status), Status.NO_RIGHT, "a log level without the right")
    status, _ = invoke(looker, Method.SYSTEM_STATE)
    report.check_equal(u64(status), Status.OK, "a look")
    status, _ = invoke(SYSTEM, Method.SYSTEM_SHOW_LOG_LEVEL, Level.DEBUG + 1)
    report.check_equal(u64(status), Status.BAD_ARGUMENT, "no such level")


def _log() -> None:
    report.begin("log")
    _ = debug_log("find me")
    report.check(_is_in_log("find me"), "a line that was just written is in the log")
    report.check(not _is_in_log("find me not"), "a line that was not written is not in the log")
    record = LogRecord()
    place = u64(addr(record))
    status, following = invoke(SYSTEM, Method.SYSTEM_READ_LOG, 0, 0xFFFF_FFFF, place)
    report.check_equal(u64(status), Status.WOULD_BLOCK, "a line that is not there yet")
    for number in range(u64(LOG_RECORDS + 1)):
        _ = debug_log("filler")
        _ = number
    status, _ = invoke(SYSTEM, Method.SYSTEM_READ_LOG, 255, 0, place)
    report.check_equal(u64(status), Status.BAD_ARGUMENT, "no such CPU")
    status, _ = invoke(SYSTEM, Method.SYSTEM_READ_LOG, 0, following - 1, 0)
    report.check(status == Status.BAD_ADDRESS or status == Status.NO_SUCH, "nowhere to put it")


def _is_in_log(text: str) -> bool:
    wanted = text.encode()
    for cpu in range(u64(4)):
        status, following = invoke(SYSTEM, Method.SYSTEM_READ_LOG, cpu, 0xFFFF_FFFF, 0)
        if status == Status.BAD_ARGUMENT:
            break
        for back in range(u64(1), min(following, LOG_RECORDS) + 1):
            record = LogRecord()
            status, _ = invoke(SYSTEM, Method.SYSTEM_READ_LOG, cpu, following - back, u64(addr(record)))
            if status == Status.OK and u64(record.length) == u64(len(wanted)) and _is_equal(addr(record), text):
                return True
    return False


def _is_equal(record: ptr[LogRecord], text: str) -> bool:
    wanted = text.encode()
    for index in range(len(wanted)):
        if record.text[index] != wanted[index]:
            return False
    return True


def _shutting_down() -> None:
    """Comes last: there is no way back."""
    report.begin("shutting_down")
    status, _ = invoke(SYSTEM, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.SHUTTING_DOWN)
    report.check_equal(u64(status), Status.OK, "the change")
    status, _ = invoke(SYSTEM, Method.SYSTEM_CHANGE_STATE, KernelState.RUNNING, KernelState.SUSPENDED)
    report.check_equal(u64(status), Status.BUSY, "another change from a state that is over")
    name = "late".encode()
    status, _ = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    report.check_equal(u64(status), Status.BUSY, "a new process")
