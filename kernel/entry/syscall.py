"""System calls by number.

The door (arch/x86_64/entry.py) passes the first five arguments as they came and the number in place of the sixth; what
is returned goes to the user as it is, in rax and rdx.
"""
from compiler.prelude import addr, asm_x64, const, export, naked, noinline, u64
from compiler.prelude.x64 import *
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause
from kernel.abi.syscall import Call, Exit
from kernel.core import schedule
from kernel.core.thread_block import current_thread
from kernel.entry.debug_log import debug_log
from kernel.objects.handles import close_handle
from kernel.objects.process import end_current
from kernel.objects.thread import exit_thread
from kernel.objects.upcall import return_from_upcall
from kernel.submit.cancel import cancel
from kernel.submit.enter import ring_enter

_INVOKE = const(Call.INVOKE)
_MINT = const(Method.MINT)
_HANDLE_CLOSE = const(Call.HANDLE_CLOSE)
assert Call.RING_ENTER == 0


@export("system_call")
@naked
@asm_x64
def system_call() -> None:
    """Comparisons before a jump through a table: what programs call most is found first, and none pays for the
    registers that another call needs. The number is in r9."""
    cmp(r9, _INVOKE)
    raw("jne is_not_invoke")
    cmp(rsi, _MINT)
    raw("jne invoke_from_user")
    raw("jmp mint_from_user")
    raw("is_not_invoke:")
    test(r9, r9)
    raw("je {_enter_ring}")
    cmp(r9, _HANDLE_CLOSE)
    raw("je {_close}")
    raw("jmp {_call_by_number}")


def _call_by_number(first: u64, second: u64, third: u64, fourth: u64, fifth: u64, number: u64) -> tuple[u64, u64]:
    match number:
        case Call.EXIT:
            return _exit(first, second)
        case Call.DEBUG_LOG:
            return _log(first, second)
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
    exit_thread(status)


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
