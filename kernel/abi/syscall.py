"""System calls: numbers and registers.

The number is in rax, arguments are in rdi, rsi, rdx, r10, r8 and r9. The status (errors.py) comes back in rax and a
value in rdx; rcx and r11 are lost to the instruction; every other register keeps its value.
"""
from enum import IntEnum

from compiler.prelude import const


class Call(IntEnum):
    RING_ENTER = 0          # entries to take, completions to wait for, deadline -> entries taken
    EXIT = 1                # status, what ends (Exit); does not return
    DEBUG_LOG = 2           # address and length of one line of text; BUSY while too many wait to be shown
    INVOKE = 3              # handle, operation (methods.py), up to four arguments -> what the operation says
    HANDLE_CLOSE = 4        # handle
    YIELD = 5
    CALL = 6                # handle of a channel, four words -> four words, of no meaning unless the status is OK
    REPLY_RECEIVE = 7       # handle of a channel or 0, four words; EVENTS when the caller's ring has completions, or
    #                         the handle was closed or its lease ended meanwhile: the next call says so
    RING_CANCEL = 8         # slot and user_data of the operation; its completion is there when the call returns
    UPCALL_RETURN = 9       # upcall.py; does not return unless the frame cannot be


class Exit(IntEnum):
    PROCESS = 0
    THREAD = 1              # the calling one; the last of a process ends it


DEBUG_LOG_BYTES = const(256)            # the longest line that debug_log takes
