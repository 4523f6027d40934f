"""The ring as both sides see it: entries, completions, and the two pages that hold them.

The first page is written by the kernel and only readable for the user, the second follows it and is written by the
user. Indices count up for ever and wrap at 2^32; an entry's place is its index modulo the number of places. Every index
has a cache line of its own.
"""
from enum import IntEnum, IntFlag

from compiler.prelude import array, atomic, const, offsetof, sizeof, struct, u8, u16, u32, u64
from kernel.abi.upcall import UpcallBlock
from kernel.arch.x86_64.pages import PAGE_BYTES

SUBMISSION_PLACES = const(32)
COMPLETION_PLACES = const(32)
COMPLETION_CAPACITY = const(COMPLETION_PLACES - 1)      # the last place belongs to cancellation
SLOTS = const(32)


class Operation(IntEnum):
    """Fields that an operation does not name are not read; OPERATIONS says which flags each takes."""
    NOP = 0
    TIMER = 1               # completes OK when deadline_ns has come; word0 of the completion: the time, in ns
    CANCEL = 2              # word0 the slot, word1 the user_data of the operation to cancel
    INVOKE = 3              # capability, length the method (methods.py), word0..word2 and word3 its arguments
    SIGNAL = 4              # capability a notification, word0 the bits
    WATCH = 5               # capability a notification, word0 the bits of interest; word0 of the completion: those set


class SubmissionFlags(IntFlag):
    LINK = 1                # the next entry runs when this one has completed OK, else it completes CANCELLED
    SILENT = 2              # no completion when it succeeds
    PERSISTENT = 4          # a watch that goes on after its first completion


class CompletionFlags(IntFlag):
    MORE = 1                # not the last completion of its operation
    COALESCED = 2           # stands for several events: `badge` is their number
    CAPABILITIES = 4        # capabilities came with it
    LATE = 8                # with CANCELLED: the effect is unknown


# Flags that an operation may carry, by number.
OPERATIONS = const((
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK,
    0,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.PERSISTENT,
))
OPERATION_NUMBERS = const(len(OPERATIONS))
MAX_CHAIN = const(8)            # entries linked to one another


class RingFlags(IntFlag):
    """In the kernel's page."""
    STALLED = 1             # entries wait for room in the completion queue
    BROKEN = 2
    NEED_KICK = 4           # events have been folded: enter the ring when completions have been read


@struct
class Submission:
    operation: u8 = 0
    flags: u8 = 0
    slot: u16 = 0           # chosen by the user, below SLOTS; free again once the completion is visible
    length: u32 = 0
    user_data: u64 = 0
    capability: u64 = 0
    word3: u64 = 0
    word0: u64 = 0
    word1: u64 = 0
    word2: u64 = 0
    deadline_ns: u64 = 0    # absolute; 0 is none


@struct
class Completion:
    user_data: u64 = 0
    status: u16 = 0
    flags: u16 = 0
    sequence: u32 = 0
    badge: u64 = 0
    reply: u64 = 0
    word0: u64 = 0
    word1: u64 = 0
    word2: u64 = 0
    word3: u64 = 0


@struct(size=64)
class Index:
    value: atomic[u32]


@struct
class KernelPage:
    submission_head: Index
    completion_tail: Index
    flags: Index
    reserved: array[Index, 29]
    completions: array[Completion, COMPLETION_PLACES]


@struct
class UserPage:
    submission_tail: Index
    completion_head: Index
    upcall: UpcallBlock
    reserved: array[Index, 24]
    submissions: array[Submission, SUBMISSION_PLACES]


assert sizeof(Submission) == 64
assert sizeof(Completion) == 64
assert sizeof(KernelPage) == PAGE_BYTES
assert sizeof(UserPage) == PAGE_BYTES
assert offsetof(KernelPage, "completions") == offsetof(UserPage, "submissions")
assert offsetof(Submission, "user_data") == 8
assert offsetof(Submission, "word0") == 32
