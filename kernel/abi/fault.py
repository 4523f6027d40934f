"""Exceptions as calls: what a handler receives on an exception channel, and what it answers.

Words of the call: vector, with the error code above ERROR_SHIFT; address, of a page fault; program counter; stack
pointer. The badge is that of the capability that was made the exception channel. Other registers are read and written
through the thread (methods.py) while it waits for the verdict, which is the first word of the answer.
"""
from enum import IntEnum

from compiler.prelude import const

ERROR_SHIFT = const(32)
LARGEST_CHAIN = const(16)               # ancestors and handlers of handlers that are asked or looked at


class Verdict(IntEnum):
    RESUME = 0              # with the registers as they are now
    KILL = 1                # end the thread's process
