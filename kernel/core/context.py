"""What a CPU carries for the thread that it runs, besides the registers in the frame: page tables, bases, vectors.

Vector state is allocated when a thread first uses vectors; from then on it is saved whenever the thread stops running
and restored before it runs again, so that nothing of it is left on a CPU.
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import addr, const, inline, noinline, panic, percpu, ptr, u8, u64
from kernel.arch.x86_64 import cpu, fpu, gdt
from kernel.arch.x86_64.entry import resume_user
from kernel.arch.x86_64.registers import (
    MSR_FS_BASE,
    MSR_KERNEL_GS_BASE,
    read_msr,
    write_msr,
)
from kernel.core.thread_block import HAS_BASES, HAS_VECTORS, INVOCATIONS_DUE, UPCALL_DUE, Thread
from kernel.memory import address_space, physical

_FRAMES_PREPARED = const(2)             # filled with zeros each time that this CPU has nothing to do

_fs_base: percpu[u64] = 0               # what this CPU has in force for user mode
_gs_base: percpu[u64] = 0


def save(thread: ptr[Thread]) -> None:
    """Completes the block of the thread that this CPU runs. Requires: it is still owned by this CPU."""
    if thread.conditions.load("relaxed") & HAS_VECTORS != 0:
        fpu.save(ptr[u8](thread.vectors))
    if cpu.has_base_instructions:
        _fetch_bases(thread)


def _nothing_to_do(thread: ptr[Thread]) -> None:
    panic("something was due before there was anything to do it")


def _no_way() -> NoReturn:
    panic("a thread had something to do before there was anything to do it")


deliver_upcall: Callable[[ptr[Thread]], None] = _nothing_to_do      # objects/upcall.py
carry_out: Callable[[ptr[Thread]], None] = _nothing_to_do           # submit/invocations.py
enter_with_a_look: Callable[[], NoReturn] = _no_way     # also carries out invocations (submit/ring_wait.py)


def enter(thread: ptr[Thread]) -> NoReturn:
    """Goes to user mode as `thread`, unless it waits on. Requires: this CPU owns it."""
    load(thread)
    due = thread.conditions.load("relaxed")
    if due & INVOCATIONS_DUE != 0:
        enter_with_a_look()
    if due & UPCALL_DUE != 0:
        deliver_upcall(thread)
    # Whoever spins answers requests: one that came since the last look would be forgotten until the next entry.
    if cpu.attention != 0:
        enter_with_a_look()
    resume_user()


@inline
def do_what_is_due(thread: ptr[Thread]) -> None:
    """Before a thread goes to user mode that has not waited. It may set cpu.attention."""
    if thread.conditions.load("relaxed") & (UPCALL_DUE | INVOCATIONS_DUE) != 0:
        _do(thread)


@noinline
def _do(thread: ptr[Thread]) -> None:
    if thread.conditions.load("relaxed") & INVOCATIONS_DUE != 0:
        carry_out(thread)
    if thread.conditions.load("relaxed") & UPCALL_DUE != 0:
        deliver_upcall(thread)


def load(thread: ptr[Thread]) -> None:
    """Makes `thread` this CPU's current one."""
    gdt.set_frame(addr(thread.registers))
    address_space.enter(addr(thread.process.space))
    conditions = thread.conditions.load("relaxed")
    if conditions & HAS_VECTORS != 0:
        fpu.turn_on()
        fpu.restore(ptr[u8](thread.vectors))
    else:
        fpu.turn_off()
    load_bases(thread)


def unload() -> None:
    """Before this CPU idles: nothing of a process stays in force, so that it can end meanwhile."""
    cpu.frame = None
    address_space.leave()
    for _ in range(_FRAMES_PREPARED):
        if not physical.prepare_zeroed_frame():
            break


def set_bases(thread: ptr[Thread], fs_base: u64, gs_base: u64) -> None:
    """Requires: the caller owns the thread and it does not run, or load_bases() follows."""
    thread.fs_base = fs_base
    thread.gs_base = gs_base
    if fs_base | gs_base != 0:
        _ = thread.conditions.fetch_or(HAS_BASES)
    else:
        _ = thread.conditions.fetch_and(~u64(HAS_BASES))


def load_bases(thread: ptr[Thread]) -> None:
    global _fs_base, _gs_base
    if thread.fs_base != _fs_base:
        _fs_base = thread.fs_base
        write_msr(MSR_FS_BASE, thread.fs_base)
    if thread.gs_base != _gs_base:
        _gs_base = thread.gs_base
        write_msr(MSR_KERNEL_GS_BASE, thread.gs_base)


def _fetch_bases(thread: ptr[Thread]) -> None:
    """With FSGSBASE a program changes its bases without telling the kernel."""
    global _fs_base, _gs_base
    _fs_base = read_msr(MSR_FS_BASE)
    _gs_base = read_msr(MSR_KERNEL_GS_BASE)
    if _fs_base != thread.fs_base or _gs_base != thread.gs_base:
        set_bases(thread, _fs_base, _gs_base)
