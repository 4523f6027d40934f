"""System calls: numbers and registers.

The number is in rax, arguments are in rdi, rsi, rdx, r10 and r8. The status (errors.py) comes back in rax and a value
in rdx; rcx and r11 are lost to the instruction; every other register keeps its value.
"""
from enum import IntEnum

from compiler.prelude import const


class Call(IntEnum):
    RING_ENTER = 0          # entries to take, completions to wait for, deadline -> entries taken
    EXIT = 1                # status; ends the process and does not return
    DEBUG_LOG = 2           # address and length of one line of text


DEBUG_LOG_BYTES = const(256)            # the longest line that debug_log takes
KILLED_BY_EXCEPTION = const(256)        # exit status of a process ended by an exception: this plus the vector
