"""Every allocation of every operation made to fail: a clean error, and nothing changed or lost."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, u64, zeroed
from kernel.abi.bootinfo import INSPECT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from userspace.guest_tests.calls import (
    Call,
    each_method,
    good_call,
    grow_table,
    invoke_call,
    is_harmless,
    makes_handle,
    snapshot,
    wait_for,
    walk,
)
from userspace.guest_tests.report import begin, check, check_numbered, end, plan
from userspace.lib.syscall import close, invoke

_CASES = const(2)
_MOST_ALLOCATIONS = const(100)          # of one operation
_FEWEST_FAILURES = const(10)            # of all operations together: else the hook does nothing
_SLOTS_PER_PAGE = const(64)
_HANDLES = const(400)

_failures: u64 = 0
_handles: array[u64, _HANDLES] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    grow_table()
    begin("each_operation")
    each_method(_fail_each_allocation)
    check(_failures >= _FEWEST_FAILURES, "an allocation that failed")
    begin("table_growth")
    _table_growth()
    end()


def _fail_each_allocation(method: u64) -> None:
    """The n-th allocation fails, for n from 1 on until the operation has no n-th."""
    if not is_harmless(method):
        return
    call = good_call(method)
    for countdown in range(u64(1), u64(_MOST_ALLOCATIONS)):
        before = snapshot()
        _fail(countdown)
        status, value = invoke_call(addr(call))
        _fail(0)
        if status != Status.NO_MEMORY:
            if status == Status.OK and makes_handle(method):
                _ = close(value)
            return
        _note_failure()
        wait_for(before)
        check_numbered(snapshot(), before, "the kernel's counts after a failed allocation", method)
        walk(method)
    check_numbered(0, 1, "an operation that never stops allocating", method)


def _table_growth() -> None:
    """A table that is full takes a page for the next handle."""
    call = Call(handle=INSPECT, method=u64(Method.COPY))
    grown = _failures
    for index in range(u64(_HANDLES)):
        _fail(1)
        status, value = invoke_call(addr(call))
        _fail(0)
        if status == Status.NO_MEMORY:
            _note_failure()
            walk(index)
            status, value = invoke_call(addr(call))
        check_numbered(u64(status), Status.OK, "copy", index)
        _handles[index] = value
    check(_failures - grown >= (_HANDLES - 200) // _SLOTS_PER_PAGE, "growth of the table that failed")
    for handle in _handles:
        check_numbered(u64(close(handle)), Status.OK, "close", 0)
    walk(0)


def _note_failure() -> None:
    global _failures
    _failures += 1


def _fail(countdown: u64) -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_FAIL_ALLOCATION, countdown)
    check_numbered(u64(status), Status.OK, "the test hook", 0)
