"""System calls by number.

The door (arch/x86_64/entry.py) passes the first five arguments as they came and the number in place of the sixth; what
is returned goes to the user as it is, in rax and rdx.
"""
from compiler.prelude import addr, export, noinline, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ExitCause
from kernel.abi.syscall import Call, Exit
from kernel.core import schedule
from kernel.core.thread_block import current_thread
from kernel.entry.debug_log import debug_log
from kernel.entry.invoke import invoke_from_user
from kernel.objects.handles import close_handle
from kernel.objects.process import end_current
from kernel.objects.thread import kill_thread
from kernel.objects.upcall import return_from_upcall
from kernel.submit.cancel import cancel
from kernel.submit.enter import ring_enter


@export("system_call")
def system_call(first: u64, second: u64, third: u64, fourth: u64, fifth: u64, number: u64) -> tuple[u64, u64]:
    """Every call is a function of its own, so that none pays for the registers that another needs."""
    match number:
        case Call.RING_ENTER:
            return _enter_ring(first, second, third)
        case Call.EXIT:
            return _exit(first, second)
        case Call.DEBUG_LOG:
            return _log(first, second)
        case Call.INVOKE:
            return invoke_from_user(first, second, third, fourth, fifth)
        case Call.HANDLE_CLOSE:
            return _close(first)
        case Call.YIELD:
            return _yield_now()
        case Call.RING_CANCEL:
            ring = current_thread().ring
            if ring is None:
                return u64(Status.BAD_CALL), 0
            return u64(cancel(ring, first, second)), 0
        case Call.UPCALL_RETURN:
            return u64(return_from_upcall()), 0
        case _:
            return u64(Status.BAD_CALL), 0


@noinline
def _enter_ring(entries: u64, completions: u64, deadline_ns: u64) -> tuple[u64, u64]:
    ring = current_thread().ring
    if ring is None:
        return u64(Status.BAD_CALL), 0
    status, taken = ring_enter(ring, entries, completions, deadline_ns)
    return u64(status), taken


@noinline
def _exit(status: u64, what: u64) -> tuple[u64, u64]:
    if what == Exit.PROCESS:
        end_current(ExitCause.EXIT, status)
    if what != Exit.THREAD:
        return u64(Status.BAD_ARGUMENT), 0
    kill_thread(current_thread(), status)
    return u64(Status.OK), 0


@noinline
def _log(text: u64, length: u64) -> tuple[u64, u64]:
    return u64(debug_log(text, length)), 0


@noinline
def _close(handle: u64) -> tuple[u64, u64]:
    return u64(close_handle(current_thread().process, handle)), 0


@noinline
def _yield_now() -> tuple[u64, u64]:
    registers = addr(current_thread().registers)
    registers.rax = u64(Status.OK)
    registers.rdx = 0
    schedule.yield_now()
    return u64(Status.OK), 0
