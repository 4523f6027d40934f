"""The thread: its registers while it is not running, and what it belongs to.

A thread has no kernel stack. It is in user mode, or its CPU handles its entry on the CPU's own stack; what must be
known later is in this block. Immutable after creation, except for the registers.
Invariant I-CORE-1: the registers come first; cpu.frame of a CPU that runs the thread is the thread's address.
"""
from typing import NoReturn

from compiler.prelude import addr, offsetof, ptr, struct
from kernel.arch.x86_64 import cpu, gdt
from kernel.arch.x86_64.entry import resume_user
from kernel.arch.x86_64.frame import Registers
from kernel.arch.x86_64.registers import read_cr3, write_cr3
from kernel.complete.queue import Ring
from kernel.core.process_block import Process


@struct(align=64)
class Thread:
    registers: Registers
    process: ptr[Process]
    ring: ptr[Ring]


assert offsetof(Thread, "registers") == 0


def current_thread() -> ptr[Thread]:
    """The thread whose entry this CPU handles. Requires: there is one."""
    frame = cpu.frame
    assert frame is not None, "this CPU runs no thread"
    return ptr[Thread](frame)


def run(thread: ptr[Thread]) -> NoReturn:
    """Makes `thread` this CPU's current one and goes to user mode. Requires: no other CPU runs it."""
    gdt.set_frame(addr(thread.registers))
    if read_cr3() != thread.process.page_tables:
        write_cr3(thread.process.page_tables)
    resume_user()
