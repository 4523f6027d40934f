"""The capability as a value: what a slot of a table holds, and the handle that names the slot.

Invariant I-CAP-3: rights only shrink: a capability made from another has a subset of its rights.
"""
from compiler.prelude import const, ptr, struct, u32, u64
from kernel.caps.object import Object

INDEX_BITS = const(32)
NO_LEASE = const(0)                     # never ends


@struct
class Capability:
    object: ptr[Object] | None = None
    badge: u64 = 0          # chosen when it was minted; tells the object's owner who is speaking
    epoch: u64 = 0          # of the lease, when it was minted
    rights: u32 = 0
    lease: u32 = 0          # index of the lease's record, or NO_LEASE


def make_handle(index: u32, generation: u32) -> u64:
    """Never 0: the generation of an occupied slot is odd."""
    return u64(generation) << INDEX_BITS | u64(index)


def index_of(handle: u64) -> u32:
    return u32(handle)


def generation_of(handle: u64) -> u32:
    return u32(handle >> INDEX_BITS)


def is_subset(rights: u64, of: u32) -> bool:
    return rights & ~u64(of) == 0
