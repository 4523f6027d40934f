"""System calls as functions: the instruction, and what the kernel's answers mean."""
from typing import NoReturn

from compiler.prelude import addr, asm_x64, const, u64, unreachable
from compiler.prelude.x64 import *
from kernel.abi.errors import Status
from kernel.abi.layout import USER_LOWEST
from kernel.abi.syscall import Call, Exit

_INVOKE = const(Call.INVOKE)


def ring_enter(entries: u64, completions: u64, deadline_ns: u64) -> tuple[Status, u64]:
    """Hands over up to `entries` submissions and waits for `completions`. Returns how many entries were taken."""
    status, taken = _call(Call.RING_ENTER, entries, completions, deadline_ns)
    return Status(status), taken


def ring_cancel(slot: u64, user_data: u64) -> Status:
    """Ends an operation of the thread's ring; its completion is there when this returns."""
    status, _ = _call(Call.RING_CANCEL, slot, user_data, 0)
    return Status(status)


def exit_process(status: u64) -> NoReturn:
    _, _ = _call(Call.EXIT, status, 0, 0)
    unreachable()


def exit_thread(status: u64) -> NoReturn:
    _, _ = _call(Call.EXIT, status, Exit.THREAD, 0)
    unreachable()


def yield_now() -> None:
    _, _ = _call(Call.YIELD, 0, 0, 0)


def debug_log(line: str) -> Status:
    text = line.encode()
    address = u64(addr(text[0])) if len(text) != 0 else u64(USER_LOWEST)
    return debug_log_bytes(address, u64(len(text)))


def debug_log_bytes(address: u64, length: u64) -> Status:
    """Waits while the log has no room, which the kernel bounds."""
    while True:
        status, _ = _call(Call.DEBUG_LOG, address, length, 0)
        if status != Status.BUSY:
            return Status(status)
        yield_now()


def invoke(
    handle: u64, method: u64, first: u64 = 0, second: u64 = 0, third: u64 = 0, fourth: u64 = 0
) -> tuple[Status, u64]:
    """One operation of abi/methods.py on a capability."""
    status, value = _invoke(handle, method, first, second, third, fourth)
    return Status(status), value


def close(handle: u64) -> Status:
    status, _ = _call(Call.HANDLE_CLOSE, handle, 0, 0)
    return Status(status)


@asm_x64
def _call(number: u64, first: u64, second: u64, third: u64) -> tuple[u64, u64]:
    mov(rax, rdi)
    mov(rdi, rsi)
    mov(rsi, rdx)
    mov(rdx, rcx)
    syscall()


@asm_x64
def _invoke(handle: u64, method: u64, first: u64, second: u64, third: u64, fourth: u64) -> tuple[u64, u64]:
    """The fourth and fifth argument of a function come in rcx and r8; a system call wants them in r10 and r8."""
    mov(r10, rcx)
    mov(eax, _INVOKE)
    syscall()
