"""Child processes that run this very program: its pages are copied, and a thread begins at one of its functions.

A child has no handles. Its functions may touch memory, and end it with exit_process().
"""
from collections.abc import Callable

from compiler.prelude import addr, const, memory_copy, ptr, u8, u64
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from userspace.guest_tests.memory_tools import ACCESS, expect, make_at, state_of
from userspace.guest_tests.patience import patience
from userspace.lib.memory import PAGE, map_memory, seal, unmap
from userspace.lib.syscall import close, invoke, yield_now

_SCRATCH = const(0x18_0000_0000)
_FIRST = const(0x40_0000)               # programs are linked from here on
_LAST = const(0x80_0000)


def make_child(function: Callable[[u64], None], argument: u64, stack_end: u64) -> tuple[u64, u64]:
    """A process and its only thread, not started. The stack is memory of the program's own."""
    name = b"child"
    status, process = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    expect(status, Status.OK, "creation of a process")
    _copy_pages(process)
    # As after a call: functions expect a return address there.
    status, thread = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, process, u64(function), stack_end - 8, argument
    )
    expect(status, Status.OK, "creation of a thread")
    return process, thread


def await_end(process: u64) -> tuple[u64, u64]:
    """Why a process ended, and with which status."""
    for _ in patience():
        status, cause = invoke(process, Method.PROCESS_EXIT_CAUSE)
        if status == Status.OK:
            status, value = invoke(process, Method.PROCESS_EXIT_STATUS)
            expect(status, Status.OK, "exit status")
            return cause, value
        yield_now()
    expect(Status.TIMEOUT, Status.OK, "the end of a process")
    return 0, 0


def _copy_pages(process: u64) -> None:
    at: u64 = _FIRST
    while at < _LAST:
        access = state_of(at) & ACCESS
        end = at + PAGE
        while access != 0 and end < _LAST and state_of(end) & ACCESS == access:
            end += PAGE
        if access != 0:
            _copy_range(process, at, end - at, access)
        at = end


def _copy_range(process: u64, start: u64, length: u64, access: u64) -> None:
    memory = make_at(_SCRATCH, length)
    memory_copy(ptr[u8](_SCRATCH), ptr[u8](start), length)
    expect(unmap(OWN_PROCESS, _SCRATCH, length), Status.OK, "unmap")
    if access & WRITE == 0:
        expect(seal(memory), Status.OK, "seal")
    expect(map_memory(memory, process, start | access | READ, 0, length), Status.OK, "map into the child")
    expect(close(memory), Status.OK, "close")
