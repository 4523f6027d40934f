"""The thread's ring as a library uses it: operations in flight, each with what it completed with.

An `Operation` lies in its user's memory until it is done; the user_data of its submission is its address. `wake` is
called when its completion has been taken from the ring.
"""
from __future__ import annotations

from collections.abc import Callable

from compiler.prelude import addr, const, copy, panic, ptr, struct, u8, u16, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import SLOTS, Completion, Submission
from kernel.abi.ring import Operation as Opcode
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import ring_enter

NO_DEADLINE = const(0)
_NOBODY = const(0)                      # user_data of a cancel, whose completion nobody waits for


@struct
class Operation:
    wake: Callable[[ptr[Operation]], None]
    context: u64                        # the waker's
    slot: u32
    is_done: bool
    completion: Completion


_ring: Ring = zeroed()
_busy_slots: u64 = 0
_unsubmitted: u64 = 0                   # entries written since the ring was last entered


def start(ring_address: u64) -> None:
    open_ring(addr(_ring), ring_address)


def in_flight() -> bool:
    return _busy_slots != 0


def has_free_slot() -> bool:
    return _free_slot() != SLOTS


def submit(entry: ptr[Submission], operation: ptr[Operation]) -> None:
    """Hands an operation over; the kernel sees it when the ring is next entered. Requires: has_free_slot()."""
    global _busy_slots, _unsubmitted
    slot = _free_slot()
    _busy_slots |= u64(1) << slot
    operation.slot = u32(slot)
    operation.is_done = False
    entry.slot = u16(slot)
    entry.user_data = u64(operation)
    _write(entry)


def flush() -> None:
    """Lets the kernel take what was submitted, and takes what has completed."""
    _enter(0, NO_DEADLINE)
    take_completions()


def wait(deadline_ns: u64) -> None:
    """Waits for a completion, at most until the deadline (NO_DEADLINE: for ever), and takes all there are."""
    _enter(1, deadline_ns)
    take_completions()


def poll() -> None:
    """Submits what has been written and takes what has completed. Costs a system call only for the former."""
    if _unsubmitted != 0:
        flush()
    elif in_flight():
        take_completions()


def take_completions() -> None:
    global _busy_slots
    completion: Completion = zeroed()
    while _ring.take(addr(completion)):
        if completion.user_data == _NOBODY:
            continue
        operation = ptr[Operation](completion.user_data)
        operation.completion = copy(completion)
        operation.is_done = True
        _busy_slots &= ~(u64(1) << u64(operation.slot))
        operation.wake(operation)


def cancel(operation: ptr[Operation]) -> None:
    """Ends an operation and takes its completion: afterwards the kernel knows nothing of it."""
    entry = Submission(
        operation=u8(Opcode.CANCEL), user_data=_NOBODY, word0=u64(operation.slot), word1=u64(operation)
    )
    _write(addr(entry))
    while not operation.is_done:
        flush()


def _write(entry: ptr[Submission]) -> None:
    global _unsubmitted
    while not _ring.submit(entry):
        flush()
    _unsubmitted += 1


def _enter(completions: u64, deadline_ns: u64) -> None:
    global _unsubmitted
    status, taken = ring_enter(_unsubmitted, completions, deadline_ns)
    if status == Status.BROKEN:
        panic("the ring is broken")
    _unsubmitted -= taken


def _free_slot() -> u64:
    for slot in range(u64(SLOTS)):
        if _busy_slots & (u64(1) << slot) == 0:
            return slot
    return SLOTS
