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
