"""System calls as functions: the instruction, and what the kernel's answers mean."""
from typing import NoReturn

from compiler.prelude import addr, asm_x64, u64, unreachable
from compiler.prelude.x64 import *
from kernel.abi.errors import Status
from kernel.abi.layout import USER_LOWEST
from kernel.abi.syscall import Call


def ring_enter(entries: u64, completions: u64, deadline_ns: u64) -> tuple[Status, u64]:
    """Hands over up to `entries` submissions and waits for `completions`. Returns how many entries were taken."""
    status, taken = _call(Call.RING_ENTER, entries, completions, deadline_ns)
    return Status(status), taken


def exit_process(status: u64) -> NoReturn:
    _, _ = _call(Call.EXIT, status, 0, 0)
    unreachable()


def debug_log(line: str) -> Status:
    text = line.encode()
    address = u64(addr(text[0])) if len(text) != 0 else u64(USER_LOWEST)
    status, _ = _call(Call.DEBUG_LOG, address, u64(len(text)), 0)
    return Status(status)


@asm_x64
def _call(number: u64, first: u64, second: u64, third: u64) -> tuple[u64, u64]:
    mov(rax, rdi)
    mov(rdi, rsi)
    mov(rsi, rdx)
    mov(rdx, rcx)
    syscall()
