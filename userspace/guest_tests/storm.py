"""Threads that enter and leave the kernel without pause until enough non-maskable interrupts have come, which somebody
outside sends (tests/guest/test_nmi.py): between a system call's first instruction and its swap of bases the base in
force is the user's, which here looks like the kernel's own.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import array, asm_x64, atomic, const, export, naked, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadState
from userspace.guest_tests.features import BASE_INSTRUCTIONS, set_gs_base, structured_features
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import await_state, expect, spawn
from userspace.lib.syscall import close, exit_thread, invoke

_CASES = const(1)
_THREADS = const(8)
_YIELD = const(Call.YIELD)
_KERNEL = const(0xFFFF_8000_0000_0000)
_PAGE = const(4096)
_CALLS = const(1_000)                   # between two looks at the number of interrupts

_changed: array[atomic[u64], _THREADS] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("system_calls")
    threads: array[u64, _THREADS] = zeroed()
    for index in range(u64(_THREADS)):
        threads[index] = spawn(index, _enter_and_leave)
    for index in range(u64(_THREADS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(_changed[index].load(), 0, "registers that a system call changed, of thread", index)
        expect(close(threads[index]), Status.OK, "close")
    end()


@naked
@asm_x64
def _call_many_times(count: u64, mark: u64) -> u64:
    """Yields; between calls every register but those of the call's results holds the mark. Returns how often one had
    changed."""
    push(rbx)
    push(rbp)
    push(r12)
    push(r13)
    push(r14)
    push(r15)
    xor(r15d, r15d)
    mov(r14, rdi)
    raw(".irp name, rbx, rbp, rdi, rsi, r8, r9, r10, r12, r13")
    raw("mov \\name, rsi")
    raw(".endr")
    label("again")
    mov(eax, _YIELD)
    syscall()
    raw(".irp name, rbx, rbp, rdi, r8, r9, r10, r12, r13")
    raw("cmp \\name, rsi")
    raw("setne al")
    raw("movzx eax, al")
    raw("add r15, rax")
    raw(".endr")
    dec(r14)
    jne("again")
    mov(rax, r15)
    pop(r15)
    pop(r14)
    pop(r13)
    pop(r12)
    pop(rbp)
    pop(rbx)
    ret()


def _enter_and_leave(index: u64) -> None:
    wanted = rounds(100, 2_000)
    if structured_features() & BASE_INSTRUCTIONS != 0:
        set_gs_base(u64(_KERNEL) + index * _PAGE)
    changed: u64 = 0
    while _interrupts() < wanted:
        changed += _call_many_times(_CALLS, 0x5A5A_0000_5A5A_0000 + index)
    _changed[index].store(changed)
    exit_thread(0)


def _interrupts() -> u64:
    """That have come, on all CPUs."""
    total: u64 = 0
    index: u64 = 0
    while True:
        status, count = invoke(INSPECT, Method.INSPECT_NMIS, index)
        if status != Status.OK:
            return total
        total += count
        index += 1
