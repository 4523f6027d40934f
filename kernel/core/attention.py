"""What this CPU has to do before it leaves the kernel: look for another thread, or only what is due for its own.

`cpu.attention` is ANYTHING whoever sets it, unless nothing but a condition of a thread was set: then the long look at
queues and clock is spared. Interrupts are off in the kernel, so the word is this CPU's alone.
"""
from compiler.prelude import const, ptr
from kernel.arch.x86_64 import cpu, mailbox
from kernel.core import context, schedule
from kernel.core.thread_block import Thread, cpu_of, current_thread

_DUE = const(2)                         # beside 1, which stands for anything


def note_due(thread: ptr[Thread]) -> None:
    """A condition has been set of which the thread is to hear before it next runs in user mode (context.py)."""
    target = cpu_of(thread)
    if target == cpu.index:
        cpu.attention |= _DUE
    else:
        mailbox.post(target, mailbox.Request.RESCHEDULE)


def attend() -> None:
    """On the way out, the current thread's registers complete. Returns if it is the one to go on."""
    while cpu.attention != 0:
        if cpu.attention == _DUE:
            cpu.attention = 0
            context.do_what_is_due(current_thread())
        else:
            schedule.look()
