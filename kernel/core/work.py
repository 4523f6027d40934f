"""Long work of the kernel, in slices, on the CPU where it was begun, in turn with threads of its priority.

Whoever has long work embeds a record, which stays queued until its function says that it has finished. A slice is at
most 64 units of whatever the work counts, or 20 us. Interrupts are taken between slices.
Locks: none: each CPU's queue is its own, and the kernel does not preempt itself; between slices an interrupt may add.
"""
from compiler.prelude import asm_x64, const, inline, percpu, percpu_address, ptr, struct, u32, u64, wrap_add
from compiler.prelude.x64 import cli, nop, sti
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.clock import now_ns
from kernel.core.work_block import Work

QUANTUM_NS = const(1_000_000)           # of work before a thread of the same priority has its turn


@struct
class WorkQueue:
    first: ptr[Work] | None = None      # of the highest priority


_queue: percpu[WorkQueue] = WorkQueue()
_thread_turn_ends_ns: percpu[u64] = 0


def add(work: ptr[Work]) -> None:
    """Queues work on this CPU. Requires: it is not queued; its function and priority are set."""
    _insert(work)
    cpu.attention = 1


def top_level() -> u32:
    """The highest priority of this CPU's work, plus 1; 0 when there is none."""
    first = _queue.first
    return 0 if first is None else first.priority + 1


@inline
def run_some(level: u32) -> None:
    """Does the work above this level (a thread's priority + 1), and for a quantum the work of this level.

    A quantum is the thread's turn after one of work, however often it enters the kernel meanwhile. Returns early when
    there is something else to look at (cpu.attention).
    """
    if _queue.first is not None:
        _run_some(level)


def _run_some(level: u32) -> None:
    global _thread_turn_ends_ns
    top = top_level()
    now = now_ns()
    if cpu.attention != 0 or top < max(level, 1) or top == level and now < _thread_turn_ends_ns:
        return
    end = now + QUANTUM_NS
    while cpu.attention == 0 and top_level() != 0 and (top_level() > level or now_ns() < end and top_level() == level):
        _run_slice()
        take_interrupts()
    if top == level:
        _thread_turn_ends_ns = now_ns() + QUANTUM_NS


def give_turn() -> None:
    """The thread that runs does not want the rest of its turn."""
    global _thread_turn_ends_ns
    _thread_turn_ends_ns = 0


def _run_slice() -> None:
    queue = _mine()
    work = queue.first
    assert work is not None
    queue.first = work.next
    work.is_queued = False
    if not work.run(work):
        _insert(work)


def _insert(work: ptr[Work]) -> None:
    """Behind the work of its priority."""
    queue = _mine()
    work.is_queued = True
    previous: ptr[Work] | None = None
    following = queue.first
    while following is not None and following.priority >= work.priority:
        previous = following
        following = following.next
    work.next = following
    if previous is None:
        queue.first = work
    else:
        previous.next = work


def _mine() -> ptr[WorkQueue]:
    return ptr[WorkQueue](wrap_add(cpu.base, percpu_address(_queue)))


@asm_x64
def take_interrupts() -> None:
    """Between slices: whatever else waits for this CPU has its turn. Requires: nothing of a slice is in use."""
    sti()
    nop()
    cli()
