"""Upcalls from the program's side: a handler that is run wherever the thread is, and masking.

The handler runs on a stack of its own and must not use what the interrupted code may be in the middle of changing,
unless that code masks upcalls around it. It reads completions until there are none.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, asm_x64, const, naked, ptr, u8, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_THREAD
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.syscall import Call
from kernel.abi.upcall import Reason
from userspace.lib.ring import Ring
from userspace.lib.syscall import invoke

_STACK_BYTES = const(16384)
_RETURN = const(Call.UPCALL_RETURN)

_stack: array[u8, _STACK_BYTES] = zeroed(align=16)


def _no_handler() -> None:
    pass


_handler: Callable[[], None] = _no_handler


def arm(
    ring: ptr[Ring], handler: Callable[[], None], thread: u64 = OWN_THREAD, reasons: u64 = Reason.COMPLETION
) -> Status:
    """From here on `handler` is called when a completion comes in. One ring of a program can have upcalls."""
    global _handler
    _handler = handler
    block = addr(ring.user_page.upcall)
    block.entry = u64(_entry)
    block.stack_top = u64(addr(_stack)) + _STACK_BYTES
    status, _ = invoke(thread, Method.THREAD_ARM_UPCALLS, reasons)
    return status


def mask(ring: ptr[Ring]) -> None:
    ring.user_page.upcall.disabled.store(1, "relaxed")


def unmask(ring: ptr[Ring], drain: Callable[[], None]) -> None:
    """Lets upcalls come again. What came meanwhile is told by `drain`; no system call is needed.

    `drain` runs masked: it is in the middle of the ring, where a handler must not be as well.
    """
    block = addr(ring.user_page.upcall)
    while True:
        block.disabled.store(0, "release")
        if block.pending.load("relaxed") == 0:
            break
        block.disabled.store(1, "relaxed")
        _ = block.pending.exchange(0, "acq_rel")
        drain()


def _run_handler() -> None:
    _handler()


@naked
@asm_x64
def _entry() -> None:
    call(_run_handler)
    mov(eax, _RETURN)
    syscall()
    ud2()
