"""Changes of threads in any state, on any CPU: their priority, and where they may run."""
from compiler.prelude import ptr, u32
from kernel.abi.thread import SchedulingClass
from kernel.arch.x86_64 import cpu
from kernel.core.cpu_queue import queue_of
from kernel.core.online import has_started, set_offline, set_online
from kernel.core.run_queue import push, remove, use_class
from kernel.core.schedule import make_ready, reschedule
from kernel.core.thread_block import Thread, Wait, cpu_of, priority_of


def update_priority(thread: ptr[Thread]) -> None:
    """Puts the priority in force that a thread is to have now, in any state."""
    if put_priority(thread) and thread.wait.load("seq_cst") == Wait.NONE:
        reschedule(cpu_of(thread))


def put_priority(thread: ptr[Thread]) -> bool:
    """The same for a thread that the caller owns, or whose CPU looks by itself. Returns whether it has changed."""
    while True:
        home = cpu_of(thread)
        queue = queue_of(home)
        with queue.lock:
            if cpu_of(thread) == home:
                # Under the lock: of two that change what it follows from, the later one counts both.
                priority = priority_of(thread)
                if thread.priority == priority:
                    return False
                if not thread.is_ready:
                    thread.priority = priority
                else:
                    remove(queue, thread)
                    thread.priority = priority
                    push(queue, thread)
                return True


def relocate(thread: ptr[Thread]) -> None:
    """Takes a thread in any state off a CPU that it may not run on any more."""
    home = cpu_of(thread)
    queue = queue_of(home)
    with queue.lock:
        was_queued = thread.is_ready and cpu_of(thread) == home
        if was_queued:
            remove(queue, thread)
    if was_queued:
        make_ready(thread)
    else:
        reschedule(home)


def look_everywhere() -> None:
    """Makes every CPU look at the thread that it runs."""
    for index in range(cpu.known_cpus):
        if has_started(index):
            reschedule(index)


def set_class(index: u32, scheduling: SchedulingClass) -> None:
    """Whether a CPU heeds priorities, or gives every thread its turn."""
    queue = queue_of(index)
    with queue.lock:
        use_class(queue, scheduling)
    reschedule(index)


def take_offline(index: u32) -> bool:
    """Lets a CPU give its threads away and halt. Returns False for the last one. Requires: it has started."""
    if not set_offline(index):
        return False
    reschedule(index)
    return True


def bring_online(index: u32) -> None:
    set_online(index)
    reschedule(index)
