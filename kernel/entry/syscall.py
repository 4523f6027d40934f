"""System calls by number.

The door (arch/x86_64/entry.py) passes the first five arguments as they came and the number in place of the sixth; what
is returned goes to the user as it is, in rax and rdx.
"""
from compiler.prelude import addr, array, export, u64
from kernel.abi.errors import Status
from kernel.abi.methods import MAX_ARGUMENTS
from kernel.abi.objects import ExitCause
from kernel.abi.syscall import Call, Exit
from kernel.core import schedule
from kernel.core.thread_block import current_thread
from kernel.entry.debug_log import debug_log
from kernel.entry.invoke import invoke
from kernel.objects.handles import close_handle
from kernel.objects.process import end_current
from kernel.objects.thread import kill_thread
from kernel.objects.upcall import return_from_upcall
from kernel.submit.cancel import cancel
from kernel.submit.enter import ring_enter


@export("system_call")
def system_call(first: u64, second: u64, third: u64, fourth: u64, fifth: u64, number: u64) -> tuple[u64, u64]:
    match number:
        case Call.RING_ENTER:
            ring = current_thread().ring
            if ring is None:
                return u64(Status.BAD_CALL), 0
            status, taken = ring_enter(ring, first, second, third)
            return u64(status), taken
        case Call.EXIT:
            if second == Exit.PROCESS:
                end_current(ExitCause.EXIT, first)
            if second != Exit.THREAD:
                return u64(Status.BAD_ARGUMENT), 0
            kill_thread(current_thread(), first)
            return u64(Status.OK), 0
        case Call.DEBUG_LOG:
            return u64(debug_log(first, second)), 0
        case Call.INVOKE:
            thread = current_thread()
            arguments: array[u64, MAX_ARGUMENTS] = array(third, fourth, fifth, thread.registers.r9)
            status, value = invoke(thread.process, first, second, addr(arguments[0]))
            return u64(status), value
        case Call.HANDLE_CLOSE:
            return u64(close_handle(current_thread().process, first)), 0
        case Call.YIELD:
            registers = addr(current_thread().registers)
            registers.rax = u64(Status.OK)
            registers.rdx = 0
            schedule.yield_now()
            return u64(Status.OK), 0
        case Call.RING_CANCEL:
            ring = current_thread().ring
            if ring is None:
                return u64(Status.BAD_CALL), 0
            return u64(cancel(ring, first, second)), 0
        case Call.UPCALL_RETURN:
            return u64(return_from_upcall()), 0
        case _:
            return u64(Status.BAD_CALL), 0

