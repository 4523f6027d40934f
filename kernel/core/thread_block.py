"""The thread: its registers while it does not run, what it waits for, and what it belongs to.

A thread has no kernel stack. It is in user mode, or its CPU handles its entry on the CPU's own stack; what must be
known later is in this block.
Invariants: I-CORE-1: cpu.frame of the CPU that runs a thread is the address of its registers, which end where the TSS
points. I-CORE-2: `wait` is 0 while the thread runs or is ready; whoever changes it to 0 by compare-exchange owns the
thread, writes its result registers, and makes it ready or runs it. I-CORE-3: a thread that waits is in no queue of
a CPU, and its registers, vector state and time are complete before `wait` says so.
Locks: fields marked (queue) belong to the run queue of the CPU in `conditions`.
"""
from __future__ import annotations

from enum import IntEnum

from compiler.prelude import array, atomic, const, offsetof, ptr, sizeof, struct, u32, u64
from kernel.abi.layout import USER_END, USER_LOWEST
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.frame import Registers
from kernel.caps.answer import Answer
from kernel.caps.capability import Capability
from kernel.caps.lease import Use
from kernel.caps.object import Object
from kernel.complete.ring_block import Ring
from kernel.config import CPU_LIMIT
from kernel.core.process_block import Process
from kernel.core.timers import Timer

