"""The operations that a submission can ask for.

Each word of an entry is fetched at most once, and only if the operation uses it: the user can rewrite it meanwhile.
"""
from compiler.prelude import const, mem64, offsetof, ptr, u8, u16, u64
from kernel.abi.errors import Status
from kernel.abi.ring import SLOTS, Operation, Submission
from kernel.complete.post import post
from kernel.complete.queue import Ring

_USER_DATA = const(offsetof(Submission, "user_data"))


def start_operation(ring: ptr[Ring], entry: u64) -> None:
    """Carries out or begins the operation of the entry at this address. Requires: a reservation for its completion."""
    first = mem64[entry]
    user_data = mem64[entry + _USER_DATA]
    post(ring, user_data, _perform(u8(first), u8(first >> 8), u16(first >> 16)), 0)


def _perform(operation: u8, flags: u8, slot: u16) -> Status:
    if flags != 0:
        return Status.BAD_OPERATION
    if slot >= SLOTS:
        return Status.BAD_SLOT
    match operation:
        case Operation.NOP:
            return Status.OK
        case _:
            return Status.BAD_OPERATION
