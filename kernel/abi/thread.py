"""Threads as their makers see them: states, registers, conditions of starting.

A thread starts at its entry with its stack pointer and rdi as given, and every other register zero.
"""
from enum import IntEnum

from compiler.prelude import const, sizeof, struct, u64

PRIORITIES = const(64)                  # 63 is the highest
DEFAULT_PRIORITY = const(32)


class SchedulingClass(IntEnum):
    """How the CPUs of a set choose among the threads that are ready."""
    PRIORITY = 0            # the highest priority first; equals take turns
    ROUND_ROBIN = 1         # all take turns, whatever their priority


class ThreadState(IntEnum):
    NEW = 0                 # not started
    RUNNABLE = 1            # runs, or will when its turn comes
    WAITING = 2
    STOPPED = 3             # suspended, frozen or throttled, and off its CPU
    ENDED = 4


@struct
class ThreadRegisters:
    """What THREAD_READ_REGISTERS gives and THREAD_WRITE_REGISTERS takes, in this order."""
    rax: u64
    rbx: u64
    rcx: u64
    rdx: u64
    rsi: u64
    rdi: u64
    rbp: u64
    rsp: u64
    r8: u64
    r9: u64
    r10: u64
    r11: u64
    r12: u64
    r13: u64
    r14: u64
    r15: u64
    rip: u64
    rflags: u64             # written: only the flags that a program could set itself
    fs_base: u64
    gs_base: u64


assert sizeof(ThreadRegisters) == 160
