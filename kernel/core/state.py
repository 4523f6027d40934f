"""The state of the kernel, and the phases of its life with the times at which they began.

Pure: tested on the host.
Invariants: I-STATE-1: the state changes along an edge of _EDGES only, and of several who want different edges out of
one state exactly one wins. A panic may begin in any state and is final, but for leave_panic().
"""
from compiler.prelude import array, atomic, const, u32, u64, zeroed
from kernel.abi.system import KERNEL_STATES, KernelState

_ANY = const(1 << KernelState.PANIC)

_EDGES: array[u32, KERNEL_STATES] = array(
    (1 << KernelState.INITIALIZING) | _ANY,
    (1 << KernelState.RUNNING) | _ANY,
    (1 << KernelState.SHUTTING_DOWN) | (1 << KernelState.SUSPENDED) | _ANY,
    _ANY,
    0,
    (1 << KernelState.RUNNING) | _ANY,
)
_names: array[str, KERNEL_STATES] = array(
    "early boot", "initializing", "running", "shutting down", "panic", "suspended"
)

_state: atomic[u32] = KernelState.EARLY_BOOT
_entered: array[u64, KERNEL_STATES] = zeroed()


def current() -> u32:
    return _state.load("acquire")


def name_of(state: u32) -> str:
    return _names[state]


def is_edge(old: u32, new: u32) -> bool:
    return old < KERNEL_STATES and new < KERNEL_STATES and (_EDGES[old] >> new) & 1 != 0


def change(old: u32, new: u32, time_stamp: u64) -> bool:
    """Returns False, the state as it was, when it is not `old` or the edge does not exist."""
    if not is_edge(old, new) or not _state.cas(old, new, "acq_rel"):
        return False
    _entered[new] = time_stamp
    return True


def enter_panic() -> u32:
    """From whatever state. Returns the one it was, which is PANIC for whoever comes second."""
    return _state.exchange(KernelState.PANIC, "acq_rel")


def leave_panic(old: u32) -> None:
    """Back to the state that enter_panic() returned, for a debug build that goes on."""
    _state.store(old, "release")


def entered(state: u32) -> u64:
    """The time stamp at which the kernel last entered a state; 0 when it never did."""
    return _entered[state]