AFFINITY_WORDS = const(CPU_LIMIT // 64)


class Wait(IntEnum):
    """The low four bits of `wait`; the others tell which channel, or which of the thread's waits it is."""
    NONE = 0                # runs or is ready
    NEW = 1                 # has never been started
    PARKED = 2              # stopped by a condition; runs on when no condition stops it
    RECEIVE = 3             # for a call on the channel at this address
    CALL = 4                # for the reply to its call of this number
    FAULT = 5               # for the verdict about its exception; the number as for CALL
    DEAD = 6                # for ever
    RING = 7                # for completions on its ring; the number as for CALL
    UNMAP = 8               # for other CPUs to forget what it unmaps; the number as for CALL


WAIT_KIND = const(15)
WAIT_STEP = const(16)

# `conditions`: the index of the CPU that the thread belongs to, and bits. A thread with none of these bits set can be
# switched to directly by a thread of the same CPU.
CPU_MASK = const(0xFFFF_FFFF)
HAS_VECTORS = const(1 << 32)            # has vector state of its own
HAS_BASES = const(1 << 33)              # its fs or gs base is not 0
SUSPENDED = const(1 << 34)
FROZEN = const(1 << 35)                 # with its process
THROTTLED = const(1 << 36)              # its account has used up its share of CPU time
KILLED = const(1 << 37)
UPCALL_DUE = const(1 << 38)            # its ring got completions, of which an upcall is to tell
CAPPED = const(1 << 39)                 # its account, or one above, has a cap on CPU time
HELD = const(1 << 40)                   # kept from running while another thread changes it (core/wait.py)
TELLS_PREEMPTION = const(1 << 42)       # wants an upcall when it has lost its CPU to another thread
WAS_PREEMPTED = const(1 << 43)          # of which an upcall is to tell
INVOCATIONS_DUE = const(1 << 44)       # of a chain on its ring, to be carried out before it next runs in user mode
WAIT_INTERRUPTED = const(1 << 45)      # by those, in ring_enter: it may have to wait on
HAS_EVENTS = const(1 << 41)             # it receives calls, and its ring may have completions that it has not read
STOPPING = const(SUSPENDED | FROZEN | THROTTLED | KILLED | HELD)


@struct(align=64)
class Thread:
    header: Object
    registers: Registers
    wait: atomic[u64]
    conditions: atomic[u64]
    process: ptr[Process]
    ring: ptr[Ring] | None
    answer: Answer                      # which it owes
    waits: u64                          # counts its waits, in steps of WAIT_STEP
    # While it waits in a call (core/calls.py).
    holder: u64                         # address of the Answer that is owed to it, once it has been received
    call_channel: atomic[u64]           # address of the channel while the call is queued there, else 0
    call_wait: u64                      # what its `wait` is meanwhile
    call_badge: u64
    call_order: u64                     # when it was queued, among all calls of the channel
    fault_address: u64
    call_level: u32
    call_lease: u32                     # that of the capability while the call is queued, or NO_LEASE
    call_use: Use                       # of that lease
    # Exceptions.
    received_from: u64                  # address of the channel of its last call received; only compared
    receive_use: Use                    # of the lease, if any, under which it received last the general way
    exceptions: Capability              # of its exception channel; no object: it has none
    asks_itself: bool                   # waits for a verdict that only its own process can give (receive_rights.py)
    priority: u32                       # in force: priority_of()
    own_priority: u32
    ceiling: u32                        # of the channel from which it receives or whose call it has to answer, else 0
    cpu_time: u64                       # in ticks of the time stamp counter
    told_ticks: atomic[u64]             # the most that anybody was told of them (cpu_queue.py)
    slice_left_ns: u64                  # when it was preempted; 0: all of it
    turns_owed: u32                     # slices that it has run too long (run_queue.py)
    # (queue)
    next: ptr[Thread] | None
    previous: ptr[Thread] | None        # None while it is in no queue, of a CPU or a channel
    throttle: Timer                     # while THROTTLED
    is_ready: bool                      # in the queue of its CPU
    affinity: array[atomic[u64], AFFINITY_WORDS]
    vectors: u64                        # address of its vector state, 0 before it first uses any
    fs_base: u64
    gs_base: u64
    # Process.lock guards these.
    sibling: ptr[Thread] | None
    elder: ptr[Thread] | None
    exit_status: u64
    exit_watcher: ptr[Object] | None    # the notification that is told
    exit_bits: u64


REGISTERS_OFFSET = const(offsetof(Thread, "registers"))
assert (REGISTERS_OFFSET + sizeof(Registers)) % 16 == 0
assert sizeof(Thread) <= 1024


def priority_of(thread: ptr[Thread]) -> u32:
    """What it is to run at: its own priority, or a ceiling that it is raised to."""
    ring = thread.ring
    return max(max(thread.own_priority, thread.ceiling), u32(0) if ring is None else ring.ceiling)


def is_program_counter(address: u64) -> bool:
    """Whether a thread may be sent there: an address outside would fault in the kernel, on the way out."""
    return USER_LOWEST <= address < USER_END


def current_thread() -> ptr[Thread]:
    """The thread whose entry this CPU handles. Requires: there is one."""
    frame = cpu.frame
    assert frame is not None, "this CPU runs no thread"
    return ptr[Thread](u64(frame) - REGISTERS_OFFSET)


def prepare(thread: ptr[Thread], priority: u32) -> None:
    """Fills in what a zeroed block needs to be made ready: it belongs to the boot CPU and may run on all."""
    thread.own_priority = priority
    thread.priority = priority
    for word in range(AFFINITY_WORDS):
        thread.affinity[word].store(0xFFFF_FFFF_FFFF_FFFF, "relaxed")


def cpu_of(thread: ptr[Thread]) -> u32:
    return u32(thread.conditions.load("acquire"))


def may_run_on(thread: ptr[Thread], index: u32) -> bool:
    return (thread.affinity[index // 64].load("relaxed") >> u64(index % 64)) & 1 != 0


def move(thread: ptr[Thread], target: u32) -> None:
    """Makes a thread belong to a CPU. Requires: it is in no queue, and the caller owns it."""
    home = cpu_of(thread)
    if home != target:
        _ = thread.conditions.fetch_xor(u64(home ^ target))


def note_preempted(thread: ptr[Thread]) -> None:
    """For its upcall, if it is to be told."""
    if thread.conditions.load("relaxed") & TELLS_PREEMPTION != 0:
        _ = thread.conditions.fetch_or(UPCALL_DUE | WAS_PREEMPTED, "relaxed")
