"""System calls: numbers and registers.

The number is in rax, arguments are in rdi, rsi, rdx, r10, r8 and r9. The status (errors.py) comes back in rax and a
value in rdx; rcx and r11 are lost to the instruction; every other register keeps its value.
"""
from enum import IntEnum

from compiler.prelude import const


class Call(IntEnum):
    RING_ENTER = 0          # entries to take, completions to wait for, deadline -> entries taken
    EXIT = 1                # status; ends the process and does not return
    DEBUG_LOG = 2           # address and length of one line of text
    INVOKE = 3              # handle, operation (methods.py), up to four arguments -> what the operation says
    HANDLE_CLOSE = 4        # handle
    YIELD = 5
    CALL = 6                # handle of a channel, four words
    REPLY_RECEIVE = 7
    RING_CANCEL = 8
    UPCALL_RETURN = 9


DEBUG_LOG_BYTES = const(256)            # the longest line that debug_log takes
KILLED_BY_EXCEPTION = const(256)        # exit status of a process ended by an exception: this plus the vector
