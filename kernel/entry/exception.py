"""Exceptions and interrupts: whose they are, and what follows.

An exception of a user program goes to its handler (fault.py). In the kernel only a fault inside a guarded copy is
allowed; any other is a bug and panics.
"""
from typing import NoReturn

from compiler.prelude import copy, export, ptr, u32, u64
from kernel.abi.trace import TraceEvent, TraceTimes
from kernel.arch.x86_64 import apic, cpu, mailbox, traps
from kernel.arch.x86_64.entry import run_on_kernel_stack
from kernel.arch.x86_64.frame import PRIVILEGE, Registers
from kernel.arch.x86_64.registers import MSR_KERNEL_GS_BASE, read_cr2, write_msr
from kernel.core import alarm, cpu_queue, log, machine_end, schedule, trace
from kernel.core.attention import attend
from kernel.core.panic import is_panicking, panic_in_exception, stop_for_panic
from kernel.core.thread_block import current_thread
from kernel.entry.fault import ask_or_end, handle_exception
from kernel.memory import address_space
from kernel.memory.usercopy import close_user_pages, resume_after_fault
from kernel.objects import interrupt_line


@export("exception_from_user")
def exception_from_user(frame: ptr[Registers]) -> None:
    """`frame` is the current thread's; returning resumes it."""
    close_user_pages()
    vector = frame.vector & 0xFF
    if vector == traps.PAGE_FAULT and address_space.permits(read_cr2(), frame.error):
        return                          # this CPU had in its caches what is not so any more
    if vector < traps.EXCEPTIONS:
        if trace.is_on:
            trace.record(TraceEvent.EXCEPTION, u32(vector), read_cr2())
        handle_exception()
    else:
        _handle_interrupt(vector)
    attend()


@export("exception_from_kernel")
def exception_from_kernel(frame: ptr[Registers]) -> None:
    vector = frame.vector & 0xFF
    if vector >= traps.EXCEPTIONS:
        _handle_interrupt(vector)
    elif vector == traps.BREAKPOINT and is_panicking():
        return                          # panic=debug, and no debugger took it
    elif vector != traps.PAGE_FAULT or not resume_after_fault(frame):
        panic_in_exception(traps.name_of(vector), frame)


@export("exception_on_own_stack")
def exception_on_own_stack(frame: ptr[Registers], user_gs_base: u64) -> None:
    """NMI, double fault, machine check and debug, from user or kernel at any instruction.

    `user_gs_base` is the gs base that was in force: the user's, if a user program was interrupted.
    """
    close_user_pages()
    vector = frame.vector & 0xFF
    if vector == traps.NMI:
        if is_panicking():
            stop_for_panic(frame)
            return
        machine_end.stop_if_ending()
        earlier = traps.nmis[cpu.index].fetch_add(1, "relaxed")
        if earlier & (earlier + 1) == 0:        # the first, the second, the fourth, and so on
            log.note(f"interrupt: cpu {cpu.index} got an NMI from the hardware")
    elif vector == traps.DEBUG and frame.cs & PRIVILEGE != 0:
        current_thread().registers = copy(frame[0])
        write_msr(MSR_KERNEL_GS_BASE, user_gs_base)
        run_on_kernel_stack(u64(ask_or_end))
    elif vector != traps.DEBUG:
        panic_in_exception(traps.name_of(vector), frame)


def give_up() -> NoReturn:
    """After a panic that this CPU survives: its thread, if any, has an exception; else it looks for a thread."""
    if cpu.frame is None:
        run_on_kernel_stack(u64(schedule.run))
    current_thread().registers.vector = traps.PROTECTION
    run_on_kernel_stack(u64(ask_or_end))


@export("look_after_call")
def look_after_call() -> None:
    """The way out of a system call when this CPU has been asked to look for another thread."""
    if trace.is_on:
        trace.record_return(current_thread().registers.rax)
    attend()


@export("refuse_return")
def refuse_return() -> NoReturn:
    """A thread was about to go back to an address that does not exist."""
    current_thread().registers.vector = traps.PROTECTION
    ask_or_end()


def _handle_interrupt(vector: u64) -> None:
    if vector == traps.SPURIOUS:
        return
    if vector == traps.REQUEST:
        apic.end_interrupt()
        mailbox.take_all()
        return
    if vector == traps.TIMER:
        apic.end_interrupt()
        cpu_queue.note_request()
        alarm.note_alarm()
        return
    if trace.is_on:
        start_ns = trace.record_interrupt(u32(vector))
        interrupt_line.deliver(u32(vector))
        trace.count_time(TraceTimes.INTERRUPTS, start_ns)
    else:
        interrupt_line.deliver(u32(vector))
