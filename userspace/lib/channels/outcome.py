"""What channels in shared memory carry, and what came of an attempt on one."""
from enum import IntEnum

from compiler.prelude import array, const, struct, u64

_WORDS = const(4)


class Outcome(IntEnum):
    DONE = 0
    WOULD_BLOCK = 1         # full, or empty
    CLOSED = 2              # the other side is gone, and nothing is left to take
    BROKEN = 3              # the shared words contradict each other: the other side wrote what it must not
    USED = 4                # a one-shot channel is good for one message


@struct
class Words:
    """A short message."""
    words: array[u64, _WORDS]
