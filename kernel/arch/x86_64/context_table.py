"""Which address spaces a CPU keeps translations of, and whether they still count.

A CPU numbers the last few spaces that it had in force. A space counts its changes; a CPU that comes back to it and
finds another count than the one it came with begins with nothing.
Pure: tested on the host. Locks: none: each CPU has a table of its own.
Not here: what a context is to the processor (contexts.py), who counts (memory/address_space.py).
"""
from compiler.prelude import array, const, ptr, struct, u64

CONTEXTS = const(6)
_NOTHING = const(0xFFFF_FFFF_FFFF_FFFF)     # no count


@struct
class Context:
    space: u64                          # number of the space, which no other has or will have; 0: none yet
    changes: u64                        # of the space, when this CPU last put it in force


@struct
class ContextTable:
    contexts: array[Context, CONTEXTS]
    next: u64                           # the context that the next space without one gets


def place_of(table: ptr[ContextTable], space: u64) -> u64:
    """The place of a space's context. A space without one takes that of another."""
    for place in range(u64(CONTEXTS)):
        if table.contexts[place].space == space:
            return place
    place = table.next
    table.next = (place + 1) % CONTEXTS
    table.contexts[place].space = space
    table.contexts[place].changes = _NOTHING
    return place


def renew(table: ptr[ContextTable], place: u64, changes: u64) -> bool:
    """Whether the translations of a context may be used by a CPU that puts its space in force now, after so many
    changes; if not, they must be forgotten."""
    if table.contexts[place].changes == changes:
        return True
    table.contexts[place].changes = changes
    return False
