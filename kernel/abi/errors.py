"""Status codes: what a system call leaves in rax and a completion in its status field.

Invariants: 0 is success; a number is never given a second meaning.
"""
from enum import IntEnum


class Status(IntEnum):
    OK = 0
    BAD_CALL = 1            # no such system call
    BAD_ADDRESS = 2         # memory that the caller cannot read or write
    BAD_ARGUMENT = 3        # a value outside what the call allows
    BROKEN = 4              # the ring's indices contradicted each other; the ring is of no more use
    STALLED = 5             # entries remain, and the completion queue has no room for their completions
    BAD_OPERATION = 6       # completion: no such opcode, or a flag that it does not know
    BAD_SLOT = 7            # completion: the slot lies beyond the ring's last
    BAD_HANDLE = 8          # names no capability of the caller: never did, or not any more
    BAD_KIND = 9            # the capability is of another kind of object
    NO_RIGHT = 10           # the capability lacks a right that the operation needs
    REVOKED = 11            # the lease of the capability has ended
    DESTROYED = 12          # the object has been destroyed
    NO_MEMORY = 13          # the machine has no memory left for it
    OVER_LIMIT = 14         # the account's limit, or a limit of the kernel's own
    WOULD_BLOCK = 15        # nothing there now
    BUSY = 16               # in use in a way that rules this out
    CANCELLED = 17          # asked for; with LATE the effect is unknown
    CLOSED = 18             # the caller closed the handle meanwhile
    PEER_CLOSED = 19        # the other side is gone
    TIMEOUT = 20
    RECEIVER_LIMIT = 21     # the receiver cannot take that many capabilities
    USE_RING = 22           # would take too long for a direct call; submit it on a ring
    EVENTS = 23             # the caller's ring has completions to read
    ALREADY_MAPPED = 24     # something is mapped in the range
    NOT_MAPPED = 25
    NO_SUCH = 26            # no operation of that slot and user_data is in flight
    TOO_LATE = 27           # it ended with its own result first
    NOT_READY = 28          # part of the memory has not been cleared: prepare it first
    SEALED = 29             # sealed memory is never writable again
    NOT_SEALED = 30         # only sealed memory can be executed
